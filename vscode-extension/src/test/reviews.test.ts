import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hunk } from '../protocol';
import { applyHunks, Reviews } from '../reviews';

let next = 0;
function hunk(from: [number, number], to: [number, number], newText: string, more: Partial<Hunk> = {}): Hunk {
  return {
    hunkId: `h${next++}`,
    uri: 'file:///a.py',
    range: { start: { line: from[0], character: from[1] }, end: { line: to[0], character: to[1] } },
    newText,
    oldText: 'old',
    state: 'pending',
    ...more,
  };
}

test('hunks are applied in any order, at UTF-16 offsets', () => {
  const text = 'a = "😀"; b\nsecond\nthird\n';
  const hunks = [hunk([2, 0], [3, 0], 'THIRD\nfourth\n'), hunk([0, 10], [0, 11], 'B')];
  assert.equal(applyHunks(text, hunks), 'a = "😀"; B\nsecond\nTHIRD\nfourth\n');
});

test('line ends that are not touched keep their bytes; the end of the text is a place', () => {
  assert.equal(applyHunks('one\r\ntwo\rthree', [hunk([1, 0], [1, 3], '2')]), 'one\r\n2\rthree');
  assert.equal(applyHunks('one', [hunk([0, 3], [0, 3], '\ntwo')]), 'one\ntwo');
  assert.equal(applyHunks('one\n', [hunk([1, 0], [1, 0], 'two\n')]), 'one\ntwo\n');
  assert.equal(applyHunks('', [hunk([0, 0], [0, 0], 'new file\n')]), 'new file\n');
});

test('a review is open while a hunk of it is pending', () => {
  const reviews = new Reviews();
  const first = hunk([0, 0], [1, 0], 'x');
  const second = hunk([2, 0], [3, 0], 'y', { uri: 'file:///b.py' });
  reviews.onHunks('v1', [first, second]);
  assert.deepEqual(reviews.files('v1'), ['file:///a.py', 'file:///b.py']);
  reviews.onHunks('v1', [{ ...first, state: 'accepted' }, second]);
  assert.deepEqual(reviews.pendingIn('file:///a.py'), []);
  assert.equal(reviews.open, true);
  reviews.onHunks('v1', [{ ...first, state: 'accepted' }, { ...second, state: 'stale' }]);
  assert.equal(reviews.open, false);
});

test('a command without further words means the review of the file at hand, else the newest', () => {
  const reviews = new Reviews();
  reviews.onHunks('v1', [hunk([0, 0], [1, 0], 'x')]);
  reviews.onHunks('v2', [hunk([0, 0], [1, 0], 'x', { uri: 'file:///b.py' })]);
  assert.equal(reviews.choose('file:///a.py'), 'v1');
  assert.equal(reviews.choose('file:///other.py'), 'v2');
  assert.equal(new Reviews().choose('file:///a.py'), undefined);
});
