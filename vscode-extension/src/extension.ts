// Wires the parts together: one server for the window, its events to what shows them.

import * as vscode from 'vscode';
import { State } from 'vscode-languageclient/node';
import { createConnection, type Connection, type Execute, type Listener } from './client';
import { registerCommands } from './commands';
import { Deciding } from './deciding';
import { Diffs } from './diffs';
import { Proofs, tellEnd, tellLost } from './endings';
import { registerFirstMinute } from './first_minute';
import { Installing } from './install';
import { Instructions } from './instructions';
import { Keys } from './keys';
import { chooseLaunch } from './launch';
import { activeInterpreter, realMachine } from './machine';
import { Marks } from './marks';
import { Masking } from './masking';
import { Messages } from './messages';
import { SERVER } from './protocol';
import { Reviews } from './reviews';
import { Runs } from './runs';
import { Settings } from './settings';
import { Status } from './status';
import { StreamLog } from './stream';
import { Threads } from './threads';
import { ChangesTree, DismissedTree, RunsTree, type Dismissal } from './trees';

/** How long a person's "Run Again" waits for a server that starts again, in milliseconds. */
const RESTARTS_MS = 30_000;

let active: Ralph | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const masking = new Masking();
  const keys = new Keys(context.secrets, context.globalState, masking);
  active = new Ralph(context, keys, masking);
  context.subscriptions.push(active);
  await active.start();
}

export async function deactivate(): Promise<void> {
  await active?.stop();
  active = undefined;
}

class Ralph implements vscode.Disposable {
  private readonly output: vscode.LogOutputChannel;
  private readonly stream = vscode.window.createOutputChannel('Ralph', 'markdown');
  private readonly runs = new Runs();
  private readonly reviews = new Reviews();
  private readonly threads = new Threads(this.reviews);
  private readonly marks = new Marks(this.reviews);
  private readonly diffs = new Diffs(this.reviews);
  private readonly deciding = new Deciding(this.reviews, this.threads, this.diffs, async (command, argument) => {
    await this.execute(command, [argument]);
  });
  private readonly status = new Status(this.runs, () => this.deciding.meant);
  private readonly changesTree = new ChangesTree(this.reviews);
  private readonly runsTree = new RunsTree(this.runs);
  private readonly dismissedTree = new DismissedTree(() => this.dismissals());
  private readonly log = new StreamLog();
  private readonly messages = new Messages();
  private readonly proofs = new Proofs(this.messages);
  private readonly execute: Execute = async (command, args) => this.running()?.execute(command, args);
  private readonly disposables: vscode.Disposable[];
  private connection: Connection | undefined;
  /** Tells again why there is no server, with what can be done about it. */
  private sayWhyDown: (() => void) | undefined;
  /** Starts and stops follow each other, however fast they are asked for. */
  private queue: Promise<void> = Promise.resolve();

  private readonly settings: Settings;
  private readonly installing: Installing;

  constructor(
    context: vscode.ExtensionContext,
    private readonly keys: Keys,
    masking: Masking,
  ) {
    this.settings = new Settings(context.extension);
    this.output = masking.over(vscode.window.createOutputChannel('Ralph Server', { log: true }));
    this.installing = new Installing(context, this.output);
    this.disposables = [
      this.output,
      this.stream,
      this.status,
      this.threads,
      this.marks,
      this.diffs,
      this.changesTree,
      this.runsTree,
      this.dismissedTree,
      registerCommands({
        connection: () => this.running(),
        restart: () => this.restart(),
        reviews: this.reviews,
        deciding: this.deciding,
        instructions: new Instructions(context.workspaceState),
        keys,
        stream: this.stream,
        output: this.output,
      }),
      registerFirstMinute(context, {
        installing: this.installing,
        settings: this.settings,
        execute: this.execute,
        restart: () => this.restart(),
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
    const own = this.installing.program;
    const wish = { ...this.settings.command, ...(own === undefined ? {} : { own }), interpreter: await activeInterpreter() };
    const launch = await chooseLaunch(wish, realMachine);
    if (launch.kind === 'missing') {
      this.down(launch.why, ...(this.installing.possible ? (['Install ralphd'] as const) : []), 'Open Settings');
      return;
    }
    this.output.info(`Starting ${[launch.command, ...launch.args].join(' ')}`);
    const connection = createConnection(launch, this.settings, this.output, this.messages, this.listener());
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
        if (event.type === 'hunksChanged') {
          this.reviews.onHunks(event.reviewId, event.hunks, event.home, event.proof);
          void this.proofs.tell(event.reviewId, event.proof, this.execute);
          if (!this.runs.running && !event.hunks.some(({ state }) => state === 'pending')) {
            void this.messages.over(event.reviewId);
          }
          this.showReviews();
        }
        this.showRuns();
      },
      onStarted: (runId, started) => this.runs.onStarted(runId, started),
      onDismissed: () => this.dismissedTree.refresh(),
      onStream: (piece) => this.stream.append(this.log.feed(piece)),
      onEnded: (result) => {
        this.runs.onEnded(result);
        this.showRuns();
        if (!this.runs.wasLost(result.runId)) {
          void tellEnd(result, this.messages, this.execute, () => this.askKey());
        }
      },
    };
  }

  private onState(connection: Connection, state: State): void {
    void vscode.commands.executeCommand('setContext', 'ralph.serverRuns', state === State.Running);
    if (state === State.Running) {
      this.status.refresh();
      this.dismissedTree.refresh();
      void this.keys.handOver(connection.client);
    } else if (state === State.Stopped) {
      this.forget(connection);
    }
  }

  /** What a server said of its runs and reviews is void once it is gone. */
  private forget(connection: Connection | undefined): void {
    connection?.progress.clear();
    for (const lost of this.runs.clear()) {
      void tellLost(lost, this.messages, async () => (await this.whenRunning())?.execute);
    }
    this.reviews.clear();
    this.showRuns();
    this.showReviews();
  }

  private showRuns(): void {
    this.status.refresh();
    this.runsTree.refresh();
  }

  private showReviews(): void {
    void vscode.commands.executeCommand('setContext', 'ralph.reviewing', this.reviews.open);
    this.threads.refresh();
    this.marks.refresh();
    this.diffs.refresh();
    this.changesTree.refresh();
    this.status.refreshReview();
    void this.deciding.refresh();
  }

  private running(): Connection | undefined {
    if (this.connection?.client.isRunning() === true) {
      return this.connection;
    }
    if (this.connection === undefined && this.sayWhyDown !== undefined) {
      this.sayWhyDown();
    } else {
      this.down('The server is not running.', 'Restart');
    }
    return undefined;
  }

  /** The connection once its server runs: the client starts a server that stopped again by itself. */
  private async whenRunning(): Promise<Connection | undefined> {
    const client = this.connection?.client;
    if (client !== undefined && !client.isRunning()) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          subscription.dispose();
          resolve();
        };
        const timer = setTimeout(done, RESTARTS_MS);
        const subscription = client.onDidChangeState(({ newState }) => {
          if (newState === State.Running) {
            done();
          }
        });
      });
    }
    return this.running();
  }

  private async dismissals(): Promise<Dismissal[]> {
    const connection = this.connection;
    if (connection?.client.isRunning() !== true) {
      return [];
    }
    return ((await connection.execute(SERVER.dismissals, [])) as { dismissals: Dismissal[] } | undefined)?.dismissals ?? [];
  }

  private async askKey(): Promise<boolean> {
    const connection = this.running();
    return connection !== undefined && this.keys.ask(connection.client);
  }

  private onSettings(change: vscode.ConfigurationChangeEvent): void {
    if (this.settings.needsRestart(change)) {
      void this.offer('Ralph: this setting takes effect when the server starts again.', ['Restart']);
    }
  }

  private down(why: string, ...actions: Action[]): void {
    this.sayWhyDown = () => this.down(why, ...actions);
    this.status.down(why);
    this.output.error(why);
    void this.offer(`Ralph: ${why}`, actions, vscode.window.showErrorMessage);
  }

  private async offer(
    text: string,
    actions: Action[],
    show: (text: string, ...actions: Action[]) => Thenable<Action | undefined> = vscode.window.showInformationMessage,
  ): Promise<void> {
    switch (await show(text, ...actions)) {
      case 'Restart':
        return this.restart();
      case 'Install ralphd':
        await vscode.commands.executeCommand('ralph.install');
        return;
      case 'Open Settings':
        await this.settings.open('ralph.server.command');
        return;
      case 'Show Output':
        this.output.show(true);
        return;
      default:
        return;
    }
  }
}

type Action = 'Restart' | 'Install ralphd' | 'Open Settings' | 'Show Output';
