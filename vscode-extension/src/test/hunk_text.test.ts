import assert from 'node:assert/strict';
import { test } from 'node:test';
import { body, fenced, label, markedWords, verb } from '../hunk_text';
import type { Proof } from '../protocol';
import { hunk, VERIFIED } from './hunks';

const change = hunk([0, 0], [1, 0], 'x = 2\n', { oldText: 'x = 1\n' });

test('the label says which change it is and what it is verified by', () => {
  const proof = { ...VERIFIED, evidence: '4 tests passed, 7 of 8 planted faults noticed' };
  assert.equal(label(change, 2, 7, proof), 'change 2 of 7 · 4 tests passed, 7 of 8 planted faults noticed');
  assert.equal(label({ ...change, outsideTarget: true }, 1, 1, VERIFIED), 'change 1 of 1 · 4 tests passed · outside what you asked for');
});

test('a test that shows a finding says what it is for', () => {
  const proof = { state: 'reproduces', sentence: 'A test that fails until this is mended: x.', evidence: 'a test that fails until the finding is mended' } as const;
  assert.equal(label(change, 1, 1, proof), 'change 1 of 1 · a test that fails until the finding is mended');
});

test('what is not verified says so, in every state but one', () => {
  const of = (state: Proof['state']): string => label(change, 1, 2, { state, sentence: 'Not green without change 1.', evidence: '' });
  for (const state of ['unverified', 'stale', 'pending', 'a newer word'] as Proof['state'][]) {
    assert.match(of(state), /NOT verified/);
  }
  assert.equal(of('broken'), 'change 1 of 2 · Not green without change 1');
  assert.match(label({ ...change, state: 'stale' }, 1, 2, VERIFIED), /edited since/);
});

test('the verb counts lines', () => {
  assert.equal(verb(change, 'a.py'), 'replaces 1 line by 1');
  assert.equal(verb({ ...change, oldText: '' }, 'a.py'), 'adds 1 line');
  assert.equal(verb({ ...change, newText: '', oldText: 'a\r\nb\r\n' }, 'a.py'), 'removes 2 lines');
  assert.equal(verb({ ...change, creates: true, oldText: '' }, 'lib/a.py'), 'makes lib/a.py, 1 line');
});

test('a change of a word is shown with the word marked, and escaped', () => {
  const html = body({ ...change, oldText: 'return a < b  # less\n', newText: 'return a <= c  # less\n' }, 'python');
  assert.match(html, /^<pre>/);
  assert.match(html, /<span style="background-color:[^"]+">c<\/span>/);
  assert.match(html, /&lt;/);
  assert.doesNotMatch(html.replace(/<\/?(pre|span)[^>]*>/g, ''), /</);
});

test('a text that is new as a whole is a block of its language, which nothing in it can end', () => {
  const text = 'print("""\n```\n<img src=x>\n```\n""")';
  assert.equal(body({ ...change, oldText: '', newText: `${text}\n` }, 'python'), `\`\`\`\`python\n${text}\n\`\`\`\``);
  assert.equal(fenced('a', 'go'), '```go\na\n```');
  assert.match(body({ ...change, newText: '' }, 'python'), /nothing takes their place/);
});

test('words are marked on both sides, and not where most of the text is another', () => {
  const marked = markedWords({ ...change, oldText: 'return slug(title) + ".html"\n', newText: 'return slug(title, 9) + ".html"\n' });
  assert.deepEqual([marked?.old, marked?.new.length], [[], 1]);
  assert.equal(markedWords({ ...change, oldText: 'alpha beta\n', newText: 'gamma delta\n' }), undefined);
});
