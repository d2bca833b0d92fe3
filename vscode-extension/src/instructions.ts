// Asks what should be done, and offers what was asked for before.

import * as vscode from 'vscode';

const KEY = 'ralph.instructions';
const KEPT = 20;

interface Choice extends vscode.QuickPickItem {
  /** One that was asked for before; undefined: what stands in the box, which the row follows a moment later. */
  instruction?: string;
}

export class Instructions {
  constructor(private readonly memory: vscode.Memento) {}

  /** The instruction; empty: go by the code's own comments and tests; undefined: the person changed their mind. */
  async ask(): Promise<string | undefined> {
    const box = vscode.window.createQuickPick<Choice>();
    box.title = 'Ralph: implement';
    box.placeholder = 'What should be done? Leave empty to go by the comments, docstring and failing tests.';
    const earlier = this.memory.get<string[]>(KEY, []);
    const offer = (typed: string): void => {
      const own: Choice = typed === ''
        ? { label: '$(wand) Go by the comments, docstring and failing tests', alwaysShow: true }
        : { label: `$(wand) ${typed}`, alwaysShow: true };
      box.items = [own, ...earlier.filter((text) => text !== typed).map((text) => ({ label: text, instruction: text }))];
    };
    offer('');
    const instruction = await new Promise<string | undefined>((resolve) => {
      box.onDidChangeValue((value) => offer(value.trim()));
      box.onDidAccept(() => resolve((box.activeItems[0]?.instruction ?? box.value).trim()));
      box.onDidHide(() => resolve(undefined));
      box.show();
    });
    box.dispose();
    if (instruction !== undefined && instruction !== '') {
      await this.memory.update(KEY, [instruction, ...earlier.filter((text) => text !== instruction)].slice(0, KEPT));
    }
    return instruction;
  }
}
