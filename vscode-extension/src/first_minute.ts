// What a person needs once: the server, an example to try it on, and the settings where they can be changed.

import * as fs from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Execute } from './client';
import type { Installing } from './install';
import { SERVER } from './protocol';
import type { Settings } from './settings';

export interface FirstParts {
  installing: Installing;
  settings: Settings;
  execute: Execute;
  /** Starts the server anew, after it was installed. */
  restart(): Promise<void>;
}

export function registerFirstMinute(context: vscode.ExtensionContext, parts: FirstParts): vscode.Disposable {
  const { installing, settings, execute, restart } = parts;
  const commands: Record<string, (given: unknown) => Promise<void>> = {
    'ralph.install': async () => {
      if (await installing.install()) {
        // The message that there is no server is true no more, and the editor takes none back by itself.
        await vscode.commands.executeCommand('notifications.hideToasts');
        await restart();
      }
    },
    'ralph.openSetting': async (id) => settings.open(typeof id === 'string' ? id : 'ralph.server.command'),
    'ralph.fetchModel': async () => void (await execute(SERVER.fetchModel, [])),
    'ralph.chooseModel': async () => void (await execute(SERVER.openSetting, [{ key: 'models' }])),
    'ralph.openExample': () => openExample(context),
  };
  return vscode.Disposable.from(...Object.entries(commands).map(([id, run]) => vscode.commands.registerCommand(id, run)));
}

/** A fresh copy of the example, in a window of its own: what a person did with an earlier one is left where it is. */
async function openExample(context: vscode.ExtensionContext): Promise<void> {
  const copies = path.join(context.globalStorageUri.fsPath, 'examples');
  fs.mkdirSync(copies, { recursive: true });
  const folder = path.join(fs.mkdtempSync(path.join(copies, 'example-')), 'pages');
  fs.cpSync(context.asAbsolutePath('example'), folder, { recursive: true });
  await vscode.commands.executeCommand('vscode.openFolder', vscode.Uri.file(folder), { forceNewWindow: vscode.workspace.workspaceFolders !== undefined });
}
