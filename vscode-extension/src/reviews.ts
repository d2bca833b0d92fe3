// Keeps the pending changes that the server told of, and works out a file's text with them. Pure: no editor in it.

import type { Hunk, Position } from './protocol';

export class Reviews {
  private readonly hunks = new Map<string, readonly Hunk[]>();

  onHunks(reviewId: string, hunks: readonly Hunk[]): void {
    if (hunks.some((hunk) => hunk.state === 'pending')) {
      this.hunks.set(reviewId, hunks);
    } else {
      this.hunks.delete(reviewId);
    }
  }

  clear(): void {
    this.hunks.clear();
  }

  get open(): boolean {
    return this.hunks.size > 0;
  }

  /** The review that a command without further words means: the one of this file, else the newest. */
  choose(uri: string | undefined): string | undefined {
    let newest: string | undefined;
    for (const [reviewId, hunks] of this.hunks) {
      newest = reviewId;
      if (hunks.some((hunk) => hunk.uri === uri && hunk.state === 'pending')) {
        return reviewId;
      }
    }
    return newest;
  }

  pendingIn(uri: string): Hunk[] {
    return [...this.hunks.values()].flat().filter((hunk) => hunk.uri === uri && hunk.state === 'pending');
  }

  /** The files with pending changes of one review, in the server's order. */
  files(reviewId: string): string[] {
    const pending = (this.hunks.get(reviewId) ?? []).filter((hunk) => hunk.state === 'pending');
    return [...new Set(pending.map((hunk) => hunk.uri))];
  }
}

/** The text with every hunk applied. Ranges count UTF-16 units, as the editor negotiates. */
export function applyHunks(text: string, hunks: readonly Hunk[]): string {
  const starts = lineStarts(text);
  const edits = hunks
    .map((hunk) => ({ start: offset(starts, text, hunk.range.start), end: offset(starts, text, hunk.range.end), text: hunk.newText }))
    .sort((a, b) => a.start - b.start);
  let result = '';
  let done = 0;
  for (const edit of edits) {
    result += text.slice(done, edit.start) + edit.text;
    done = Math.max(done, edit.end);
  }
  return result + text.slice(done);
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (const match of text.matchAll(/\r\n|\n|\r/g)) {
    starts.push(match.index + match[0].length);
  }
  return starts;
}

function offset(starts: readonly number[], text: string, position: Position): number {
  const start = starts[position.line];
  if (start === undefined) {
    return text.length;
  }
  return Math.min(start + position.character, starts[position.line + 1] ?? text.length);
}
