// Which words differ between two texts that replace one another. Pure: no editor in it.

/** A part of a text, in UTF-16 units; the end is not part of it. */
export interface Piece {
  start: number;
  end: number;
}

export interface Changed {
  old: Piece[];
  new: Piece[];
  /** How much of the shorter text the two have in common, from 0 to 1, white space left out. */
  alike: number;
}

/** Texts of more words are not compared: the table below grows with the product of both counts. */
const MOST_WORDS = 600;

/** Words, runs of white space, and single other characters, in their order. */
function words(text: string): string[] {
  return text.match(/[\p{L}\p{N}_]+|\s+|[^]/gu) ?? [];
}

export function changedWords(before: string, after: string): Changed {
  const a = words(before);
  const b = words(after);
  if (a.length > MOST_WORDS || b.length > MOST_WORDS) {
    return { old: [], new: [], alike: 0 };
  }
  const kept = common(a, b);
  const letters = (list: readonly string[]): number => list.join('').replace(/\s/g, '').length;
  const shorter = Math.min(letters(a), letters(b));
  const same = letters(kept.map(([i]) => a[i] ?? ''));
  return {
    old: gaps(a, kept.map(([i]) => i)),
    new: gaps(b, kept.map(([, j]) => j)),
    alike: shorter === 0 ? 0 : same / shorter,
  };
}

/** The pairs of indexes of a longest common subsequence. */
function common(a: readonly string[], b: readonly string[]): [number, number][] {
  const width = b.length + 1;
  const longest = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const at = i * width + j;
      longest[at] =
        a[i] === b[j] ? (longest[at + width + 1] ?? 0) + 1 : Math.max(longest[at + width] ?? 0, longest[at + 1] ?? 0);
    }
  }
  const pairs: [number, number][] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      pairs.push([i, j]);
      i += 1;
      j += 1;
    } else if ((longest[(i + 1) * width + j] ?? 0) >= (longest[i * width + j + 1] ?? 0)) {
      i += 1;
    } else {
      j += 1;
    }
  }
  return pairs;
}

/** Where the words that are not kept stand; white space at the edges of such a place is not marked. */
function gaps(list: readonly string[], kept: readonly number[]): Piece[] {
  const stays = new Set(kept);
  const found: Piece[] = [];
  let at = 0;
  let last: Piece | undefined;
  list.forEach((word, index) => {
    const end = at + word.length;
    if (stays.has(index)) {
      last = undefined;
    } else if (last !== undefined) {
      last.end = end;
    } else {
      last = { start: at, end };
      found.push(last);
    }
    at = end;
  });
  const text = list.join('');
  return found
    .map(({ start, end }) => {
      const inside = text.slice(start, end);
      return { start: start + (inside.length - inside.trimStart().length), end: end - (inside.length - inside.trimEnd().length) };
    })
    .filter(({ start, end }) => end > start);
}
