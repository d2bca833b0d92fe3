// Tints the lines that a proposed change would take out, and in them the words.

import * as vscode from 'vscode';
import { markedWords } from './hunk_text';
import { oldLines, type Change, type Reviews } from './reviews';

export class Marks implements vscode.Disposable {
  private readonly lines = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor('diffEditor.removedLineBackground'),
    overviewRulerColor: new vscode.ThemeColor('editorOverviewRuler.modifiedForeground'),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
  });
  private readonly words = vscode.window.createTextEditorDecorationType({
    backgroundColor: new vscode.ThemeColor('diffEditor.removedTextBackground'),
  });
  private readonly listener = vscode.window.onDidChangeVisibleTextEditors(() => this.refresh());

  constructor(private readonly reviews: Reviews) {}

  refresh(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      if (editor.viewColumn === undefined) {
        continue; // a side of a diff, which has its own colours
      }
      const changes = this.reviews.pendingIn(editor.document.uri.toString()).filter(({ hunk }) => hunk.oldText !== '');
      editor.setDecorations(this.lines, changes.flatMap(({ hunk }) => {
        const old = oldLines(hunk);
        return old === undefined ? [] : [new vscode.Range(old.first, 0, old.last, 0)];
      }));
      editor.setDecorations(this.words, changes.flatMap((change) => wordsOf(change, editor.document)));
    }
  }

  dispose(): void {
    this.listener.dispose();
    this.lines.dispose();
    this.words.dispose();
  }
}

function wordsOf({ hunk }: Change, document: vscode.TextDocument): vscode.Range[] {
  const start = document.offsetAt(new vscode.Position(hunk.range.start.line, hunk.range.start.character));
  return (markedWords(hunk)?.old ?? []).map(
    (piece) => new vscode.Range(document.positionAt(start + piece.start), document.positionAt(start + piece.end)),
  );
}
