// A machine where the isolation is missing: the ending's button installs it in a terminal, and the run begins again. Then what
// second opinions show: the votes in the message, the versions as a document, the input pinned as a test. By keyboard.
// At the end what other endings lead to (ways_on.mjs).
//
//   node opinions.mjs OPTIONS.json
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { command, goToLine, log, quickOpen, toast, until } from './lib.mjs';
import { begin, configuration, KEY, read, SCENARIO } from './session.mjs';
import { waysOn, weightsHome } from './ways_on.mjs';

const options = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const missing = path.join(options.work, 'bubblewrap-is-missing');
fs.mkdirSync(options.work, { recursive: true });
fs.writeFileSync(missing, '');
const weights = path.join(options.work, 'weights');
const home = await weightsHome(weights);
const version = (body) => `\`\`\`python\ndef share(part: int, whole: int) -> float:\n    ${body.join('\n    ')}\n\`\`\`\n`;

const models = (url, rest) => configuration(`, api_base: ${url}, api_key: "\${SCRIPTED_KEY}"`, rest);

const session = await begin(options, {
  project: path.join(SCENARIO, 'opinions'),
  script: {
    artisan: [version(['if whole == 0:', '    return 0.0', 'return 100.0 * part / whole'])],
    critic: [
      version(['if whole == 0:', '    return 0.0', 'return 100 * part / whole']),
      version(['return part / whole * 100 if whole else 0']),
      version(['try:', '    return part * 100 / whole', 'except ZeroDivisionError:', '    return 0.0']),
    ],
    librarian: ['It gives percentages.'],
    chaos: ['none'],
  },
  config: (url) => models(url,
    'testing: {command: python -m pytest -q, adversarial_tests: false}\nopinions: {versions: 3, inputs: 20}\nlitellm: {enable_caching: false}\n'),
  settings: { 'ralph.server.command': [...options.server.slice(0, -3), path.join(import.meta.dirname, 'stand_ins.py'), 'serve'] },
  env: () => ({ SCRIPTED_KEY: KEY, RALPHD_E2E_MISSING: missing, RALPHD_E2E_WEIGHTS: weights, RALPHD_E2E_WEIGHTS_HOME: home.url }),
  // The real one would ask for a password, and fetch.
  programs: {
    sudo: 'exec "$@"',
    'apt-get': `echo "apt-get $*"; printf 'Press Enter. '; read -r answer; rm '${missing}'`,
  },
});
const { page, folder, shot, run, onScreen, thread, button, killServer } = session;
const find = (...given) => page.locator(...given);
const press = (key) => page.keyboard.press(key);

/** Chooses in the editor's context menu, by keyboard: a row of each menu. */
async function contextMenu(...titles) {
  await press('Shift+F10');
  for (const [index, title] of titles.entries()) {
    await until(`"${title}" has the focus`, async () => {
      await press('ArrowDown');
      return find('.monaco-menu .action-item.focused > a > .action-label', { hasText: title }).count();
    });
    if (index === 0) await shot('context-menu');
    await press(index < titles.length - 1 ? 'ArrowRight' : 'Enter');
  }
}

/** Asked for from the editor's context menu; without isolation nothing runs, and the ending says what to do about it. */
async function noIsolation() {
  await until('the server runs', async () => (await find('.statusbar-item', { hasText: /^\s*Ralph\s*$/ }).locator('.codicon-wand').count()) > 0);
  await quickOpen(page, 'shares.py');
  await goToLine(page, 6, 5);
  await contextMenu('Ralph', 'Second Opinions');
  await toast(page, 'bubblewrap is not installed').waitFor();
  await shot('no-isolation');
}

/** The button runs the installer in a terminal; when that is done the run begins again, without a restart of anything. */
async function install() {
  await button('bubblewrap is not installed', 'Install bubblewrap').click();
  const rows = find('.terminal-wrapper .xterm-rows');
  await rows.filter({ hasText: 'apt-get install -y bubblewrap' }).first().waitFor();
  await shot('installing-isolation');
  await find('.terminal-wrapper.active .xterm-helper-textarea').first().focus();
  await press('Enter');
  await toast(page, 'install -y bubblewrap is done').waitFor();
  assert.equal(fs.existsSync(missing), false);
  await shot('isolation-installed');
  await button('install -y bubblewrap is done', 'Try again').click();
}

/** The finding says on which input they differ, what the code gives, what they give, and how many of how many. */
async function votes() {
  await find('.squiggly-warning').first().waitFor();
  await toast(page, /3 of 3 versions of `share` vote/).waitFor();
  await quickOpen(page, 'shares.py');
  await press('F8');
  const told = find('.marker-widget', { hasText: '3 of 3 independent versions written from its docstring give 0' });
  await told.waitFor();
  assert.match(await told.textContent(), /share\(-?\d+, 0\)` gives None/);
  await shot('votes');
  await press('Escape');
}

async function act(title) {
  await until(`the action "${title}"`, async () => {
    await press('Control+.');
    const row = find('.action-widget .monaco-list-row.action', { hasText: title }).first();
    if (await row.waitFor({ timeout: 2000 }).then(() => true, () => false)) return row.click().then(() => true);
    await press('Escape');
    return false;
  });
}

async function versions() {
  await act('Ralph: show the versions');
  await page.waitForSelector('.tab.active[data-resource-name="versions_of_shares.py"]');
  await onScreen('except ZeroDivisionError');
  await onScreen('# Versions that were written from its outline alone:');
  await shot('versions');
  await command(page, 'View: Close Editor');
}

const pinned = () => thread(/change 1 of 1 · a test that fails until the finding is mended[^]*makes tests\/test_shares_opinion\.py/);

async function pin() {
  await quickOpen(page, 'shares.py');
  await goToLine(page, 4, 5);
  await act('Ralph: pin as test');
  await pinned().waitFor({ state: 'attached' });
}

/** Its input as a test, reviewed as any change. Each way of saying no. */
async function reject() {
  const ways = {
    'the change': ['Alt+J', 'Alt+X'],
    'its file': ['Alt+J', 'Alt+Shift+X'],
    all: ['Control+K', 'Alt+X'],
    'the change, in the status bar': ['Alt+J'],
  };
  for (const [what, [first, second]] of Object.entries(ways)) {
    log(`reject ${what}`);
    await pin();
    await press(first);
    if (first === 'Alt+J') await find('.statusbar-item', { hasText: 'Ln 1, Col 1' }).waitFor();
    if (second === undefined) await session.statusButton('ralph.reject').click();
    else await press(second);
    await pinned().waitFor({ state: 'detached' });
    assert.equal(fs.existsSync(path.join(folder, 'tests/test_shares_opinion.py')), false);
  }
}

/** A review that waits when the server dies is shown again by the next server, and can be accepted. */
async function serverDies() {
  await pin();
  await shot('pinned');
  killServer();
  await pinned().waitFor({ state: 'detached' });
  await pinned().waitFor({ state: 'attached' });
  await shot('shown-again');
}

/** Accepted by its file's key. The test fails until the function is mended. */
async function accept() {
  await press('Alt+J');
  await find('.statusbar-item', { hasText: 'Ln 1, Col 1' }).waitFor();
  await press('Alt+Shift+Y');
  await page.locator('.tab.dirty[data-resource-name="test_shares_opinion.py"]').waitFor();
  await command(page, 'File: Save All');
  await until('saved', async () => (await page.locator('.tab.dirty').count()) === 0);
  assert.match(read(folder, 'tests/test_shares_opinion.py'), /assert share\(-?\d+, 0\) == 0/);
  const tests = spawnSync(options.python, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider'], { cwd: folder, encoding: 'utf8' });
  log(tests.stdout.trim().split('\n').pop());
  assert.match(tests.stdout, /1 failed, 1 passed/);
}

const further = waysOn(session, {
  configure: (text) => fs.writeFileSync(path.join(session.xdg('config'), 'ralphd/config.yaml'), text),
  models: models(session.model.url, ''),
  home,
});

await run([noIsolation, install, votes, versions, reject, serverDies, accept, ...further]);
