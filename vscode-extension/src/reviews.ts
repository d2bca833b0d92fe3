// Keeps the reviews that the server told of: what waits, in which order, and which change is meant. Pure: no editor in it.

import { applyHunks } from './apply_hunks';
import type { Hunk, Position, Proof } from './protocol';

export interface Review {
  reviewId: string;
  /** The document that the run was on: new files are shown there. */
  home: string;
  proof: Proof;
  /** In the server's order, which is the one in which they are shown and numbered: new files, the home's, then by file. */
  hunks: readonly Hunk[];
}

/** One change of a review, with its number among all of them, from 1. */
export interface Change {
  review: Review;
  hunk: Hunk;
  number: number;
}

/** Where a change is shown: a new file has no document of its own yet. */
export function placeOf({ review, hunk }: Change): { uri: string; line: number } {
  return hunk.creates ? { uri: review.home, line: 0 } : { uri: hunk.uri, line: hunk.range.start.line };
}

export function keyOf({ review, hunk }: Change): string {
  return `${review.reviewId}/${hunk.hunkId}`;
}

/** The lines of the old text, both ends included; undefined where text is only added. */
export function oldLines({ oldText, range }: Hunk): { first: number; last: number } | undefined {
  if (oldText === '') {
    return undefined;
  }
  // A range of whole lines ends at the start of the next one, which stays.
  const last = range.end.character === 0 ? Math.max(range.start.line, range.end.line - 1) : range.end.line;
  return { first: range.start.line, last };
}

export class Reviews {
  private readonly live = new Map<string, Review>();
  /** The one that was told of last and of which something was accepted, whether or not anything of it still waits. */
  private latest: Review | undefined;

  onHunks(reviewId: string, hunks: readonly Hunk[], home: string, proof: Proof): void {
    const review = { reviewId, home, proof, hunks };
    if (hunks.some((hunk) => hunk.state === 'pending')) {
      this.live.set(reviewId, review);
    } else {
      this.live.delete(reviewId);
    }
    if (hunks.some((hunk) => hunk.state === 'accepted') || this.latest?.reviewId === reviewId) {
      this.latest = review;
    }
  }

  clear(): void {
    this.live.clear();
    this.latest = undefined;
  }

  /** What was accepted of the latest review: what can be taken back at once. */
  get taken(): Change[] {
    const review = this.latest;
    return (review?.hunks ?? []).flatMap((hunk, index) =>
      review !== undefined && hunk.state === 'accepted' ? [{ review, hunk, number: index + 1 }] : [],
    );
  }

  get open(): boolean {
    return this.live.size > 0;
  }

  get all(): Review[] {
    return [...this.live.values()];
  }

  /** What waits, and what no longer fits, of all reviews. */
  shown(): Change[] {
    return this.all.flatMap((review) =>
      review.hunks.flatMap((hunk, index) =>
        hunk.state === 'pending' || hunk.state === 'stale' ? [{ review, hunk, number: index + 1 }] : [],
      ),
    );
  }

  /** What waits, in the order of the keys "next" and "previous". */
  pending(): Change[] {
    return this.shown().filter(({ hunk }) => hunk.state === 'pending');
  }

  find(key: string): Change | undefined {
    return this.shown().find((change) => keyOf(change) === key);
  }

  /** The review that a command without further words means: the one of this file, else the newest. */
  choose(uri: string | undefined): Review | undefined {
    return this.all.find((review) => review.hunks.some((hunk) => hunk.uri === uri && hunk.state === 'pending')) ?? this.all.at(-1);
  }

  pendingIn(uri: string): Change[] {
    return this.pending().filter(({ hunk }) => hunk.uri === uri);
  }

  /** The files with pending changes of one review: the target's first. */
  files(review: Review): string[] {
    const files = [...new Set(review.hunks.filter((hunk) => hunk.state === 'pending').map((hunk) => hunk.uri))];
    return files.includes(review.home) ? [review.home, ...files.filter((uri) => uri !== review.home)] : files;
  }

  /** A file's text with all that waits in it. */
  applied(uri: string, text: string): string {
    return applyHunks(text, this.pendingIn(uri).map(({ hunk }) => hunk));
  }

  /** The change whose lines the cursor is in; of those that only add, the one that was gone to last, or just above. */
  at(uri: string, cursor: Position, last: string | undefined): Change | undefined {
    const here = this.pending().filter((change) => placeOf(change).uri === uri);
    const { line } = cursor;
    const inside = here.find(({ hunk }) => {
      const old = hunk.creates ? undefined : oldLines(hunk);
      return old !== undefined && old.first <= line && line <= old.last;
    });
    const gone = here.find((change) => keyOf(change) === last && placeOf(change).line === line);
    return inside ?? gone ?? here.find((change) => change.hunk.oldText === '' && placeOf(change).line === line);
  }

  /** The first change from a line on (1) or before it (-1), in this document, else in the others. */
  fromLine(uri: string | undefined, line: number, step: 1 | -1): Change | undefined {
    const pending = this.pending();
    const here = pending.filter((change) => placeOf(change).uri === uri);
    if (step === 1) {
      return here.find((change) => placeOf(change).line >= line) ?? here[0] ?? pending[0];
    }
    return [...here].reverse().find((change) => placeOf(change).line < line) ?? here.at(-1) ?? pending.at(-1);
  }

  /** The change that the status bar shows: at the cursor, else the one that was gone to last, else the next one. */
  meant(uri: string | undefined, cursor: Position | undefined, last: string | undefined): Change | undefined {
    const here = uri === undefined || cursor === undefined ? undefined : this.at(uri, cursor, last);
    return here ?? this.pending().find((change) => keyOf(change) === last) ?? this.fromLine(uri, cursor?.line ?? 0, 1);
  }

  /** The change after (1) or before (-1) another, going round; that one need not wait any more. */
  beside(change: Change, step: 1 | -1): Change | undefined {
    const pending = this.pending();
    const rank = ({ review, number }: Change): number => this.all.findIndex((one) => one.reviewId === review.reviewId) * 1e6 + number;
    const [others, at] = [pending.filter((one) => keyOf(one) !== keyOf(change)), rank(change)];
    if (others.length === 0) {
      return pending[0];
    }
    return step === 1 ? (others.find((one) => rank(one) > at) ?? others[0]) : ([...others].reverse().find((one) => rank(one) < at) ?? others.at(-1));
  }
}
