import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamLog } from '../stream';

const piece = { runId: 'r1', phase: 'artisan', iteration: 1, attempt: 1, seq: 1, delta: 'def a\n' };

test('pieces of one answer join; each new answer has a title with its role and attempt', () => {
  const log = new StreamLog();
  const text = [piece, { ...piece, seq: 2, delta: 'slug\n' }, { ...piece, phase: 'critic', delta: 'fine\n' }].map((p) => log.feed(p)).join('');
  assert.equal(text, '## Artisan · iteration 1 · attempt 1\n\ndef a\nslug\n\n\n## Critic · iteration 1 · attempt 1\n\nfine\n');
});

test('an answer that was thrown away is said to be', () => {
  const log = new StreamLog();
  log.feed(piece);
  assert.match(log.feed({ ...piece, attempt: 2, delta: 'x\n' }), /attempt 2 \(the answer above was thrown away\)\n\nx\n$/);
});
