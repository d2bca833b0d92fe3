// Decides on proposed changes: which one a key, a button or a row means, going to it, and on to the next.

import * as vscode from 'vscode';
import { fileOf, SCHEME, type Diffs } from './diffs';
import { SERVER } from './protocol';
import { keyOf, oldLines, placeOf, type Change, type Reviews } from './reviews';
import type { Threads } from './threads';

export type Send = (command: string, argument: object) => Promise<void>;
/** What a menu hands over: a thread, a thread and what was written in it, a row of the tree, a document; or nothing. */
export type Given = unknown;

export class Deciding {
  /** The change that was gone to last. */
  private last: string | undefined;
  /** A key decided on this change; when it is decided, the next one is shown. */
  private leaving: Change | undefined;
  private queue: Promise<void> = Promise.resolve();

  constructor(
    private readonly reviews: Reviews,
    private readonly threads: Threads,
    private readonly diffs: Diffs,
    private readonly send: Send,
  ) {}

  /** The change that is at hand, for the status bar: the one that the cursor is at, else where one would go from there. */
  get meant(): Change | undefined {
    const { uri, position } = cursor();
    const inDiff = uri?.scheme === SCHEME; // its lines are not those of the file
    return this.at() ?? this.reviews.meant(here(), inDiff ? undefined : position, this.last);
  }

  /** Steps follow each other, however fast the key is pressed. */
  step(step: 1 | -1): Promise<void> {
    const stepped = this.queue.then(() => this.doStep(step));
    this.queue = stepped.catch(() => undefined);
    return stepped;
  }

  private async doStep(step: 1 | -1): Promise<void> {
    const at = this.at();
    const next = at === undefined ? this.fromCursor(step) : this.reviews.beside(at, step);
    await (next === undefined ? nothing() : this.go(next));
  }

  /** Shows a change: its document, with the cursor at its place and its thread unfolded. */
  async go(change: Change): Promise<void> {
    this.leaving = undefined;
    this.last = keyOf(change);
    this.threads.unfold(change);
    const place = placeOf(change);
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(place.uri));
    const position = document.validatePosition(new vscode.Position(place.line, 0));
    const selection = new vscode.Range(position, position);
    const wasOpen = vscode.window.activeTextEditor?.document === document;
    const editor = await vscode.window.showTextDocument(document, { selection });
    bringIntoSight(editor, wasOpen, position.line, oldLines(change.hunk)?.last ?? position.line);
  }

  /** Takes or refuses one change. A key decides only on a change that the cursor is at: nobody decides unseen. */
  async decide(command: typeof SERVER.accept | typeof SERVER.reject, given: Given, reason?: string): Promise<void> {
    const named = this.changeOf(given);
    const change = named ?? this.at();
    if (change === undefined) {
      await this.step(1);
      return;
    }
    this.leaving = named === undefined && cursor().uri?.scheme !== SCHEME ? change : undefined;
    const { review, hunk } = change;
    await this.send(command, { reviewId: review.reviewId, hunkId: hunk.hunkId, ...(reason === undefined ? {} : { reason }) });
  }

  /** Takes or refuses what waits in one file: the given one, else that of the change at hand. */
  async decideFile(command: typeof SERVER.accept | typeof SERVER.reject, given: Given): Promise<void> {
    const change = this.reviews.pendingIn(this.fileMeant(given))[0] ?? this.at();
    await (change === undefined ? nothing() : this.send(command, { reviewId: change.review.reviewId, uri: change.hunk.uri }));
  }

  async decideAll(command: typeof SERVER.accept | typeof SERVER.reject): Promise<void> {
    const review = this.reviews.choose(here());
    await (review === undefined ? nothing() : this.send(command, { reviewId: review.reviewId }));
  }

  /** Refuses a change and tells the next run why. */
  async rejectWithReason(given: Given): Promise<void> {
    const reason = written(given) ?? (await ask('Why not? The next run is told.'));
    if (reason !== undefined) {
      await this.decide(SERVER.reject, given, reason);
    }
  }

  /** Runs again on the whole review, told what was wrong. */
  async tryAgain(given: Given): Promise<void> {
    const review = this.changeOf(given)?.review ?? this.reviews.choose(here());
    if (review === undefined) {
      await nothing();
      return;
    }
    const reason = written(given) ?? (await ask('What should be done instead? Leave empty for a fresh try.'));
    if (reason !== undefined) {
      await this.send(SERVER.retry, { reviewId: review.reviewId, ...(reason === '' ? {} : { reason }) });
    }
  }

  async show(given: Given): Promise<void> {
    const change = this.changeOf(given) ?? this.meant;
    await (change === undefined ? nothing() : this.go(change));
  }

  /** The diff of one file: the given one, else that of the change at hand. */
  async openFileDiff(given: Given): Promise<void> {
    const uri = this.fileMeant(given);
    const change = this.reviews.pendingIn(uri)[0] ?? this.meant;
    await (change === undefined ? nothing() : this.diffs.openFile(vscode.Uri.parse(change.hunk.uri)));
  }

  async openDiff(given: Given): Promise<void> {
    const review = this.changeOf(given)?.review ?? this.reviews.choose(here());
    await (review === undefined ? nothing() : this.diffs.openReview(review));
  }

  /** After the server told how the changes stand. */
  async refresh(): Promise<void> {
    const left = this.leaving;
    if (left === undefined || this.reviews.find(keyOf(left)) !== undefined) {
      return;
    }
    this.leaving = undefined;
    const next = this.reviews.beside(left, 1);
    if (next?.review.reviewId === left.review.reviewId) {
      await this.go(next);
    }
  }

  /** The change that the cursor is at. */
  private at(): Change | undefined {
    const { uri, position } = cursor();
    if (uri === undefined || position === undefined) {
      return undefined;
    }
    if (uri.scheme === SCHEME) {
      return this.diffs.changeAt(uri, position.line);
    }
    return this.reviews.at(uri.toString(), position, this.last);
  }

  private fromCursor(step: 1 | -1): Change | undefined {
    const { uri, position } = cursor();
    return this.reviews.fromLine(uri === undefined ? undefined : fileOf(uri).toString(), position?.line ?? 0, step);
  }

  private fileMeant(given: Given): string {
    const named = given !== null && typeof given === 'object' && 'uri' in given ? given.uri : given;
    const file = named instanceof vscode.Uri ? named : cursor().uri;
    return this.changeOf(given)?.hunk.uri ?? (file === undefined ? '' : fileOf(file).toString());
  }

  private changeOf(given: Given): Change | undefined {
    const thread = given !== null && typeof given === 'object' && 'thread' in given ? given.thread : given;
    if (isThread(thread)) {
      return this.threads.changeOf(thread);
    }
    const key = given !== null && typeof given === 'object' && 'key' in given ? given.key : undefined;
    return typeof key === 'string' ? this.reviews.find(key) : undefined;
  }
}

/** Of a long change so many old lines stay in sight; more would push the new ones, which stand below, off the screen. */
const OLD_LINES_IN_SIGHT = 12;
/** Lines above a change, to see where one is. */
const LINES_ABOVE = 3;

/**
 * Scrolls so far that the thread under the old lines is in sight too. The editor tells which lines are visible, not how high
 * a thread is; where the line behind it can be seen, all of it can.
 */
function bringIntoSight(editor: vscode.TextEditor, wasOpen: boolean, first: number, last: number): void {
  const all = editor.visibleRanges.some(({ start, end }) => start.line <= first && last < end.line);
  if (!wasOpen || !all) {
    const top = new vscode.Position(Math.max(0, first - LINES_ABOVE, last - OLD_LINES_IN_SIGHT), 0);
    editor.revealRange(new vscode.Range(top, top), vscode.TextEditorRevealType.AtTop);
  }
}

function isThread(value: unknown): value is vscode.CommentThread {
  return value !== null && typeof value === 'object' && 'comments' in value && 'collapsibleState' in value;
}

/** What was written in the reply box of a thread. */
function written(given: Given): string | undefined {
  const text = given !== null && typeof given === 'object' && 'text' in given ? given.text : undefined;
  return typeof text === 'string' && text.trim() !== '' ? text.trim() : undefined;
}

async function ask(prompt: string): Promise<string | undefined> {
  return (await vscode.window.showInputBox({ title: 'Ralph', prompt }))?.trim();
}

function cursor(): { uri: vscode.Uri | undefined; position: vscode.Position | undefined } {
  const editor = vscode.window.activeTextEditor;
  return { uri: editor?.document.uri, position: editor?.selection.active };
}

function here(): string | undefined {
  const { uri } = cursor();
  return uri === undefined ? undefined : fileOf(uri).toString();
}

async function nothing(): Promise<void> {
  await vscode.window.showInformationMessage('Ralph: no change waits for review.');
}
