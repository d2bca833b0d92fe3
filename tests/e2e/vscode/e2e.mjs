// "Ralph: implement" in a real VS Code by keyboard: consent, progress, review, accept, save, tests; then a run that is cancelled.
//
//   node e2e.mjs OPTIONS.json
//
// {host, vsix, work, shots, python, server: [argv], env: {…}}; screenshots go to `shots`, everything else to `work`.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { chooseAction, command, editorText, goToLine, launch, log, quickOpen, toast, until } from './lib.mjs';
import { scriptedModel } from './scripted-model.mjs';

const options = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const SCENARIO = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), 'scenario');
const KEY = 'sk-scripted-0123456789abcdef';
const INSTRUCTION = 'keep words of other alphabets';

const read = (...names) => fs.readFileSync(path.join(...names), 'utf8');
const reply = (name) => read(SCENARIO, 'replies', name);
const endless = `slug.py\n<<<<<<< SEARCH\n${'# a long thought\n'.repeat(2000)}`;

const model = await scriptedModel({
  artisan: [reply('artisan-1.md'), reply('artisan-2.md'), endless],
  critic: [reply('critic.md')],
  librarian: [reply('librarian.md')],
  chaos: ['none'],
}, { pause: 40, key: KEY });

fs.mkdirSync(options.shots, { recursive: true });
fs.rmSync(path.join(options.shots, 'failure.png'), { force: true });
fs.mkdirSync(options.work, { recursive: true });
const folder = path.join(options.work, 'pages');
fs.rmSync(folder, { recursive: true, force: true });
fs.cpSync(path.join(SCENARIO, 'input'), folder, { recursive: true });
const file = path.join(folder, 'slug.py');
const original = read(file);

const xdg = (name) => path.join(options.work, 'xdg', name);
fs.mkdirSync(path.join(xdg('config'), 'ralphd'), { recursive: true });
const role = (name) => `  ${name}: {model: openai/${name}, api_base: ${model.url}, api_key: "\${SCRIPTED_KEY}"}\n`;
fs.writeFileSync(path.join(xdg('config'), 'ralphd/config.yaml'),
  `models:\n${['artisan', 'critic', 'librarian', 'chaos'].map(role).join('')}`
  + `prices:\n${['artisan', 'critic', 'librarian', 'chaos'].map((name) => `  openai/${name}: {input_usd_per_mtok: 2.0, output_usd_per_mtok: 8.0}\n`).join('')}`
  + 'testing: {adversarial_tests: false}\n'); // one phase less, of many test runs: the loop's own tests have it

const editor = await launch({
  host: options.host,
  work: path.join(options.work, 'editor'),
  folder,
  vsix: options.vsix,
  machineSettings: { 'ralph.server.command': options.server },
  env: {
    XDG_CONFIG_HOME: xdg('config'),
    XDG_CACHE_HOME: xdg('cache'),
    XDG_STATE_HOME: xdg('state'),
    XDG_DATA_HOME: xdg('data'),
    SCRIPTED_KEY: KEY,
    ...options.env,
  },
});
const { page } = editor;
let step = 0;
const shot = async (name) => {
  step += 1;
  await page.screenshot({ path: path.join(options.shots, `${String(step).padStart(2, '0')}-${name}.png`) });
  log(`step ${step}: ${name}`);
};

const lenses = (text) => page.locator('.codelens-decoration a').filter({ hasText: new RegExp(`^\\s*${text}\\s*$`) });
const onScreen = async (text) => until(`on the screen: ${text}`, async () => (await editorText(page)).includes(text));

try {
  await quickOpen(page, 'slug.py');
  await goToLine(page, 14, 1);

  // By keyboard: the light bulb's menu, the action, Enter.
  await chooseAction(page, 'Ralph: implement');
  await shot('action');
  await page.keyboard.press('Enter');

  // The command comes from the repository's file, so it needs the person's word, for exactly this argv.
  const consent = toast(page, 'python -m pytest -q');
  await consent.waitFor({ timeout: 60_000 });
  await shot('consent');
  await consent.locator('.monaco-button', { hasText: 'Run once' }).click();

  await toast(page, /Artisan/).waitFor({ timeout: 60_000 });
  assert.ok(await toast(page, /Artisan/).locator('.monaco-button', { hasText: 'Cancel' }).isVisible(), 'progress has a Cancel button');
  await page.locator('.statusbar-item', { hasText: /Ralph · Artisan/ }).waitFor();
  await shot('progress');

  // What the model writes, as it writes it: the second answer too, so the first was found wrong and went back.
  await command(page, 'Ralph: Show Model Output');
  const panel = page.locator('.part.panel');
  // Either line is of that answer alone; the first makes the better picture, the last stays in sight.
  await panel.locator('.view-line', { hasText: /break|join.word/ }).first().waitFor({ timeout: 60_000 });
  await shot('stream');
  await page.keyboard.press('Control+J');
  await panel.waitFor({ state: 'hidden' });

  // Review: lenses on both changes, and nothing in the buffer or the file yet.
  await until('two changes with lenses', async () => (await lenses('✓ Accept').count()) === 2, 120_000);
  assert.equal(await lenses('✓ Accept all').count(), 1);
  assert.equal(read(file), original, 'the file is untouched before acceptance');
  await onScreen('return title.replace(" ", "-")');
  assert.equal(await page.locator('.tab.active.dirty').count(), 0, 'the buffer is untouched before acceptance');
  const told = toast(page, 'Show Changes');
  await told.waitFor();
  await shot('review');
  await page.locator('.editor-instance .view-line', { hasText: 'title.replace' }).first().hover({ position: { x: 120, y: 8 } });
  await page.locator('.monaco-hover:not(.hidden)', { hasText: 'longer' }).first().waitFor();
  await shot('hover');

  await told.locator('.monaco-button', { hasText: 'Show Changes' }).click();
  await page.locator('.monaco-diff-editor .editor.modified .view-line', { hasText: 'longer' }).first().waitFor();
  await shot('diff');
  await page.locator('.tab.active').click({ button: 'middle' });
  await page.locator('.monaco-diff-editor').waitFor({ state: 'detached' });

  // Accept one change, reject the other.
  await lenses('✓ Accept').first().click();
  await onScreen('longer = f"{text}-{word}" if text else word');
  await until('one change left', async () => (await lenses('✓ Accept').count()) === 1);
  assert.equal(read(file), original, 'an accepted change is in the buffer; saving is the person’s');
  await shot('accepted');
  await lenses('✗ Reject').first().click();
  await until('no change left', async () => (await page.locator('.codelens-decoration a', { hasText: '✓' }).count()) === 0);

  // One step of undo takes the change back, one of redo brings it again.
  await page.locator('.editor-instance .view-line').first().click();
  await page.keyboard.press('Control+Z');
  await onScreen('return title.replace(" ", "-")');
  assert.equal(await page.locator('.tab.active.dirty').count(), 0, 'one undo leads back to the saved text');
  await page.keyboard.press('Control+Y');
  await onScreen('longer = f"{text}-{word}" if text else word');

  await page.keyboard.press('Control+S');
  await until('saved', async () => (await page.locator('.tab.active.dirty').count()) === 0);
  assert.equal(read(file), read(SCENARIO, 'expected/slug.py'));
  const tests = spawnSync(options.python, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider'], { cwd: folder, encoding: 'utf8' });
  log(tests.stdout.trim().split('\n').pop());
  assert.equal(tests.status, 0, tests.stdout);
  await shot('saved');

  // A second run, with an instruction, and cancelled from its notification while the model writes.
  await goToLine(page, 14, 1);
  const before = model.requests.length;
  await command(page, 'Ralph: Implement…');
  const box = page.locator('.quick-input-widget input');
  await page.locator('.quick-input-widget', { hasText: 'What should be done' }).waitFor();
  await box.fill(INSTRUCTION);
  await page.keyboard.press('Enter');
  await until('the model writes', async () => {
    const again = toast(page, 'python -m pytest -q').locator('.monaco-button', { hasText: 'Run once' });
    if (await again.isVisible()) await again.click(); // "once" may mean the first run only
    return toast(page, /Artisan/).isVisible();
  }, 60_000);
  await until('the model was asked', () => model.requests.length > before);
  assert.ok(JSON.stringify(model.requests.at(-1)).includes(INSTRUCTION), 'the instruction reaches the model');
  await shot('second-run');
  await toast(page, /Artisan/).locator('.monaco-button', { hasText: 'Cancel' }).click();
  await toast(page, /Artisan/).waitFor({ state: 'detached', timeout: 5000 });
  await until('no run in the status bar', async () => (await page.locator('.statusbar-item .codicon-sync').count()) === 0, 5000);
  await until('no lens left', async () => (await page.locator('.codelens-decoration a').count()) === 0, 5000);
  assert.equal(read(file), read(SCENARIO, 'expected/slug.py'));
  await shot('cancelled');

  assert.deepEqual([...editor.outside], [], 'nothing was asked of another machine');
  log('all steps passed');
} catch (error) {
  await page.screenshot({ path: path.join(options.shots, 'failure.png') }).catch(() => {});
  log(`failed after step ${step}:`, error);
  process.exitCode = 1;
} finally {
  await editor.close();
  model.close();
}
