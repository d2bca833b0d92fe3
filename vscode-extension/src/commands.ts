// The palette's commands: each asks what it needs and hands over to a command of the server.

import * as vscode from 'vscode';
import type { Connection } from './client';
import { decideOnConsents } from './consents';
import type { Deciding, Given } from './deciding';
import type { Instructions } from './instructions';
import type { Keys } from './keys';
import { SERVER } from './protocol';
import type { Reviews } from './reviews';
import { takeBack } from './taking_back';

export interface Parts {
  /** The connection to a server that runs; tells the person and answers undefined where none does. */
  connection(): Connection | undefined;
  restart(): Promise<void>;
  reviews: Reviews;
  deciding: Deciding;
  instructions: Instructions;
  keys: Keys;
  stream: vscode.OutputChannel;
  output: vscode.OutputChannel;
}

type Command = (given: Given) => Promise<void>;

export function registerCommands(parts: Parts): vscode.Disposable {
  const commands = { ...runCommands(parts), ...reviewCommands(parts), ...otherCommands(parts) };
  return vscode.Disposable.from(...Object.entries(commands).map(([id, run]) => vscode.commands.registerCommand(id, run)));
}

function runCommands({ connection, instructions }: Parts): Record<string, Command> {
  const onTarget = async (command: string, ask: () => Promise<object | undefined>): Promise<void> => {
    const server = connection();
    const editor = vscode.window.activeTextEditor;
    if (server === undefined || editor === undefined) {
      return;
    }
    const { document, selection } = editor;
    const more = await ask();
    if (more === undefined) {
      return;
    }
    const { code2ProtocolConverter: converter } = server.client;
    const range = converter.asRange(selection);
    await server.execute(command, [{ uri: converter.asUri(document.uri), version: document.version, range, ...more }]);
  };
  const plain = async (): Promise<object> => ({});
  const instruction = async (): Promise<object | undefined> => {
    const text = await instructions.ask();
    return text === undefined ? undefined : text === '' ? {} : { instruction: text };
  };
  return {
    'ralph.implement': () => onTarget(SERVER.implement, instruction),
    'ralph.showWhatWouldBeSent': () => onTarget(SERVER.showWhatWouldBeSent, instruction),
    'ralph.fixAll': async () => {
      const server = connection();
      const uri = vscode.window.activeTextEditor?.document.uri;
      await (uri === undefined ? undefined : server?.execute(SERVER.fix, [{ uri: server.client.code2ProtocolConverter.asUri(uri) }]));
    },
    'ralph.critique': () => onTarget(SERVER.critique, plain),
    'ralph.chaosTests': () => onTarget(SERVER.chaosTests, plain),
    'ralph.opinions': () => onTarget(SERVER.opinions, plain),
    'ralph.cancel': async () => void (await connection()?.execute(SERVER.cancel, [{}])),
  };
}

function reviewCommands({ deciding, reviews }: Parts): Record<string, Command> {
  return {
    'ralph.next': () => deciding.step(1),
    'ralph.previous': () => deciding.step(-1),
    'ralph.show': (given) => deciding.show(given),
    'ralph.accept': (given) => deciding.decide(SERVER.accept, given),
    'ralph.reject': (given) => deciding.decide(SERVER.reject, given),
    'ralph.acceptFile': (given) => deciding.decideFile(SERVER.accept, given),
    'ralph.rejectFile': (given) => deciding.decideFile(SERVER.reject, given),
    'ralph.acceptAll': () => deciding.decideAll(SERVER.accept),
    'ralph.rejectAll': () => deciding.decideAll(SERVER.reject),
    'ralph.rejectWithReason': (given) => deciding.rejectWithReason(given),
    'ralph.tryAgain': (given) => deciding.tryAgain(given),
    'ralph.takeBack': () => takeBack(reviews),
    'ralph.showChanges': (given) => deciding.openDiff(given),
    'ralph.showFileChanges': (given) => deciding.openFileDiff(given),
  };
}

function otherCommands({ connection, restart, keys, stream, output }: Parts): Record<string, Command> {
  return {
    'ralph.showStream': async () => stream.show(true),
    'ralph.showOutput': async () => output.show(true),
    'ralph.showLog': async () => void (await connection()?.execute(SERVER.showLog, [])),
    'ralph.showRun': async (given) => {
      const runId = given !== null && typeof given === 'object' && 'runId' in given ? given.runId : undefined;
      await (typeof runId === 'string' ? connection()?.execute(SERVER.showRun, [{ runId }]) : undefined);
    },
    'ralph.showRuns': async () => void (await connection()?.execute(SERVER.showRuns, [])),
    'ralph.undismiss': async (given) => {
      const fingerprint = given !== null && typeof given === 'object' && 'fingerprint' in given ? given.fingerprint : undefined;
      await (typeof fingerprint === 'string' ? connection()?.execute(SERVER.undismiss, [{ fingerprint }]) : undefined);
    },
    'ralph.doctor': async () => void (await connection()?.execute(SERVER.doctor, [])),
    'ralph.setKey': async () => {
      const server = connection();
      await (server === undefined ? undefined : keys.ask(server.client));
    },
    'ralph.trust': async () => {
      const server = connection();
      const uri = vscode.window.activeTextEditor?.document.uri;
      await (server === undefined ? undefined : decideOnConsents(uri === undefined ? undefined : server.client.code2ProtocolConverter.asUri(uri), server.execute));
    },
    'ralph.restart': () => restart(),
  };
}
