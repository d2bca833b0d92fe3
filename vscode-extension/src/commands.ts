// The palette's commands: each asks what it needs and hands over to a command of the server.

import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { executeOnServer } from './client';
import { SERVER } from './protocol';
import type { ReviewView } from './review';
import type { Reviews } from './reviews';

export interface Parts {
  /** The client of a server that runs; tells the person and answers undefined where none does. */
  client(): LanguageClient | undefined;
  restart(): Promise<void>;
  reviews: Reviews;
  view: ReviewView;
  stream: vscode.OutputChannel;
}

export function registerCommands(parts: Parts): vscode.Disposable {
  const send = async (command: string, argument: object): Promise<void> => {
    const client = parts.client();
    if (client !== undefined) {
      await executeOnServer(client, command, [argument]);
    }
  };
  const onTarget = async (command: string, more: object = {}): Promise<void> => {
    const client = parts.client();
    const editor = vscode.window.activeTextEditor;
    if (client === undefined || editor === undefined) {
      return;
    }
    const { document, selection } = editor;
    await send(command, {
      uri: client.code2ProtocolConverter.asUri(document.uri),
      version: document.version,
      range: client.code2ProtocolConverter.asRange(selection),
      ...more,
    });
  };
  const onReview = async (act: (reviewId: string) => Promise<void>): Promise<void> => {
    const reviewId = parts.reviews.choose(vscode.window.activeTextEditor?.document.uri.toString());
    if (reviewId === undefined) {
      void vscode.window.showInformationMessage('Ralph: no change waits for review.');
      return;
    }
    await act(reviewId);
  };

  const commands: Record<string, () => Promise<void>> = {
    'ralph.implement': async () => {
      const instruction = await vscode.window.showInputBox({
        title: 'Ralph: implement',
        prompt: 'What should be done? Leave empty to go by the comments, docstring and failing tests.',
        placeHolder: 'for example: handle empty input, keep the signature',
      });
      if (instruction !== undefined) {
        await onTarget(SERVER.implement, instruction.trim() === '' ? {} : { instruction: instruction.trim() });
      }
    },
    'ralph.critique': () => onTarget(SERVER.critique),
    'ralph.chaosTests': () => onTarget(SERVER.chaosTests),
    'ralph.cancel': () => send(SERVER.cancel, {}),
    'ralph.acceptAll': () => onReview((reviewId) => send(SERVER.accept, { reviewId })),
    'ralph.rejectAll': () => onReview((reviewId) => send(SERVER.reject, { reviewId })),
    'ralph.showChanges': () => onReview((reviewId) => parts.view.open(reviewId)),
    'ralph.showStream': async () => parts.stream.show(true),
    'ralph.showLog': async () => {
      const client = parts.client();
      if (client !== undefined) {
        await executeOnServer(client, SERVER.showLog, []);
      }
    },
    'ralph.restart': () => parts.restart(),
  };
  return vscode.Disposable.from(...Object.entries(commands).map(([id, run]) => vscode.commands.registerCommand(id, run)));
}
