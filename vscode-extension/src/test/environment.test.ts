import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseTool, steps } from '../environment';
import type { Machine } from '../launch';

function machine(files: string[], able: string[]): Machine {
  return {
    platform: 'linux',
    path: '/usr/bin',
    isExecutable: (file) => files.includes(file),
    succeeds: async (program) => able.includes(program),
  };
}

const bundled = { wheel: '/ext/server/ralphd-1-py3-none-any.whl', requirements: '/ext/server/requirements.txt' };

test('uv comes first; else the first Python that is new enough; an old one is not taken', async () => {
  assert.deepEqual(await chooseTool(machine(['/usr/bin/uv', '/usr/bin/python3'], ['/usr/bin/python3'])), { kind: 'uv', program: '/usr/bin/uv' });
  const two = machine(['/usr/bin/python3.11', '/usr/bin/python3'], ['/usr/bin/python3.11', '/usr/bin/python3']);
  assert.deepEqual(await chooseTool(two), { kind: 'python', program: '/usr/bin/python3.11' });
  assert.equal(await chooseTool(machine(['/usr/bin/python3'], [])), undefined);
});

test('each package is taken by its hash, and the server from the wheel of the extension', () => {
  for (const kind of ['uv', 'python'] as const) {
    const made = steps({ kind, program: `/usr/bin/${kind}` }, '/storage/env', bundled, 'linux');
    assert.equal(made.length, 3);
    assert.ok(made[1]!.args.join(' ').endsWith(`--require-hashes -r ${bundled.requirements}`));
    assert.ok(made[2]!.args.join(' ').endsWith(`--no-deps ${bundled.wheel}`));
    assert.ok(made.some((step) => [step.command, ...step.args].includes('/storage/env/bin/python')));
  }
  assert.equal(steps({ kind: 'python', program: 'py' }, 'C:\\env', bundled, 'win32')[1]!.command, 'C:\\env\\Scripts\\python.exe');
});
