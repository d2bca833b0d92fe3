// The status bar item and the messages at the end of a run.

import * as vscode from 'vscode';
import type { RunResult } from './protocol';
import { severityOf, type Runs, type Severity } from './runs';

export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('ralph.status', vscode.StatusBarAlignment.Left, 0);

  constructor(private readonly runs: Runs) {
    this.item.name = 'Ralph';
    this.item.command = 'ralph.showStream';
    this.refresh();
    this.item.show();
  }

  refresh(): void {
    this.item.text = this.runs.text();
    this.item.tooltip = this.runs.tooltip();
    this.item.backgroundColor = undefined;
    void vscode.commands.executeCommand('setContext', 'ralph.running', this.runs.running);
  }

  down(why: string): void {
    this.item.text = '$(error) Ralph';
    this.item.tooltip = why;
    this.item.backgroundColor = new vscode.ThemeColor('statusBarItem.errorBackground');
  }

  dispose(): void {
    this.item.dispose();
  }
}

/** Tells how a run ended, as loudly as the outcome asks for, with the one thing to do next. */
export async function tellEnd(result: RunResult): Promise<void> {
  const text = `Ralph: ${result.reason}`;
  const severity = severityOf(result.outcome);
  if (severity === 'none') {
    return;
  }
  const next: Record<string, string> =
    result.reviewId !== null ? { 'Show Changes': 'ralph.showChanges' } : severity === 'info' ? {} : { 'Show Request Log': 'ralph.showLog' };
  const command = next[(await say(severity, text, Object.keys(next))) ?? ''];
  if (command !== undefined) {
    await vscode.commands.executeCommand(command);
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
