import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamLog } from '../stream';

const piece = { runId: 'r1', phase: 'artisan', iteration: 1, attempt: 1, seq: 1, delta: 'def ' };

test('pieces of one answer join; each new answer has a title', () => {
  const log = new StreamLog();
  const text = [piece, { ...piece, seq: 2, delta: 'slug' }, { ...piece, phase: 'critic', delta: '{}' }].map((p) => log.feed(p)).join('');
  assert.equal(text, '── artisan, iteration 1 ──\ndef slug\n\n── critic, iteration 1 ──\n{}');
});

test('an answer that was thrown away is said to be', () => {
  const log = new StreamLog();
  log.feed(piece);
  assert.match(log.feed({ ...piece, attempt: 2, delta: 'x' }), /thrown away ──\nx$/);
});
