// "Install ralphd": makes a private environment in the extension's own storage from the wheel that the extension brings.

import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as readline from 'node:readline';
import * as vscode from 'vscode';
import { chooseTool, programIn, PYTHON, steps, type Bundled, type Step } from './environment';
import { realMachine } from './machine';

/** Written last: an environment without it is not whole. */
const STAMP = 'installed-by-ralph';

export class Installing {
  private readonly bundled: Bundled | undefined;
  private readonly storage: string;

  constructor(
    context: vscode.ExtensionContext,
    private readonly output: vscode.LogOutputChannel,
  ) {
    this.storage = context.globalStorageUri.fsPath;
    this.bundled = find(context.asAbsolutePath('server'));
  }

  /** Whether this build of the extension brings a server. */
  get possible(): boolean {
    return this.bundled !== undefined;
  }

  /** The server's program in the environment of this very wheel, where that was made. */
  get program(): string | undefined {
    const folder = this.folder;
    return folder !== undefined && fs.existsSync(path.join(folder, STAMP)) ? programIn(folder, 'ralphd', realMachine.platform) : undefined;
  }

  /** True where the server is installed now. */
  async install(): Promise<boolean> {
    const { bundled, folder } = this;
    if (bundled === undefined || folder === undefined) {
      await vscode.window.showErrorMessage('Ralph: this build of the extension brings no server. Build it with "make vsix".');
      return false;
    }
    const tool = await chooseTool(realMachine);
    if (tool === undefined) {
      await vscode.window.showErrorMessage(
        `Ralph: neither uv nor a Python from ${PYTHON} on that can make environments is on PATH. Install one of the two and try again.`,
      );
      return false;
    }
    const options = { location: vscode.ProgressLocation.Notification, title: 'Ralph: installing its server', cancellable: true };
    return vscode.window.withProgress(options, async (progress, cancellation) => {
      try {
        fs.mkdirSync(this.storage, { recursive: true });
        this.removeAll();
        for (const step of steps(tool, folder, bundled, realMachine.platform)) {
          progress.report({ message: step.title });
          await this.run(step, (line) => progress.report({ message: `${step.title}: ${line}` }), cancellation);
        }
        fs.writeFileSync(path.join(folder, STAMP), '');
        return true;
      } catch (error) {
        this.removeAll();
        if (!cancellation.isCancellationRequested) {
          this.tell(error instanceof Error ? error.message : String(error));
        }
        return false;
      }
    });
  }

  /** Of the version of the wheel, so that a newer extension makes its own. */
  private get folder(): string | undefined {
    return this.bundled === undefined ? undefined : path.join(this.storage, path.basename(this.bundled.wheel, '.whl'));
  }

  private removeAll(): void {
    for (const name of fs.readdirSync(this.storage).filter((entry) => entry.startsWith('ralphd-'))) {
      fs.rmSync(path.join(this.storage, name), { recursive: true, force: true });
    }
  }

  private tell(why: string): void {
    const show = 'Show Output';
    void vscode.window.showErrorMessage(`Ralph: the server could not be installed. ${why}`, show).then((chosen) => {
      if (chosen === show) {
        this.output.show(true);
      }
    });
  }

  /** Runs one step; each line that it prints goes to the log, and to `tell`. Rejects with the last line where it fails. */
  private run(step: Step, tell: (line: string) => void, cancellation: vscode.CancellationToken): Promise<void> {
    this.output.info([step.command, ...step.args].join(' '));
    return new Promise((resolve, reject) => {
      const child = spawn(step.command, step.args, { cwd: this.storage, stdio: ['ignore', 'pipe', 'pipe'] });
      let last = '';
      for (const input of [child.stdout, child.stderr]) {
        readline.createInterface({ input }).on('line', (line) => {
          this.output.info(line);
          last = line.trim() === '' ? last : line.trim();
          tell(last.length > 80 ? `${last.slice(0, 79)}…` : last);
        });
      }
      const cancelling = cancellation.onCancellationRequested(() => child.kill());
      child.on('error', (error) => reject(error));
      child.on('close', (code) => {
        cancelling.dispose();
        if (code === 0 && !cancellation.isCancellationRequested) {
          resolve();
        } else {
          reject(new Error(last === '' ? `${step.title} ended with ${code}.` : last));
        }
      });
    });
  }
}

function find(folder: string): Bundled | undefined {
  const wheel = fs.existsSync(folder) ? fs.readdirSync(folder).find((name) => name.endsWith('.whl')) : undefined;
  return wheel === undefined ? undefined : { wheel: path.join(folder, wheel), requirements: path.join(folder, 'requirements.txt') };
}
