// Reads the editor's settings: the ones declared in our own package.json, by scope.

import * as vscode from 'vscode';
import { isUserOnly, serverOptions, type Declared, type ServerOptions } from './options';

interface Contribution {
  properties?: Record<string, Declared>;
}

export class Settings {
  private readonly declared: Readonly<Record<string, Declared>>;

  constructor(extension: vscode.Extension<unknown>) {
    const manifest = extension.packageJSON as { contributes: { configuration: Contribution | Contribution[] } };
    const sections = [manifest.contributes.configuration].flat();
    this.declared = Object.assign({}, ...sections.map((section) => section.properties ?? {})) as Record<string, Declared>;
  }

  forServer(resource?: vscode.Uri): ServerOptions {
    const all = vscode.workspace.getConfiguration(undefined, resource ?? null);
    return serverOptions(this.declared, (id) => all.inspect(id));
  }

  get command(): { command: string[]; explicit: boolean } {
    const config = vscode.workspace.getConfiguration('ralph.server');
    const explicit = config.inspect<string[]>('command')?.globalValue !== undefined;
    return { command: config.get<string[]>('command') ?? [], explicit };
  }

  /** Opens the settings at one of ours, where it can be changed: what only the machine decides is a remote machine's own. */
  async open(id: string): Promise<void> {
    const remote = vscode.env.remoteName !== undefined && isUserOnly(this.declared[id] ?? {});
    const command = remote ? 'workbench.action.openRemoteSettings' : 'workbench.action.openSettings';
    await vscode.commands.executeCommand(command, { query: `@id:${id}` });
  }

  /** The setting of ours that decides on a key of the server ("budget.usd_per_run", or a section), where there is one. */
  idOf(key: string): string | undefined {
    const id = `ralph.${key}`;
    return Object.keys(this.declared).find((known) => known === id || known.startsWith(`${id}.`));
  }

  /** True where the change reaches a server only at its start: its program, and what it believes as the person's own word. */
  needsRestart(change: vscode.ConfigurationChangeEvent): boolean {
    return Object.entries(this.declared).some(([id, declared]) => isUserOnly(declared) && change.affectsConfiguration(id));
  }
}
