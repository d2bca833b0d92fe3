// Shows proposed changes as diffs: a file before and after, or all files of a review at once. New files as documents.

import * as vscode from 'vscode';
import { oldLines, type Change, type Review, type Reviews } from './reviews';

export const SCHEME = 'ralph-review';
const ALL_CHANGES = 'Ralph: proposed changes';

export class Diffs implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly shown = new Set<string>();
  private readonly disposables: vscode.Disposable[];

  constructor(private readonly reviews: Reviews) {
    this.disposables = [
      this.changed,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.workspace.onDidCloseTextDocument((document) => this.shown.delete(document.uri.toString())),
    ];
  }

  refresh(): void {
    for (const uri of this.shown) {
      this.changed.fire(vscode.Uri.parse(uri));
    }
    void this.closeDecided();
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    this.shown.add(uri.toString());
    const { file, side } = parse(uri);
    const text = (await currentText(file)) ?? '';
    return side === 'now' ? text : this.reviews.applied(file.toString(), text);
  }

  /** One file: its text now beside its text with the changes. A new file has no text now, so it is shown alone. */
  async openFile(file: vscode.Uri): Promise<void> {
    const exists = (await currentText(file)) !== undefined;
    if (!exists) {
      await vscode.window.showTextDocument(virtual(file, 'then'), { preview: true });
      return;
    }
    const title = `${vscode.workspace.asRelativePath(file)} ↔ Ralph`;
    await vscode.commands.executeCommand('vscode.diff', file, virtual(file, 'then'), title);
  }

  /** All files of a review, the target's first. */
  async openReview(review: Review): Promise<void> {
    const files = this.reviews.files(review).map((uri) => vscode.Uri.parse(uri));
    const [only] = files;
    if (only !== undefined && files.length === 1) {
      await this.openFile(only);
      return;
    }
    const sides = await Promise.all(
      files.map(async (file) => [file, (await currentText(file)) === undefined ? virtual(file, 'now') : file, virtual(file, 'then')]),
    );
    await vscode.commands.executeCommand('vscode.changes', ALL_CHANGES, sides);
  }

  /** The change at a line of the text with all changes in it: what is meant by a key in the diff. */
  changeAt(uri: vscode.Uri, line: number): Change | undefined {
    let moved = 0;
    for (const change of this.reviews.pendingIn(fileOf(uri).toString())) {
      const { hunk } = change;
      const old = oldLines(hunk);
      const taken = old === undefined ? 0 : old.last - old.first + 1;
      const added = hunk.newText === '' ? 0 : hunk.newText.replace(/\r\n?/g, '\n').replace(/\n$/, '').split('\n').length;
      const start = hunk.range.start.line + moved;
      if (start <= line && line < start + Math.max(added, 1)) {
        return change;
      }
      moved += added - taken;
    }
    return undefined;
  }

  dispose(): void {
    this.disposables.forEach((disposable) => disposable.dispose());
  }

  /** Closes the diffs in which nothing is left to decide. */
  private async closeDecided(): Promise<void> {
    const done = vscode.window.tabGroups.all
      .flatMap((group) => group.tabs)
      .filter(({ input, label }) => {
        if (label.startsWith(ALL_CHANGES)) {
          return !this.reviews.open; // what else the editor tells of a diff of many files is no stable API yet
        }
        const uri = input instanceof vscode.TabInputTextDiff ? input.modified : input instanceof vscode.TabInputText ? input.uri : undefined;
        return uri?.scheme === SCHEME && this.reviews.pendingIn(fileOf(uri).toString()).length === 0;
      });
    if (done.length > 0) {
      await vscode.window.tabGroups.close(done, true);
    }
  }
}

/** The file that a document of ours is about; any other document is its own. */
export function fileOf(uri: vscode.Uri): vscode.Uri {
  return uri.scheme === SCHEME ? parse(uri).file : uri;
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
