// The first minutes of a person who has the extension and nothing else, by keyboard: what is missing is told, the server is
// installed from the extension, the example is opened, a key is typed, the run goes green.
//
//   node first.mjs OPTIONS.json
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { command, goToLine, log, PATIENCE_MS, quickOpen, toast, until } from './lib.mjs';
import { begin, configuration, KEY, read, SCENARIO } from './session.mjs';

const options = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const answer = read(SCENARIO, 'first/artisan.md');

const session = await begin(options, {
  script: { artisan: [answer], critic: ['none'], librarian: ['It expands page ranges.'], chaos: ['none'] },
  config: () => configuration('', 'testing: {adversarial_tests: false}\nloop: {critic: never}\nlitellm: {enable_caching: false}\n'),
  env: (url) => ({ OPENAI_API_BASE: url }),
  args: ['--log', 'trace'], // the logs then hold every message, and must not hold the key
});
const { model, xdg, shot, run, onScreen, thread, button } = session;
const find = (...given) => session.page.locator(...given);
const row = (text) => find('.quick-input-list .monaco-list-row', { hasText: text }).first();
const box = () => find('.quick-input-widget input:visible');
const press = (key) => session.page.keyboard.press(key);
const palette = (title) => command(session.page, title);

/** Whether the status bar says that a server waits for work. */
const ready = async () => (await find('.statusbar-item', { hasText: /^\s*Ralph\s*$/ }).locator('.codicon-wand').count()) > 0;

/** Chooses a row of a list that asks, by its words. */
async function choose(text) {
  await row(text).waitFor();
  await box().fill(text);
  await until(`the row ${text} has the focus`, () => find('.quick-input-list .monaco-list-row.focused', { hasText: text }).count());
  await press('Enter');
}

/** Nothing is asked of a person before there is a server; what is offered leads to one. */
async function missing() {
  const told = toast(session.page, /is not installed, or not on PATH/);
  await told.waitFor();
  assert.equal(await told.locator('.monaco-button').count(), 2, 'install, and settings');
  await shot('no-server');
  await quickOpen(session.page, 'slug.py');
  await palette('Ralph: Implement…');
  await until('the palette is gone', async () => (await box().count()) === 0);
  await told.first().waitFor();
  assert.equal(await find('.quick-input-widget input[placeholder*="What should be done"]:visible').count(), 0, 'no box is shown where nothing could be done with it');
}

/** The setting is shown where it can be changed: to this workbench the machine is a remote one. */
async function openSettings() {
  await toast(session.page, /is not installed/).first().waitFor();
  await button(/is not installed/, 'Open Settings').first().click();
  await find('.settings-editor .setting-item-contents', { hasText: 'Server: Command' }).first().waitFor();
  await shot('server-setting');
  await leaveSettings();
}

/** They may stand in a window of their own over the editors, in which the palette's key means nothing. */
async function leaveSettings() {
  await until('the settings are closed', async () => {
    await press('Escape');
    return (await find('.monaco-modal-editor-block, .modal-editor, .settings-editor:visible').count()) === 0;
  });
}

async function walkthrough() {
  await palette('Welcome: Open Walkthrough...');
  await choose('Get started with Ralph');
  await find('.step-title:visible', { hasText: 'Get the server' }).first().waitFor();
  await find('.step-title:visible', { hasText: 'Try it on an example' }).first().click();
  await until('the picture of a review is there', async () => {
    const seen = () => [...document.images].some((one) => one.alt.startsWith('A change below the line') && one.naturalWidth > 100);
    const found = await Promise.allSettled(session.page.frames().map((frame) => frame.evaluate(seen)));
    return found.some(({ value }) => value === true);
  });
  await shot('walkthrough');
  await find('.step-title:visible', { hasText: 'Get the server' }).first().click();
}

/** A private environment from the wheel of the extension, with progress; the server starts from there. */
async function install() {
  await find('.button-container .monaco-button', { hasText: 'Install ralphd' }).first().click();
  await toast(session.page, /installing its server/).waitFor();
  await toast(session.page, /Fetching what the server needs/).waitFor();
  await shot('installing');
  await until('the server runs', ready, 10 * PATIENCE_MS);
  const ralphd = spawnSync('find', [path.join(options.work, 'editor/profile'), '-name', 'ralphd', '-path', '*bin*'], { encoding: 'utf8' }).stdout.trim();
  log(`installed: ${ralphd}`);
  assert.match(spawnSync(ralphd, ['--version'], { encoding: 'utf8' }).stdout, /^ralphd \d/);
  await find('.codicon-getting-started-step-checked, .codicon-pass-filled').first().waitFor(); // the first step is ticked
  await shot('installed');
}

/** The last step opens the example in a window of its own. */
async function example() {
  await find('.step-title:visible', { hasText: 'Try it on an example' }).first().click();
  const opened = session.editor.page.context().waitForEvent('page');
  await find('.button-container .monaco-button', { hasText: 'Open the example' }).first().click();
  session.page = await opened;
  session.page.setDefaultTimeout(PATIENCE_MS);
  await find('.monaco-workbench .part.statusbar').waitFor();
  await quickOpen(session.page, 'pages.py');
  await shot('example');
}

/** Without a key the run ends with a button for one; typed, it goes to its provider, and the run begins again. */
async function keyAndRun() {
  await until('the server runs', ready);
  await goToLine(session.page, 6, 1);
  await palette('Ralph: Implement…');
  await find('.quick-input-widget input[placeholder*="What should be done"]').waitFor();
  await press('Enter');
  await button('python3 -m unittest -q', 'Always for this command').click();
  await button(/key/i, 'Set key').waitFor();
  await shot('no-key');
  await button(/key/i, 'Set key').click();
  await choose('openai');
  await until('a box that hides what is typed', () => find('.quick-input-widget input[type=password]:visible').count());
  await session.page.keyboard.type(KEY);
  await shot('key');
  await press('Enter');
  await thread(/6 tests passed/).first().waitFor({ state: 'attached', timeout: 2 * PATIENCE_MS });
  await shot('green');
  await press('Alt+J');
  await find('.statusbar-item', { hasText: 'Ln 11, Col 1' }).waitFor();
  await press('Alt+Y');
  await onScreen('return sorted(found)');
  await palette('File: Save All');
  assert.ok(model.requests.length > 0);
}

/** The key that was typed is in no file that the editor, the extension or the server wrote. */
async function keyStandsNowhere() {
  for (const folder of [path.join(options.work, 'editor'), xdg('')]) {
    const found = spawnSync('grep', ['-rlF', KEY, folder], { encoding: 'utf8' }).stdout.trim();
    assert.equal(found, '', `the key stands in ${found}`);
  }
}

await run([missing, openSettings, walkthrough, install, example, keyAndRun, keyStandsNowhere]);
