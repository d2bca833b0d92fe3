// Tells how a run ended, as loudly as the outcome asks for, with what can be done about it.

import * as vscode from 'vscode';
import type { Execute } from './client';
import type { Messages } from './messages';
import type { Action, Proof, RunResult } from './protocol';
import { lostSentence, severityOf, type Lost } from './runs';

/** What changes wait is shown where they stand, so the message leads there. */
const REVIEW = 'Review';

/** `setKey`: asks for a key; true where one is set now. */
export async function tellEnd(result: RunResult, messages: Messages, execute: Execute, setKey: () => Promise<boolean>): Promise<void> {
  const actions = result.actions ?? [];
  // A run that the person cancelled has no way on; one that was cut short with its window or server has.
  const severity = severityOf(result.outcome) === 'none' && actions.length > 0 ? 'warning' : severityOf(result.outcome);
  if (severity === 'none') {
    return;
  }
  const review = result.reviewId === null ? [] : [REVIEW];
  const about = actions.length === 0 ? (result.reviewId ?? undefined) : undefined;
  const chosen = await messages.say(severity, `Ralph: ${result.reason}`, [...review, ...actions.map(({ title }) => title)], about);
  const action = actions.find(({ title }) => title === chosen);
  if (action !== undefined) {
    await act(action, actions.find(({ kind }) => kind === 'tryAgain'), messages, execute, setKey);
  } else if (chosen === REVIEW) {
    await vscode.commands.executeCommand('ralph.show');
  }
}

/** Does what a person chose. What took away the run's obstacle is followed by the run: `again` begins it anew. */
async function act(action: Action, again: Action | undefined, messages: Messages, execute: Execute, setKey: () => Promise<boolean>): Promise<void> {
  const goOn = async (): Promise<void> => void (again === undefined ? undefined : await execute(again.command, again.arguments));
  if (action.kind === 'setKey') {
    await ((await setKey()) ? goOn() : undefined);
    return;
  }
  const answer = await execute(action.command, action.arguments);
  switch (action.kind) {
    case 'setup':
    case 'installIsolation': {
      const given = answer as { argv: [string, ...string[]]; folder: string } | undefined; // undefined: it was refused
      if (given !== undefined && (await runInTerminal(action.title, given)) && again !== undefined) {
        const go = await messages.say('info', `Ralph: ${given.argv.join(' ')} is done.`, [again.title]);
        await (go === undefined ? undefined : goOn());
      }
      break;
    }
    case 'useTestCommand': // it asks for consent to the command first
      await ((answer as { written?: boolean } | undefined)?.written === true ? goOn() : undefined);
      break;
    case 'allowCommand':
      await (answer === undefined ? undefined : goOn());
      break;
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
export async function tellLost(lost: Lost, messages: Messages, execute: () => Promise<Execute | undefined>): Promise<void> {
  const again = 'Run Again';
  const text = `Ralph: the server stopped. ${lostSentence(lost)}`;
  const chosen = await messages.say('error', text, lost.started === undefined ? ['Show Output'] : [again, 'Show Output']);
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
  /** Reviews of which that was told. */
  private readonly broken = new Set<string>();

  constructor(private readonly messages: Messages) {}

  async tell(reviewId: string, { state, sentence, action }: Proof, execute: Execute): Promise<void> {
    if (this.told.get(reviewId) === sentence) {
      return;
    }
    this.told.set(reviewId, sentence);
    if (state === 'broken' && action !== null && action !== undefined) {
      this.broken.add(reviewId);
      const chosen = await this.messages.say('warning', `Ralph: ${sentence}`, [action.title], reviewId);
      await (chosen === undefined ? undefined : execute(action.command, action.arguments));
    } else if (state === 'verified' && this.broken.delete(reviewId)) {
      await this.messages.over(reviewId);
    }
  }
}
