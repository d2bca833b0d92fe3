import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseLaunch, type Machine } from '../launch';

function machine(files: string[], more: Partial<Machine> = {}): Machine {
  return {
    platform: 'linux',
    path: '/usr/local/bin:/usr/bin',
    isExecutable: (file) => files.includes(file),
    succeeds: async () => false,
    ...more,
  };
}

const byDefault = { command: ['ralphd'], explicit: false, interpreter: undefined };

test('the default is found on PATH, as an absolute path, first folder first', async () => {
  const launch = await chooseLaunch(byDefault, machine(['/usr/bin/ralphd', '/usr/local/bin/ralphd']));
  assert.deepEqual(launch, { kind: 'found', command: '/usr/local/bin/ralphd', args: [] });
});

test('arguments of the setting are kept', async () => {
  const launch = await chooseLaunch({ ...byDefault, command: ['/opt/ralphd', 'serve', '-v'] }, machine(['/opt/ralphd']));
  assert.deepEqual(launch, { kind: 'found', command: '/opt/ralphd', args: ['serve', '-v'] });
});

test('relative folders on PATH and relative programs are never tried: they would lie in the repository', async () => {
  for (const path of ['.:/usr/bin', ':/usr/bin', 'bin:/usr/bin']) {
    const tried: string[] = [];
    const record = (file: string): boolean => (tried.push(file), false);
    await chooseLaunch(byDefault, machine([], { path, isExecutable: record }));
    assert.deepEqual(tried, ['/usr/bin/ralphd']);
  }
  const launch = await chooseLaunch({ ...byDefault, command: ['./ralphd'], explicit: true }, machine(['./ralphd']));
  assert.equal(launch.kind, 'missing');
});

test('the server that was installed by the extension comes before PATH, and after what the person named', async () => {
  const files = machine(['/own/ralphd', '/usr/bin/ralphd', '/opt/ralphd']);
  assert.deepEqual(await chooseLaunch({ ...byDefault, own: '/own/ralphd' }, files), { kind: 'found', command: '/own/ralphd', args: [] });
  const named = await chooseLaunch({ ...byDefault, own: '/own/ralphd', command: ['/opt/ralphd'], explicit: true }, files);
  assert.deepEqual(named, { kind: 'found', command: '/opt/ralphd', args: [] });
  const gone = await chooseLaunch({ ...byDefault, own: '/own/gone' }, files);
  assert.deepEqual(gone, { kind: 'found', command: '/usr/bin/ralphd', args: [] });
});

test('without it on PATH the active interpreter is asked, and runs off the import path of its folder', async () => {
  const wish = { ...byDefault, interpreter: '/env/bin/python' };
  const asked: string[] = [];
  const launch = await chooseLaunch(wish, machine([], { succeeds: async (python) => asked.push(python) > 0 }));
  assert.deepEqual(asked, ['/env/bin/python']);
  assert.deepEqual(launch, { kind: 'found', command: '/env/bin/python', args: ['-P', '-m', 'ralphd'] });
});

test('a program that the person named is not replaced by another one', async () => {
  const wish = { command: ['/opt/gone'], explicit: true, interpreter: '/env/bin/python' };
  const launch = await chooseLaunch(wish, machine([], { succeeds: async () => true }));
  assert.equal(launch.kind, 'missing');
  assert.match(launch.kind === 'missing' ? launch.why : '', /\/opt\/gone/);
});

test('an empty command is said to be empty', async () => {
  for (const command of [[], ['']]) {
    const launch = await chooseLaunch({ ...byDefault, command, explicit: true }, machine([]));
    assert.match(launch.kind === 'missing' ? launch.why : '', /empty/);
  }
});

test('on Windows the extension is added and the folders are split by semicolons', async () => {
  const windows = machine(['C:\\Tools\\ralphd.exe'], { platform: 'win32', path: 'bin;C:\\Tools\\;D:\\x' });
  assert.deepEqual(await chooseLaunch(byDefault, windows), { kind: 'found', command: 'C:\\Tools\\ralphd.exe', args: [] });
});
