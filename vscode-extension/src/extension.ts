// Wires the parts together: one server for the window, its events to what shows them.

import * as vscode from 'vscode';
import { State, type LanguageClient } from 'vscode-languageclient/node';
import { createConnection, type Connection, type Listener } from './client';
import { registerCommands } from './commands';
import { chooseLaunch } from './launch';
import { activeInterpreter, realMachine } from './machine';
import { ReviewView } from './review';
import { Reviews } from './reviews';
import { Runs } from './runs';
import { Settings } from './settings';
import { Status, tellEnd } from './status';
import { StreamLog } from './stream';

let active: Ralph | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  active = new Ralph(new Settings(context.extension));
  context.subscriptions.push(active);
  await active.start();
}

export async function deactivate(): Promise<void> {
  await active?.stop();
  active = undefined;
}

class Ralph implements vscode.Disposable {
  private readonly output = vscode.window.createOutputChannel('Ralph Server', { log: true });
  private readonly stream = vscode.window.createOutputChannel('Ralph', 'markdown');
  private readonly runs = new Runs();
  private readonly reviews = new Reviews();
  private readonly status = new Status(this.runs);
  private readonly view = new ReviewView(this.reviews);
  private readonly log = new StreamLog();
  private readonly disposables: vscode.Disposable[];
  private connection: Connection | undefined;
  /** Starts and stops follow each other, however fast they are asked for. */
  private queue: Promise<void> = Promise.resolve();

  constructor(private readonly settings: Settings) {
    this.disposables = [
      this.output,
      this.stream,
      this.status,
      this.view,
      registerCommands({
        client: () => this.runningClient(),
        restart: () => this.restart(),
        reviews: this.reviews,
        view: this.view,
        stream: this.stream,
      }),
      vscode.workspace.onDidChangeConfiguration((change) => this.onSettings(change)),
      // Now the workspace's interpreter may be tried.
      vscode.workspace.onDidGrantWorkspaceTrust(() => (this.connection === undefined ? void this.start() : undefined)),
    ];
  }

  start(): Promise<void> {
    return this.enqueue(() => this.doStart());
  }

  stop(): Promise<void> {
    return this.enqueue(() => this.doStop());
  }

  restart(): Promise<void> {
    return this.enqueue(async () => {
      await this.doStop();
      await this.doStart();
    });
  }

  dispose(): void {
    this.disposables.forEach((disposable) => disposable.dispose());
  }

  private enqueue(step: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(step, step);
    return this.queue;
  }

  private async doStart(): Promise<void> {
    const launch = await chooseLaunch({ ...this.settings.command, interpreter: await activeInterpreter() }, realMachine);
    if (launch.kind === 'missing') {
      this.down(`${launch.why} Install it with "pipx install ralphd", or name it in the settings.`, 'Open Settings');
      return;
    }
    this.output.info(`Starting ${[launch.command, ...launch.args].join(' ')}`);
    const connection = createConnection(launch, this.settings, this.output, this.listener());
    this.connection = connection;
    connection.client.onDidChangeState(({ newState }) => this.onState(connection, newState));
    try {
      await connection.client.start();
    } catch (error) {
      this.connection = undefined;
      this.down(`The server did not start: ${error instanceof Error ? error.message : String(error)}`, 'Show Output');
    }
  }

  private async doStop(): Promise<void> {
    const connection = this.connection;
    this.connection = undefined;
    await connection?.client.dispose();
    this.forget(connection);
  }

  private listener(): Listener {
    return {
      onEvent: (event) => {
        this.runs.onEvent(event);
        this.status.refresh();
        if (event.type === 'hunksChanged') {
          this.reviews.onHunks(event.reviewId, event.hunks);
          this.view.refresh();
        }
      },
      onStream: (piece) => this.stream.append(this.log.feed(piece)),
      onEnded: (result) => {
        this.runs.onEnded(result);
        this.status.refresh();
        void tellEnd(result);
      },
    };
  }

  private onState(connection: Connection, state: State): void {
    if (state === State.Running) {
      this.status.refresh();
    } else if (state === State.Stopped) {
      this.forget(connection);
    }
  }

  /** What a server said of its runs and reviews is void once it is gone. */
  private forget(connection: Connection | undefined): void {
    connection?.progress.clear();
    this.runs.clear();
    this.reviews.clear();
    this.status.refresh();
    this.view.refresh();
  }

  private runningClient(): LanguageClient | undefined {
    const client = this.connection?.client;
    if (client?.isRunning() === true) {
      return client;
    }
    this.down('The server is not running.', 'Restart');
    return undefined;
  }

  private onSettings(change: vscode.ConfigurationChangeEvent): void {
    if (this.settings.needsRestart(change)) {
      void this.offer('Ralph: this setting takes effect when the server starts again.', 'Restart');
    }
  }

  private down(why: string, action: Action): void {
    this.status.down(why);
    this.output.error(why);
    void this.offer(`Ralph: ${why}`, action, vscode.window.showErrorMessage);
  }

  private async offer(
    text: string,
    action: Action,
    show: (text: string, action: Action) => Thenable<Action | undefined> = vscode.window.showInformationMessage,
  ): Promise<void> {
    switch (await show(text, action)) {
      case 'Restart':
        return this.restart();
      case 'Open Settings':
        await vscode.commands.executeCommand('workbench.action.openSettings', 'ralph.server.command');
        return;
      case 'Show Output':
        this.output.show(true);
        return;
      default:
        return;
    }
  }
}

type Action = 'Restart' | 'Open Settings' | 'Show Output';
