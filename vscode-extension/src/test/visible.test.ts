import assert from 'node:assert/strict';
import { test } from 'node:test';
import { body } from '../hunk_text';
import { visible } from '../visible';
import { hunk } from './hunks';

test('what hides or reorders letters is written as its number; ordinary text and pictures stay', () => {
  assert.equal(visible('a\u202eb\u200bc\x1b\u{e0041}'), 'a\\u202eb\\u200bc\\x1b\\U000e0041');
  const plain = 'def f():\r\n\treturn "ä漢 ❤\ufe0f 👩\u200d💻"\n';
  assert.equal(visible(plain), plain);
});

test('in both kinds of block', () => {
  const change = hunk([0, 0], [1, 0], 'ok = "\u202e yes"\n', { oldText: '' });
  assert.match(body(change, 'python'), /\\u202e/);
  assert.match(body({ ...change, oldText: 'ok = " yes"\n' }, 'python'), /<pre>.*\\u202e/);
});
