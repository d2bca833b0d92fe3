// Tells how a run ended, as loudly as the outcome asks for, with what can be done about it.

import * as vscode from 'vscode';
import type { Execute } from './client';
import type { Proof, RunResult } from './protocol';
import { lostSentence, severityOf, type Lost, type Severity } from './runs';

/** What changes wait is shown where they stand, so the message leads there. */
const REVIEW = 'Review';

/** `setKey`: asks for a key; true where one is set now. */
export async function tellEnd(result: RunResult, execute: Execute, setKey: () => Promise<boolean>): Promise<void> {
  const actions = result.actions ?? [];
  // A run that the person cancelled has no way on; one that was cut short with its window or server has.
  const severity = severityOf(result.outcome) === 'none' && actions.length > 0 ? 'warning' : severityOf(result.outcome);
  if (severity === 'none') {
    return;
  }
  const review = result.reviewId === null ? [] : [REVIEW];
  const chosen = await say(severity, `Ralph: ${result.reason}`, [...review, ...actions.map(({ title }) => title)]);
  const action = actions.find(({ title }) => title === chosen);
  if (action?.kind === 'setup' || action?.kind === 'installIsolation') {
    const given = (await execute(action.command, action.arguments)) as { argv: [string, ...string[]]; folder: string };
    const again = actions.find(({ kind }) => kind === 'tryAgain');
    if ((await runInTerminal(action.title, given)) && again !== undefined) {
      const go = await say('info', `Ralph: ${given.argv.join(' ')} is done.`, [again.title]);
      await (go === undefined ? undefined : execute(again.command, again.arguments));
    }
  } else if (action?.kind === 'setKey') {
    const again = actions.find(({ kind }) => kind === 'tryAgain');
    if ((await setKey()) && again !== undefined) {
      await execute(again.command, again.arguments);
    }
  } else if (action !== undefined) {
    await execute(action.command, action.arguments);
  } else if (chosen === REVIEW) {
    await vscode.commands.executeCommand('ralph.show');
  }
}

/** Runs a program that may ask for a password, say. True where it ended well: its terminal is gone then. Of any other end
 * the editor tells itself, and leaves the terminal. */
async function runInTerminal(name: string, { argv, folder }: { argv: [string, ...string[]]; folder: string }): Promise<boolean> {
  const [shellPath, ...shellArgs] = argv;
  const terminal = vscode.window.createTerminal({ name, shellPath, shellArgs, ...(folder === '' ? {} : { cwd: folder }) });
  const ended = new Promise<boolean>((resolve) => {
    const subscription = vscode.window.onDidCloseTerminal((closed) => {
      if (closed === terminal) {
        subscription.dispose();
        resolve(closed.exitStatus?.code === 0);
      }
    });
  });
  terminal.show();
  return ended;
}

/** The server went while it worked: the run told no result, so this is told in its place. */
export async function tellLost(lost: Lost, execute: () => Promise<Execute | undefined>): Promise<void> {
  const again = 'Run Again';
  const text = `Ralph: the server stopped. ${lostSentence(lost)}`;
  const chosen = await say('error', text, lost.started === undefined ? ['Show Output'] : [again, 'Show Output']);
  if (chosen === 'Show Output') {
    await vscode.commands.executeCommand('ralph.showOutput');
  } else if (chosen === again && lost.started !== undefined) {
    const { version: _, ...argument } = lost.started.argument; // the text may have changed since
    await (await execute())?.(lost.started.command, [argument]);
  }
}

/** Tells that what a person has taken does not hold without a further change, with the way to take that too. */
export class Proofs {
  private readonly told = new Map<string, string>();

  async tell(reviewId: string, { state, sentence, action }: Proof, execute: Execute): Promise<void> {
    if (this.told.get(reviewId) === sentence) {
      return;
    }
    this.told.set(reviewId, sentence);
    if (state === 'broken' && action !== null && action !== undefined) {
      const chosen = await say('warning', `Ralph: ${sentence}`, [action.title]);
      await (chosen === undefined ? undefined : execute(action.command, action.arguments));
    }
  }
}

function say(severity: Exclude<Severity, 'none'>, text: string, choices: string[]): Thenable<string | undefined> {
  switch (severity) {
    case 'info':
      return vscode.window.showInformationMessage(text, ...choices);
    case 'warning':
      return vscode.window.showWarningMessage(text, ...choices);
    case 'error':
      return vscode.window.showErrorMessage(text, ...choices);
  }
}
