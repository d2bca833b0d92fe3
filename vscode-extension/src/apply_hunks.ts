// Works out a text with changes in it. Pure: no editor in it.

import type { Hunk, Position } from './protocol';

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
