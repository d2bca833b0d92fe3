// Shows each proposed change as a comment thread under the lines that it replaces: in the editor and in the Comments panel.

import * as vscode from 'vscode';
import { body, label, verb } from './hunk_text';
import { languageOfPath } from './languages';
import { keyOf, oldLines, placeOf, type Change, type Reviews } from './reviews';

interface Shown {
  thread: vscode.CommentThread;
  /** What the thread shows, to tell whether it has to be drawn again: drawing folds and flickers. */
  drawn: string;
}

export class Threads implements vscode.Disposable {
  private readonly controller = vscode.comments.createCommentController('ralph', 'Ralph');
  private readonly shown = new Map<string, Shown>();

  constructor(private readonly reviews: Reviews) {
    this.controller.options = {
      prompt: 'Reject with a reason, or try again…',
      placeHolder: 'What is wrong with it, or what should be done instead',
    };
  }

  refresh(): void {
    const changes = this.reviews.shown();
    const keys = new Set(changes.map(keyOf));
    for (const [key, { thread }] of this.shown) {
      if (!keys.has(key)) {
        thread.dispose();
        this.shown.delete(key);
      }
    }
    changes.forEach((change) => this.draw(change));
  }

  /** The change that a thread shows. */
  changeOf(thread: vscode.CommentThread): Change | undefined {
    const [key] = [...this.shown].find(([, shown]) => shown.thread === thread) ?? [];
    return key === undefined ? undefined : this.reviews.find(key);
  }

  unfold(change: Change): void {
    const shown = this.shown.get(keyOf(change));
    if (shown !== undefined) {
      shown.thread.collapsibleState = vscode.CommentThreadCollapsibleState.Expanded;
    }
  }

  dispose(): void {
    this.shown.forEach(({ thread }) => thread.dispose());
    this.controller.dispose();
  }

  private draw(change: Change): void {
    const { review, hunk, number } = change;
    const uri = vscode.Uri.parse(placeOf(change).uri);
    const range = whereToShow(change);
    const title = label(hunk, number, review.hunks.length, review.proof);
    const drawn = JSON.stringify([title, range, hunk.state]);
    const known = this.shown.get(keyOf(change));
    if (known?.drawn === drawn) {
      return;
    }
    const thread = known?.thread ?? this.controller.createCommentThread(uri, range, [comment(change)]);
    if (known === undefined) {
      thread.collapsibleState = vscode.CommentThreadCollapsibleState.Expanded;
    } else if (!thread.range.isEqual(range)) {
      thread.range = range;
    }
    thread.label = title;
    thread.contextValue = hunk.state;
    thread.canReply = hunk.state === 'pending';
    this.shown.set(keyOf(change), { thread, drawn });
  }
}

/** The editor shows a thread below the last line of its range. */
function whereToShow(change: Change): vscode.Range {
  const old = change.hunk.creates ? undefined : oldLines(change.hunk);
  if (old !== undefined) {
    return new vscode.Range(old.last, 0, old.last, 0); // not all of them: the editor tints a thread's range in its own way
  }
  // Added lines stand between the one above and their place; above the first line there is none.
  const { line } = placeOf(change);
  const above = change.hunk.range.start.character === 0 ? Math.max(0, line - 1) : line;
  return new vscode.Range(above, 0, above, 0);
}

function comment({ hunk }: Change): vscode.Comment {
  const uri = vscode.Uri.parse(hunk.uri);
  const text = new vscode.MarkdownString(body(hunk, languageOf(uri)));
  text.supportHtml = true; // for marked words; what comes from a model is escaped, and no command link is trusted
  return {
    author: { name: `Ralph ${verb(hunk, vscode.workspace.asRelativePath(uri))}` },
    body: text,
    mode: vscode.CommentMode.Preview,
  };
}

/** The language of the document where it is open; else by its name. */
function languageOf(uri: vscode.Uri): string {
  const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
  return open?.languageId ?? languageOfPath(uri.path);
}
