// The status bar: how runs stand, and while changes wait which one is at hand, with a button for each thing to do.

import * as vscode from 'vscode';
import { proofWords } from './hunk_text';
import type { Change } from './reviews';
import type { Runs } from './runs';

interface Button {
  text: string;
  command: string;
  tooltip: string;
}

const BUTTONS: readonly Button[] = [
  { text: '$(arrow-up)', command: 'ralph.previous', tooltip: 'Ralph: previous change' },
  { text: '$(arrow-down)', command: 'ralph.next', tooltip: 'Ralph: next change' },
  { text: '$(check)', command: 'ralph.accept', tooltip: 'Ralph: accept this change' },
  { text: '$(close)', command: 'ralph.reject', tooltip: 'Ralph: reject this change' },
];

export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('ralph.status', vscode.StatusBarAlignment.Left, 0);
  private readonly place = vscode.window.createStatusBarItem('ralph.change', vscode.StatusBarAlignment.Left, -1);
  private readonly buttons: readonly vscode.StatusBarItem[];
  private readonly listeners: readonly vscode.Disposable[];

  constructor(
    private readonly runs: Runs,
    private readonly meant: () => Change | undefined,
  ) {
    this.item.name = 'Ralph';
    this.item.command = 'ralph.showStream';
    this.place.name = 'Ralph: the change at hand';
    this.place.command = 'ralph.showChanges';
    this.buttons = BUTTONS.map((button, index) => {
      const item = vscode.window.createStatusBarItem(button.command, vscode.StatusBarAlignment.Left, -2 - index);
      return Object.assign(item, { ...button, name: button.tooltip });
    });
    this.listeners = [
      vscode.window.onDidChangeTextEditorSelection(() => this.refreshReview()),
      vscode.window.onDidChangeActiveTextEditor(() => this.refreshReview()),
    ];
    this.refresh();
    this.item.show();
  }

  refresh(): void {
    this.item.text = this.runs.text();
    this.item.tooltip = this.runs.tooltip();
    this.item.backgroundColor = undefined;
    void vscode.commands.executeCommand('setContext', 'ralph.running', this.runs.running);
    this.refreshReview();
  }

  refreshReview(): void {
    const change = this.meant();
    if (change === undefined) {
      [this.place, ...this.buttons].forEach((item) => item.hide());
      return;
    }
    this.place.text = `Ralph ${change.number}/${change.review.hunks.length}`;
    this.place.tooltip = `${proofWords(change.review.proof)}. ${change.review.proof.sentence} Click for the diff.`;
    [this.place, ...this.buttons].forEach((item) => item.show());
  }

  down(why: string): void {
    this.item.text = '$(error) Ralph';
    this.item.tooltip = why;
    this.item.backgroundColor = new vscode.ThemeColor('statusBarItem.errorBackground');
  }

  dispose(): void {
    [this.item, this.place, ...this.buttons, ...this.listeners].forEach((one) => one.dispose());
  }
}
