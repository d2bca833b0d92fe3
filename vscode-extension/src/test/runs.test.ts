import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome, RalphEvent, RunResult } from '../protocol';
import { lostSentence, money, Runs, severityOf } from '../runs';
import { VERIFIED } from './hunks';

const result = (more: Partial<RunResult> = {}): RunResult => ({
  runId: 'r1',
  command: 'implement',
  outcome: 'proposed',
  reason: 'Two changes wait for review.',
  reviewId: 'v1',
  hunks: 2,
  findings: 0,
  cost: { usd: 0.0123 },
  ...more,
});

const events: RalphEvent[] = [
  { runId: 'r1', seq: 1, type: 'phaseStarted', phase: 'artisan', iteration: 2 },
  { runId: 'r1', seq: 2, type: 'iterationStarted', iteration: 2, of: 5 },
  { runId: 'r1', seq: 3, type: 'costChanged', cost: { usd: 0.0123 }, usage: { totalTokens: 1200, calls: 2 } },
];

test('a live run shows its phase, iteration and cost', () => {
  const runs = new Runs();
  events.forEach((event) => runs.onEvent(event));
  assert.equal(runs.text(), '$(sync~spin) Ralph · Artisan 2/5 · $0.012');
  assert.match(runs.tooltip(), /1200 tokens/);
  assert.equal(runs.running, true);
});

test('before the first attempt there is a phase only, and its limit comes later than its number', () => {
  const runs = new Runs();
  runs.onEvent({ runId: 'r1', seq: 1, type: 'phaseStarted', phase: 'baseline', iteration: 0 });
  assert.equal(runs.text(), '$(sync~spin) Ralph · Baseline');
  runs.onEvent({ runId: 'r1', seq: 2, type: 'phaseStarted', phase: 'artisan', iteration: 1 });
  assert.equal(runs.text(), '$(sync~spin) Ralph · Artisan 1');
});

test('its end leaves a mark and the sum of the session', () => {
  const runs = new Runs();
  events.forEach((event) => runs.onEvent(event));
  runs.onEnded(result());
  runs.onEnded(result({ runId: 'r2', cost: { usd: 1 } }));
  assert.equal(runs.running, false);
  assert.equal(runs.text(), '$(check) Ralph · $1.000');
  assert.match(runs.tooltip(), /\$1\.012$/);
});

test('a late event of a run that ended does not bring it back', () => {
  const runs = new Runs();
  runs.onEnded(result());
  runs.onEvent(events[0]!);
  runs.onEvent({ runId: null, seq: 9, type: 'hunksChanged', reviewId: 'v1', hunks: [], home: 'file:///a.py', proof: VERIFIED });
  assert.equal(runs.running, false);
});

test('an unknown price is never shown as zero', () => {
  const runs = new Runs();
  runs.onEnded(result({ cost: { usd: null } }));
  assert.equal(runs.text(), '$(check) Ralph');
  assert.match(runs.tooltip(), /without a known price/);
  assert.equal(money(null), '');
  assert.deepEqual([0, 0.0001, 0.000001, 0.0123].map(money), ['$0.000', '$0.00010', '<$0.00001', '$0.012']);
});

test('every way to end without success is told as a warning or an error', () => {
  const loud: Outcome[] = ['proposed_failing', 'proposed_unverified', 'stuck', 'iteration_limit', 'budget_exceeded', 'stale', 'untrusted'];
  assert.deepEqual(new Set(loud.map(severityOf)), new Set(['warning']));
  const errors: Outcome[] = ['misconfigured', 'provider_failed', 'internal_error'];
  assert.deepEqual(new Set(errors.map(severityOf)), new Set(['error']));
  assert.equal(severityOf('cancelled'), 'none');
  assert.equal(severityOf('a_word_of_a_newer_server' as Outcome), 'warning');
});

test('figures that the configuration hides are left out', () => {
  const runs = new Runs();
  runs.onEvent({ runId: 'r1', seq: 1, type: 'costChanged', cost: null, usage: { totalTokens: 5, calls: 1 } });
  assert.equal(runs.text(), '$(sync~spin) Ralph');
  runs.onEnded(result({ cost: null }));
  assert.equal(runs.text(), '$(check) Ralph');
  assert.doesNotMatch(runs.tooltip(), /\$/);
});

test('a run that was lost with its server is told with its document and cost, and hides how an older one ended', () => {
  const runs = new Runs();
  runs.onEnded(result({ runId: 'r0' }));
  runs.onStarted('r1', { command: 'ralph.server.implement', argument: { uri: 'file:///w/my%20slug.py' } });
  events.forEach((event) => runs.onEvent(event));
  const [lost, ...more] = runs.clear();
  assert.deepEqual(more, []);
  assert.equal(lostSentence(lost!), 'The run on my slug.py is lost; it had cost $0.012 when it last told.');
  assert.equal(runs.text(), '$(warning) Ralph · run lost');
  assert.match(lostSentence({ started: undefined, usd: undefined }), /cost is not known/);
  assert.deepEqual(runs.clear(), [], 'told once');
  assert.equal(runs.text(), '$(warning) Ralph · run lost');
  runs.onEnded(result({ outcome: 'cancelled' })); // the next server says what it had cost
  assert.deepEqual(runs.ended[0]?.started?.argument, { uri: 'file:///w/my%20slug.py' });
  assert.equal(runs.ended[0]?.lost, true);
  runs.onEvent({ ...events[0]!, runId: 'r2' });
  runs.onEnded(result({ runId: 'r2' }));
  assert.match(runs.text(), /^\$\(check\) Ralph/);
  assert.equal(runs.ended[0]?.lost, false);
});

test('ended runs are listed with what was asked, the latest first', () => {
  const runs = new Runs();
  runs.onStarted('r1', { command: 'ralph.server.implement', argument: { uri: 'file:///a.py' } });
  assert.equal(runs.running, false);
  events.forEach((event) => runs.onEvent(event));
  assert.equal(runs.working[0]?.text, 'Artisan 2/5 · $0.012');
  runs.onEnded(result());
  runs.onEnded(result({ runId: 'r2' }));
  assert.deepEqual(runs.ended.map((one) => [one.result.runId, one.started?.argument['uri']]), [['r2', undefined], ['r1', 'file:///a.py']]);
});
