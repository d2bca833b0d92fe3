// Messages with buttons, and the end of those whose buttons have nothing left to do.
//
// The editor closes no message for an extension. It puts all of them away at once, to the bell in the status bar, where
// they can be read again; so that is done only where none of ours waits for an answer.

import * as vscode from 'vscode';
import type { Severity } from './runs';

/** So many buttons a message has room for; the editor cuts off what stands behind them. */
const BUTTONS = 3;
const MORE = 'More…';

export type Told = Exclude<Severity, 'none'>;

interface Open {
  severity: Told;
  /** The review that all of its buttons are about. */
  about: string | undefined;
}

export class Messages {
  private readonly open = new Set<Open>();
  /** The last putting away: a message that is shown before its end would be put away with the others. */
  private hiding: Thenable<unknown> = Promise.resolve();

  /** Shows a message, and gives what was chosen: by a button, or in the list that the last button opens where there is no
   * room for all. `about`: the review that all of its buttons are about. */
  async say(severity: Told, text: string, choices: string[], about?: string): Promise<string | undefined> {
    const shown = { severity, about };
    const buttons = choices.length > BUTTONS ? [...choices.slice(0, BUTTONS - 1), MORE] : choices;
    this.open.add(shown);
    try {
      await this.hiding;
      const pressed = await show(severity, text, buttons);
      return pressed === MORE ? await vscode.window.showQuickPick(choices.slice(BUTTONS - 1), { placeHolder: text }) : pressed;
    } finally {
      this.open.delete(shown);
    }
  }

  /** What the messages about a review asked for is done. Errors stay until a person answers them, so they are waited for. */
  async over(reviewId: string): Promise<void> {
    const open = [...this.open];
    if (open.some(({ about }) => about === reviewId) && open.every(({ severity }) => severity !== 'error')) {
      this.hiding = vscode.commands.executeCommand('notifications.hideToasts');
      await this.hiding;
    }
  }
}

function show(severity: Told, text: string, choices: string[]): Thenable<string | undefined> {
  switch (severity) {
    case 'info':
      return vscode.window.showInformationMessage(text, ...choices);
    case 'warning':
      return vscode.window.showWarningMessage(text, ...choices);
    case 'error':
      return vscode.window.showErrorMessage(text, ...choices);
  }
}
