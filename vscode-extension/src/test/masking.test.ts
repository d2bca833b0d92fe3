import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Masking } from '../masking';

test('a secret is written by no method of a log, plain or inside JSON', () => {
  const written: unknown[] = [];
  const masking = new Masking();
  const log = masking.over({
    level: 1,
    info(...words: unknown[]) {
      assert.equal(this.level, 1, 'methods keep their object');
      written.push(...words);
    },
  });
  masking.add('');
  masking.add('sk-"quoted"');
  log.info('the key sk-"quoted" of', 7, JSON.stringify({ key: 'sk-"quoted"' }));
  assert.deepEqual(written, ['the key *** of', 7, '{"key":"***"}']);
  assert.equal(log.level, 1);
});
