import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerText } from '../answer_text';

const BLOCKS = `Here it is.

slug.py
<<<<<<< SEARCH
    return 1
=======
    return 2
>>>>>>> REPLACE

lib/new.ts
<<<<<<< SEARCH
=======
export const a = 1;
>>>>>>> REPLACE
END OF EDITS
`;

/** What is shown of an answer that comes in pieces of so many characters. */
function shown(answer: string, size: number): string {
  const text = new AnswerText();
  let all = '';
  for (let at = 0; at < answer.length; at += size) {
    all += text.feed(answer.slice(at, at + size));
  }
  return all + text.end();
}

test('edit blocks are shown as what goes and what comes, in blocks of their language', () => {
  assert.equal(
    shown(BLOCKS, 1000),
    'Here it is.\n\nslug.py\n\nthis goes:\n```python\n    return 1\n```\nthis comes:\n```python\n    return 2\n```\n'
      + '\nlib/new.ts\n\nthis is new:\n```typescript\nexport const a = 1;\n```\n',
  );
});

test('in whatever pieces it comes, and nothing in it looks like a merge conflict', () => {
  for (const size of [1, 2, 3, 7, 64]) {
    assert.equal(shown(BLOCKS, size), shown(BLOCKS, 1000), `pieces of ${size}`);
    assert.doesNotMatch(shown(BLOCKS, size), /<{5}|>{5}|={5}|END OF EDITS/);
  }
});

test('a fence around edit blocks is not shown twice', () => {
  const wrapped = shown('```\nslug.py\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n```\nEND OF EDITS\n', 5);
  assert.equal((wrapped.match(/^```/gm) ?? []).length % 2, 0, wrapped);
  assert.doesNotMatch(wrapped, /<<<<|>>>>/);
});

test('an answer in blocks of its own stays; one of data is a block; one that was cut off is closed', () => {
  assert.equal(shown('```python\nx = 1\n```\n', 4), '```python\nx = 1\n```\n');
  assert.equal(shown('{"verdict": "pass"}', 6), '```json\n{"verdict": "pass"}\n```');
  assert.match(shown('a.py\n<<<<<<< SEARCH\nold\n=======\nnew', 3), /this comes:\n```python\nnew\n```$/);
  assert.equal(shown('so far', 2), 'so far');
});
