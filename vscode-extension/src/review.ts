// Shows pending changes: marks on the lines that would go, and a diff of the whole file. Accepting is the server's code lens.

import * as vscode from 'vscode';
import { applyHunks, type Reviews } from './reviews';

const SCHEME = 'ralph-review';

export class ReviewView implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly shown = new Set<string>();
  private readonly mark = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor('diffEditor.removedLineBackground'),
    overviewRulerColor: new vscode.ThemeColor('editorOverviewRuler.modifiedForeground'),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
  });
  private readonly disposables: vscode.Disposable[];

  constructor(private readonly reviews: Reviews) {
    this.disposables = [
      this.changed,
      this.mark,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.window.onDidChangeVisibleTextEditors(() => this.decorate()),
      vscode.workspace.onDidCloseTextDocument((document) => this.shown.delete(document.uri.toString())),
    ];
  }

  refresh(): void {
    void vscode.commands.executeCommand('setContext', 'ralph.reviewing', this.reviews.open);
    this.decorate();
    for (const uri of this.shown) {
      this.changed.fire(vscode.Uri.parse(uri));
    }
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    this.shown.add(uri.toString());
    const { file, side } = parse(uri);
    const text = await currentText(file);
    return side === 'now' ? (text ?? '') : applyHunks(text ?? '', this.reviews.pendingIn(file.toString()));
  }

  async open(reviewId: string): Promise<void> {
    const files = this.reviews.files(reviewId).map((uri) => vscode.Uri.parse(uri));
    const [first] = files;
    if (first === undefined) {
      return;
    }
    if (files.length === 1) {
      const title = `${vscode.workspace.asRelativePath(first)} ↔ Ralph`;
      await vscode.commands.executeCommand('vscode.diff', await before(first), after(first), title);
      return;
    }
    const sides = await Promise.all(files.map(async (file) => [file, await before(file), after(file)]));
    await vscode.commands.executeCommand('vscode.changes', 'Ralph: proposed changes', sides);
  }

  dispose(): void {
    this.disposables.forEach((disposable) => disposable.dispose());
  }

  private decorate(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      if (editor.viewColumn === undefined) {
        continue; // a side of a diff, which has its own colours
      }
      const hunks = this.reviews.pendingIn(editor.document.uri.toString());
      editor.setDecorations(
        this.mark,
        hunks
          .filter((hunk) => hunk.oldText !== '') // nothing goes where text is only added; its lens shows the place
          .map(({ range }) => {
            // A range of whole lines ends at the start of the next one, which stays.
            const last = range.end.character === 0 ? Math.max(range.start.line, range.end.line - 1) : range.end.line;
            return new vscode.Range(range.start.line, 0, last, 0);
          }),
      );
    }
  }
}

async function before(file: vscode.Uri): Promise<vscode.Uri> {
  return (await currentText(file)) === undefined ? virtual(file, 'now') : file;
}

function after(file: vscode.Uri): vscode.Uri {
  return virtual(file, 'then');
}

// The path keeps the file's name, by which the editor picks the language.
function virtual(file: vscode.Uri, side: 'now' | 'then'): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEME, path: file.path, query: JSON.stringify({ file: file.toString(), side }) });
}

function parse(uri: vscode.Uri): { file: vscode.Uri; side: string } {
  const { file, side } = JSON.parse(uri.query) as { file: string; side: string };
  return { file: vscode.Uri.parse(file), side };
}

/** The editor's own text, saved or not; undefined where there is no such file yet. */
async function currentText(file: vscode.Uri): Promise<string | undefined> {
  try {
    return (await vscode.workspace.openTextDocument(file)).getText();
  } catch {
    return undefined;
  }
}
