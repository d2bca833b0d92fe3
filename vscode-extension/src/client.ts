// Builds the language client: what it tells the server at the start, and where its answers go.

import * as os from 'node:os';
import * as readline from 'node:readline';
import * as vscode from 'vscode';
import {
  DidChangeConfigurationNotification,
  ExecuteCommandRequest,
  LanguageClient,
  ResponseError,
  RevealOutputChannelOn,
  ShowMessageRequest,
  type ClientCapabilities,
  type MessageActionItem,
  type ShowMessageRequestParams,
  type StaticFeature,
} from 'vscode-languageclient/node';
import type { Launch } from './launch';
import type { Messages } from './messages';
import { ProgressNotifications } from './progress';
import { METHOD, SERVER, type RalphEvent, type RunResult, type StreamParams } from './protocol';
import type { Started } from './runs';
import type { Settings } from './settings';

export interface Listener {
  onEvent(event: RalphEvent): void;
  onStream(piece: StreamParams): void;
  onEnded(result: RunResult): void;
  /** A command of the server began a run. */
  onStarted(runId: string, started: Started): void;
  /** A finding was put away for good, or is to be shown again. */
  onDismissed(): void;
}

/** Runs a command of the server; undefined where it was refused, which the person has been told. */
export type Execute = (command: string, args: unknown[]) => Promise<unknown>;

export interface Connection {
  client: LanguageClient;
  progress: ProgressNotifications;
  execute: Execute;
}

export function createConnection(
  launch: Extract<Launch, { kind: 'found' }>,
  settings: Settings,
  output: vscode.LogOutputChannel,
  messages: Messages,
  listener: Listener,
): Connection {
  const execute: Execute = async (command, args) => {
    const answer = command === SERVER.openSetting ? await openSetting(client, settings, args[0]) : await executeOnServer(client, command, args);
    const runId = (answer as { runId?: unknown } | null | undefined)?.runId;
    if (typeof runId === 'string') {
      listener.onStarted(runId, { command, argument: (args[0] ?? {}) as Record<string, unknown> });
    }
    if (command === SERVER.dismiss || command === SERVER.undismiss) {
      listener.onDismissed();
    }
    return answer;
  };
  const progress = new ProgressNotifications((type, params) => void client.sendNotification(type, params));
  const client: LanguageClient = new LanguageClient(
    'ralph',
    'Ralph',
    // Outside the workspace: nothing that lies in a repository may come first on an import path.
    { command: launch.command, args: launch.args, options: { cwd: os.homedir() } },
    {
      documentSelector: [{ scheme: 'file' }, { scheme: 'untitled' }],
      diagnosticCollectionName: 'ralph',
      outputChannel: output,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: () => settings.forServer(),
      stdioOptions: {
        stdout: () => undefined, // the protocol's own
        // The server's log; by default each line of it would be called an error.
        stderr: (input, channel) => void readline.createInterface({ input }).on('line', (line) => channel.info(line)),
      },
      middleware: {
        handleWorkDoneProgress: progress.handle,
        executeCommand: execute,
        workspace: {
          // A pull names no scope, so what only the person can set stays out of it: it went with the initialization.
          configuration: (params, token, next) =>
            params.items.every((item) => item.section === 'ralph')
              ? params.items.map((item) =>
                  settings.forServer(item.scopeUri ? client.protocol2CodeConverter.asUri(item.scopeUri) : undefined).settings,
                )
              : next(params, token),
          didChangeConfiguration: () =>
            client.sendNotification(DidChangeConfigurationNotification.type, {
              settings: { ralph: settings.forServer().settings },
            }),
        },
      },
    },
  );
  client.registerFeature(new OptIn());
  client.onNotification(METHOD.event, (event: RalphEvent) => listener.onEvent(event));
  client.onNotification(METHOD.stream, (piece: StreamParams) => listener.onStream(piece));
  client.onNotification(METHOD.runEnded, (result: RunResult) => listener.onEnded(result));
  client.onRequest(ShowMessageRequest.type, (params) => ask(params, messages));
  return { client, progress, execute };
}

/**
 * Puts a question of the server, such as whether a repository's test command may run.
 *
 * As an error, whatever its type: the editor hides other messages after some seconds, buttons and all, while the run
 * waits for the answer. Not as a dialog: it would take the focus, and the next Enter would be a yes.
 */
async function ask({ message, actions }: ShowMessageRequestParams, messages: Messages): Promise<MessageActionItem | null> {
  const choices = actions ?? [];
  const chosen = await messages.say('error', message, choices.map(({ title }) => title));
  return choices.find(({ title }) => title === chosen) ?? null;
}

/** Asks for the notifications beyond LSP; without it the server sends none. */
class OptIn implements StaticFeature {
  fillClientCapabilities(capabilities: ClientCapabilities): void {
    const experimental = (capabilities.experimental ?? {}) as Record<string, unknown>;
    capabilities.experimental = { ...experimental, ralph: { events: true, stream: true, review: true } };
  }

  initialize(): void {}

  getState(): ReturnType<StaticFeature['getState']> {
    return { kind: 'static' };
  }

  clear(): void {}
}

/** Shows where a setting is decided: the file that sets it, by the server; where none does, the editor's own settings. */
async function openSetting(client: LanguageClient, settings: Settings, given: unknown): Promise<unknown> {
  const argument = (given ?? {}) as { key?: string };
  const id = settings.idOf(argument.key ?? '');
  const answer = await executeOnServer(client, SERVER.openSetting, [id === undefined ? argument : { ...argument, onlySet: true }]);
  if (id !== undefined && (answer as { set?: boolean } | undefined)?.set === false) {
    await settings.open(id);
  }
  return answer;
}

/** Runs a command of the server. A refusal is a sentence for the person; the library would log most and show none. */
async function executeOnServer(client: LanguageClient, command: string, args: unknown[]): Promise<unknown> {
  try {
    return await client.sendRequest(ExecuteCommandRequest.type, { command, arguments: args });
  } catch (error) {
    if (!(error instanceof ResponseError)) {
      throw error;
    }
    const runId = (error.data as { runId?: string } | undefined)?.runId;
    const cancel = 'Cancel That Run';
    const answer = await vscode.window.showWarningMessage(`Ralph: ${error.message}`, ...(runId === undefined ? [] : [cancel]));
    if (answer === cancel) {
      await executeOnServer(client, SERVER.cancel, [{ runId }]);
    }
    return undefined;
  }
}
