// The commands of the palette, the settings page, the details page, and the completion in ralph.config.yaml, by keyboard.
//
//   node palette.mjs OPTIONS.json
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { command, goToLine, quickOpen, toast, until } from './lib.mjs';
import { begin, configuration, EXTENSION, KEY, read, SCENARIO } from './session.mjs';

const options = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));

const session = await begin(options, {
  project: path.join(EXTENSION, 'example'),
  script: { artisan: [read(SCENARIO, 'first/artisan.md'), 'no'], critic: [read(SCENARIO, 'first/critic.json')], librarian: ['It expands page ranges.'], chaos: ['none'] },
  config: (url) => configuration(`, api_base: ${url}, api_key: "\${SCRIPTED_KEY}"`,
    'testing: {adversarial_tests: false}\nloop: {critic: never}\nlitellm: {enable_caching: false}\n'),
  settings: { 'ralph.server.command': options.server },
  env: () => ({ SCRIPTED_KEY: KEY }),
});
const { model, page, shot, run, onScreen, thread, button, working } = session;
const find = (...given) => page.locator(...given);
const row = (text) => find('.quick-input-list .monaco-list-row', { hasText: text }).first();
const box = () => find('.quick-input-widget input:visible');
const press = (key) => page.keyboard.press(key);
const palette = (title) => command(page, title);
const tab = (name) => page.waitForSelector(`.tab.active[data-resource-name="${name}"]`);

/** Chooses a row of a list that asks, by its words. */
async function choose(text) {
  await row(text).waitFor();
  await box().fill(text);
  await until(`the row ${text} has the focus`, () => find('.quick-input-list .monaco-list-row.focused', { hasText: text }).count());
  await press('Enter');
}

/** One run that is accepted, for the lists to have something in them. */
async function implement() {
  await until('the server runs', async () => (await find('.statusbar-item', { hasText: /^\s*Ralph\s*$/ }).locator('.codicon-wand').count()) > 0);
  await quickOpen(page, 'pages.py');
  await goToLine(page, 6, 1);
  await palette('Ralph: Implement…');
  await find('.quick-input-widget input[placeholder*="What should be done"]').waitFor();
  await press('Enter');
  await button('python3 -m unittest -q', 'Always for this command').click();
  await thread(/6 tests passed/).first().waitFor({ state: 'attached' });
  // A message under the pointer stays; this one goes when nothing waits any more.
  await toast(page, 'Review').hover();
  await shot('waiting');
  await press('Control+K');
  await press('Alt+Y');
  await onScreen('return sorted(found)');
  await toast(page, 'Review').waitFor({ state: 'hidden' });
  await shot('decided');
  await palette('File: Save All');
}

async function doctor() {
  await palette('Ralph: Doctor');
  await tab('doctor.txt');
  await onScreen('artisan:');
  await onScreen('Ready');
  await shot('doctor');
}

async function wouldBeSent() {
  await quickOpen(page, 'pages.py');
  await goToLine(page, 6, 1);
  const before = model.requests.length;
  await palette('Ralph: Show What Would Be Sent');
  await find('.quick-input-widget input[placeholder*="What should be done"]').waitFor();
  await page.keyboard.type('take "3-" as 3 and all after it');
  await press('Enter');
  await tab('would-be-sent.txt');
  await onScreen('Nothing was sent.');
  assert.equal(await find('.codelens-decoration', { hasText: 'Accept Current Change' }).count(), 0, 'nothing looks like a merge conflict');
  await shot('would-be-sent');
  assert.equal(model.requests.length, before, 'nothing was sent');
}

async function trust() {
  await palette('Ralph: Trust');
  await row('python3 -m unittest -q').waitFor();
  await shot('trust');
  await press('Enter');
  await choose('Never');
  await palette('Ralph: Trust');
  await row('forbidden').waitFor();
  await press('Enter');
  await choose('Allow always');
}

async function runs() {
  await palette('Ralph: Show Runs and Cost');
  await tab('runs.txt');
  await onScreen('Booked today (UTC):');
  await onScreen('proposed');
  await shot('runs');
}

async function fixAll() {
  await quickOpen(page, 'pages.py');
  await goToLine(page, 6, 1);
  await palette('Ralph: Critique');
  await until('two findings', async () => (await find('.squiggly-warning, .squiggly-hint, .squiggly-info').count()) > 1 && (await working()) === 0);
  const before = model.requests.length;
  await palette('Ralph: Fix All Findings in File');
  await until('the model was told both', () => {
    const asked = JSON.stringify(model.requests.slice(before));
    return asked.includes('Zero is taken for a page.') && asked.includes('The name says little.');
  });
  await shot('fix-all');
  await until('no run', async () => (await working()) === 0);
}

/** A finding that is put away stands in the side bar, and is taken from there to be shown again. */
async function dismissed() {
  await palette('Ralph: Focus on Dismissed Findings View');
  await find('.welcome-view', { hasText: 'No finding was dismissed in this workspace.' }).first().waitFor();
  await quickOpen(page, 'pages.py');
  await press('F8');
  await press('Escape');
  await press('Control+.');
  const action = find('.action-widget .monaco-list-row.action', { hasText: 'Ralph: dismiss finding' });
  await action.first().waitFor();
  await action.first().click();
  const put = find('.pane', { hasText: 'Dismissed Findings' }).locator('.monaco-list-row');
  await put.filter({ hasText: 'pages.py: ' }).waitFor();
  await put.first().hover();
  await shot('dismissed');
  await put.locator('a[aria-label^="Show It Again"]').click();
  await until('nothing is put away', async () => (await put.count()) === 0);
}

/** In ralph.config.yaml: a key that is misspelt is mended by one key press, keys and values are offered, and explained. */
async function yaml() {
  await quickOpen(page, 'ralph.config.yaml');
  await press('Control+End');
  await page.keyboard.type('\nlop:\n');
  await goToLine(page, 5, 2);
  await find('.squiggly-error').first().waitFor();
  await press('Control+.');
  const fix = find('.action-widget .monaco-list-row.action', { hasText: 'write `loop`' });
  await fix.waitFor();
  await shot('did-you-mean');
  await press('Enter');
  await onScreen('loop:');
  await press('Control+End');
  await page.keyboard.type('  ');
  await press('Control+Space');
  await find('.suggest-widget .monaco-list-row', { hasText: 'max_iterations' }).waitFor();
  await shot('completion');
  await page.keyboard.type('crit');
  await find('.suggest-widget .monaco-list-row.focused', { hasText: 'critic' }).first().waitFor();
  await press('Enter');
  await onScreen('critic:');
  await press('Control+Space');
  await find('.suggest-widget .monaco-list-row', { hasText: 'beside' }).waitFor();
  await press('Escape');
  await press('Home');
  await press('Control+K');
  await press('Control+I');
  await find('.monaco-hover-content', { hasText: 'When the critic reads a candidate' }).first().waitFor();
  await shot('hover');
  await palette('File: Revert File');
}

/** What the extension shows of itself. Pictures in its text would have to come from an address on the web. */
async function detailsPage() {
  const status = find('.statusbar-item', { hasText: 'Ralph' }).first();
  await until('no run is at work', async () => (await status.locator('.codicon-sync').count()) === 0);
  await palette('Extensions: Show Installed Extensions');
  await find('.extension-list-item', { hasText: 'Ralph' }).first().click();
  await find('.extension-editor .name', { hasText: 'Ralph' }).first().waitFor();
  await until('the icon is there', () => find('.extension-editor img.icon').first().evaluate((image) => image.naturalWidth > 100));
  await shot('details');
}

/** All of them can be edited where they stand. */
async function settingsPage() {
  await palette('Preferences: Open Remote Settings (1');
  await find('.settings-editor .suggest-input-container').waitFor();
  await page.keyboard.type('@ext:ralphd.ralphd');
  await find('.settings-editor .setting-item-contents', { hasText: 'Models: Default' }).first().waitFor();
  await shot('settings');
  assert.equal(await find('.settings-editor .edit-in-settings-button:visible').count(), 0, 'none has to be edited as JSON');
}

await run([implement, doctor, wouldBeSent, trust, runs, fixAll, dismissed, yaml, detailsPage, settingsPage]);
