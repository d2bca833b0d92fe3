import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyHunks } from '../apply_hunks';
import { hunk } from './hunks';

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
