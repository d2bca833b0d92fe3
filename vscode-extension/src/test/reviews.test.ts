import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hunk } from '../protocol';
import { keyOf, Reviews, type Change } from '../reviews';
import { hunk, VERIFIED } from './hunks';

const HOME = 'file:///a.py';

function reviewsOf(...hunks: Hunk[]): Reviews {
  const reviews = new Reviews();
  reviews.onHunks('v1', hunks, HOME, VERIFIED);
  return reviews;
}

const ids = (changes: readonly (Change | undefined)[]): (string | undefined)[] => changes.map((change) => change?.hunk.hunkId);

test('a review is open while a hunk of it is pending', () => {
  const reviews = new Reviews();
  const first = hunk([0, 0], [1, 0], 'x');
  const second = hunk([2, 0], [3, 0], 'y', { uri: 'file:///b.py' });
  reviews.onHunks('v1', [second, first], HOME, VERIFIED);
  const [review] = reviews.all;
  assert.deepEqual(reviews.files(review!), ['file:///a.py', 'file:///b.py'], 'the target comes first');
  reviews.onHunks('v1', [{ ...first, state: 'accepted' }, second], HOME, VERIFIED);
  assert.deepEqual(reviews.pendingIn('file:///a.py'), []);
  assert.equal(reviews.open, true);
  reviews.onHunks('v1', [{ ...first, state: 'accepted' }, { ...second, state: 'stale' }], HOME, VERIFIED);
  assert.equal(reviews.open, false);
});

test('what was accepted of the latest review can be taken back, also when nothing waits any more', () => {
  const first = hunk([0, 0], [1, 0], 'x');
  const second = hunk([2, 0], [3, 0], 'y');
  const reviews = reviewsOf(first, second);
  assert.deepEqual(reviews.taken, []);
  const accepted = { ...second, state: 'accepted' as const };
  reviews.onHunks('v1', [{ ...first, state: 'rejected' }, accepted], HOME, VERIFIED);
  assert.deepEqual(reviews.taken.map(({ number }) => number), [2]);
  reviews.onHunks('v2', [hunk([5, 0], [6, 0], 'z')], HOME, VERIFIED);
  assert.deepEqual(ids(reviews.taken), [second.hunkId], 'nothing was accepted of the newer one yet');
  reviews.onHunks('v1', [first, second], HOME, VERIFIED);
  assert.deepEqual(reviews.taken, []);
});

test('changes have the numbers that the server counts them by, and keep them', () => {
  const made = hunk([0, 0], [0, 0], 'new\n', { uri: 'file:///new.py', oldText: '', creates: true });
  const other = hunk([0, 0], [1, 0], 'o\n', { uri: 'file:///0.py' });
  const low = hunk([9, 0], [10, 0], 'l\n');
  const high = hunk([2, 0], [3, 0], 'h\n');
  const reviews = reviewsOf(made, high, low, other);
  assert.deepEqual(ids(reviews.pending()), [made, high, low, other].map(({ hunkId }) => hunkId));
  reviews.onHunks('v1', [made, { ...high, state: 'accepted' }, low, other], HOME, VERIFIED);
  assert.deepEqual(reviews.pending().map(({ number }) => number), [1, 3, 4]);
});

test('a key means the change that the cursor is in, and none where it is elsewhere', () => {
  const two = hunk([4, 0], [6, 0], 'x\n', { oldText: 'a\nb\n' });
  const added = hunk([8, 0], [8, 0], 'import re\n', { oldText: '' });
  const reviews = reviewsOf(two, added);
  const at = (line: number): string | undefined => reviews.at(HOME, { line, character: 3 }, undefined)?.hunk.hunkId;
  assert.deepEqual([3, 4, 5, 6, 8].map(at), [undefined, two.hunkId, two.hunkId, undefined, added.hunkId]);
  assert.equal(reviews.at('file:///b.py', { line: 4, character: 0 }, undefined), undefined);
});

test('of two changes at one line the one that was gone to is meant', () => {
  const made = ['n', 'm'].map((name) => hunk([0, 0], [0, 0], 'x\n', { uri: `file:///${name}.py`, oldText: '', creates: true }));
  const reviews = reviewsOf(...made);
  const last = reviews.pending().at(-1)!;
  assert.equal(reviews.at(HOME, { line: 0, character: 0 }, keyOf(last))?.hunk.hunkId, last.hunk.hunkId);
});

test('next and previous go round, from a change that is decided too', () => {
  const three = [1, 5, 9].map((line) => hunk([line, 0], [line + 1, 0], 'x\n'));
  const reviews = reviewsOf(...three);
  const [first, second, third] = reviews.pending();
  assert.deepEqual(ids([reviews.beside(third!, 1), reviews.beside(first!, -1)]), ids([first, third]));
  reviews.onHunks('v1', [three[0]!, { ...three[1]!, state: 'accepted' }, three[2]!], HOME, VERIFIED);
  assert.deepEqual(ids([reviews.beside(second!, 1), reviews.beside(second!, -1)]), ids([third, first]));
  assert.deepEqual(ids([reviews.fromLine(HOME, 2, 1), reviews.fromLine(HOME, 2, -1)]), ids([third, first]));
});

test('a command without further words means the review of the file at hand, else the newest', () => {
  const reviews = reviewsOf(hunk([0, 0], [1, 0], 'x'));
  reviews.onHunks('v2', [hunk([0, 0], [1, 0], 'x', { uri: 'file:///b.py' })], 'file:///b.py', VERIFIED);
  assert.equal(reviews.choose('file:///a.py')?.reviewId, 'v1');
  assert.equal(reviews.choose('file:///other.py')?.reviewId, 'v2');
  assert.equal(new Reviews().choose('file:///a.py'), undefined);
});
