// "Ralph: implement" in a real VS Code by keyboard: consent, progress, review by keys, undo, diffs, save, tests; then a run whose
// server is killed, one that is cancelled, and one that ends without a change.
//
//   node e2e.mjs OPTIONS.json
//
// {host, vsix, work, shots, python, server: [argv], env: {…}}; screenshots go to `shots`, everything else to `work`.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { chooseAction, command, goToLine, log, quickOpen, toast, until } from './lib.mjs';
import { begin, configuration, EXTENSION, KEY, read, reply, SCENARIO } from './session.mjs';

const options = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const INSTRUCTION = 'keep words of other alphabets';
const REASON = 'pages keep their plus sign';
const endless = `slug.py\n<<<<<<< SEARCH\n${'# a long thought\n'.repeat(4000)}`;

const { model, page, folder, shot, run, onScreen, thread, at, dirty, working, button, statusButton, killServer } = await begin(options, {
  script: {
    artisan: [reply('artisan-1.md'), reply('artisan-2.md'), endless, endless, 'I do not know.'],
    critic: [reply('critic.md')],
    librarian: [reply('librarian.md')],
    chaos: ['none'],
  },
  // No attack: it is many test runs, and the loop's own tests have it.
  config: (url) => configuration(`, api_base: ${url}, api_key: "\${SCRIPTED_KEY}"`),
  settings: { 'ralph.server.command': options.server },
  env: () => ({ SCRIPTED_KEY: KEY }),
  programs: { python: `exec '${options.python}' -W ignore "$@"` }, // pytest's plugins there have something to say
});
const file = path.join(folder, 'slug.py');
const original = read(file);

async function consentAndProgress() {
  await page.locator('.statusbar-item', { hasText: 'Ralph' }).first().waitFor();
  await quickOpen(page, 'slug.py');
  await goToLine(page, 14, 1);
  // By keyboard: the light bulb's menu, the action, Enter.
  await chooseAction(page, 'Ralph: implement');
  await shot('action');
  await page.keyboard.press('Enter');
  // The command comes from the repository's file, so it needs the person's word, for exactly this argv.
  const consent = toast(page, 'Always for this command');
  await consent.waitFor();
  assert.match(await consent.textContent(), /python -m pytest -q/);
  await shot('consent');
  await consent.locator('.monaco-button', { hasText: 'Always for this command' }).click();
  await toast(page, /Artisan/).locator('.monaco-button', { hasText: 'Cancel' }).waitFor();
  await page.locator('.statusbar-item', { hasText: /Ralph · Artisan/ }).waitFor();
  await shot('progress');
}

/** What the model writes, as it writes it, as code; the second answer too, so the first was found wrong and went back. */
async function stream() {
  await command(page, 'Ralph: Show Model Output');
  const panel = page.locator('.part.panel');
  await panel.locator('.view-line', { hasText: 'def first_letters' }).first().waitFor();
  const text = await panel.locator('.view-lines').first().textContent();
  assert.ok(!/<{5}|>{5}|={5}/.test(text), `no rows of the protocol: ${text}`);
  await shot('stream');
  await page.keyboard.press('Control+J');
  await panel.waitFor({ state: 'hidden' });
}

/** Every change stands under the lines that it replaces, with its proof; nothing is in the buffer or the file yet. */
async function review() {
  await thread('change 3 of 5').waitFor({ state: 'attached' });
  await thread(/change 3 of 5 · 5 tests passed, \d of \d planted faults noticed/).waitFor({ state: 'attached' });
  await thread(/change 1 of 5 .*makes letters\.py, 6 lines/).waitFor({ state: 'attached' });
  assert.equal(await page.locator('.codelens-decoration a').count(), 0, 'no lenses');
  assert.equal(await page.locator('.squiggly-info').count(), 0, 'no squiggles');
  assert.equal(read(file), original, 'the file is untouched before acceptance');
  assert.equal(await dirty(), 0, 'the buffer is untouched before acceptance');
  await toast(page, 'Review').waitFor();
  await command(page, 'Comments: Focus on Comments View');
  const rows = page.locator('.comments-panel .monaco-list-row');
  await rows.filter({ hasText: /replaces 1 line by 1.*\[Ln 8\]/ }).waitFor(); // of a file that is not open
  await rows.filter({ hasText: /replaces 2 lines by 7/ }).waitFor();
  await shot('comments');
  await page.keyboard.press('Control+J');
  // The editor hides such a message after some seconds; the palette leads to the changes too.
  if (await button('Review', 'Review').isVisible()) await button('Review', 'Review').click();
  else await command(page, 'Ralph: Show the Change at Hand');
  await at('3/5');
  await inSight(thread('change 3 of 5'));
  await shot('review');
}

/** All of it is on the screen, its new lines too. */
async function inSight(widget) {
  await until('it is in sight', async () => {
    const [box, editor] = await Promise.all([widget.boundingBox(), page.locator('.editor-instance').first().boundingBox()]);
    return box !== null && box.y >= editor.y && box.y + box.height <= editor.y + editor.height;
  });
}

/** The buttons of the status bar do what their keys do. */
async function statusBar() {
  await statusButton('ralph.next').click();
  await at('4/5');
  await statusButton('ralph.previous').click();
  await at('3/5');
  await statusButton('ralph.accept').hover();
  await shot('status-bar');
  await statusButton('ralph.accept').click();
  await at('4/5');
  await onScreen('longer = f"{text}-{word}" if text else word');
  await page.keyboard.press('Control+Z');
  await thread('change 3 of 5').waitFor({ state: 'attached' });
  await goToLine(page, 14, 1);
  await at('3/5');
}

/** One key accepts and goes on; undo brings back, redo takes; what is typed is no longer verified. */
async function keys() {
  await page.keyboard.press('Alt+Y');
  await onScreen('longer = f"{text}-{word}" if text else word');
  await at('4/5');
  assert.equal(read(file), original, 'an accepted change is in the buffer; saving is the person’s');
  await shot('accepted');
  await page.keyboard.press('Control+Z');
  await thread('change 3 of 5').waitFor({ state: 'attached' });
  assert.equal(await dirty(), 0, 'one undo leads back to the saved text');
  await shot('undone');
  await page.keyboard.press('Control+Y');
  await thread('change 3 of 5').waitFor({ state: 'detached' });
  await page.keyboard.type('#');
  await thread(/change 4 of 5 · NOT verified/).waitFor({ state: 'attached' });
  await shot('edited');
  await page.keyboard.press('Control+Z');
  await thread(/change 4 of 5 · 5 tests passed/).waitFor({ state: 'attached' });
  await page.keyboard.press('Alt+U');
  await at('2/5');
  // Without the import the rest does not hold: that is told, with the way to take it after all.
  await thread('change 2 of 5').locator('a[aria-label^="Reject Change"]').click();
  await toast(page, /Not green without change 2/).waitFor();
  await thread(/change 4 of 5 · Not green without change 2/).waitFor({ state: 'attached' });
  await shot('broken');
  await button(/Not green without change 2/, 'too').click();
  await onScreen('from letters import first_letters');
  await page.keyboard.press('Alt+J');
  await page.locator('.statusbar-item', { hasText: 'Ln 26, Col 1' }).waitFor();
  await at('4/5');
}

/** In another file, with words for the next try. */
async function rejectWithReason() {
  await page.keyboard.press('Alt+J');
  await at('5/5');
  await page.waitForSelector('.tab.active[data-resource-name="pages.py"]');
  await thread('change 5 of 5').locator('.review-thread-reply-button').click();
  await page.keyboard.type(REASON);
  await shot('reason');
  await thread('change 5 of 5').locator('.monaco-button', { hasText: 'Reject with a Reason' }).click();
  await page.locator('.review-widget', { hasText: 'change 5 of 5' }).waitFor({ state: 'detached' });
}

async function diffs() {
  await page.keyboard.press('Alt+O');
  const first = page.locator('.multiDiffEntry').first();
  await first.waitFor();
  await until('the target comes first', async () => (await first.textContent()).includes('slug.py'));
  await page.locator('.multiDiffEntry', { hasText: 'letters.py' }).locator('.view-line', { hasText: 'def first_letters' }).first().waitFor();
  await at('4/5'); // the cursor is on the right side, at its new lines
  await shot('diff-of-all');
  await quickOpen(page, 'slug.py');
  await command(page, 'Ralph: Open Diff of File');
  const diff = page.locator('.tab', { hasText: '↔ Ralph' });
  await diff.waitFor();
  await page.locator('.monaco-diff-editor .editor.modified .view-line', { hasText: 'first_letters(name)' }).locator('visible=true').first().waitFor();
  const left = page.locator('.monaco-diff-editor .editor.original .review-widget', { hasText: 'change 4 of 5' }).locator('visible=true');
  await left.locator('a[aria-label^="Accept Change"]').first().waitFor();
  await at('4/5');
  await shot('diff-of-file');
  await page.locator('.editor-actions a[aria-label^="Accept All Changes in File"]').click();
  await diff.waitFor({ state: 'detached' });
  await onScreen('return first_letters(name).upper()');
}

/** The rest of it: a new file. The side bar lists what was decided, and what waits. */
async function acceptAll() {
  await command(page, 'Ralph: Focus on Changes View');
  const rows = page.locator('.pane-body .monaco-list-row');
  await rows.filter({ hasText: /makes letters\.py/ }).waitFor();
  await rows.filter({ hasText: /replaces 2 lines by 7.*accepted/ }).waitFor();
  await rows.filter({ hasText: /replaces 1 line by 1.*rejected/ }).waitFor();
  await rows.filter({ hasText: /implement slug\.py.*proposed · \$0\.0/ }).waitFor();
  await shot('side-bar');
  // A new file to read, before there is one.
  await rows.filter({ hasText: /^letters\.py/ }).hover();
  await rows.filter({ hasText: /^letters\.py/ }).locator('a[aria-label^="Open Diff of File"]').click();
  await onScreen('def first_letters');
  await shot('new-file');
  await page.keyboard.press('Control+K');
  await page.keyboard.press('Alt+Y');
  await page.locator('.statusbar-item', { hasText: /^\s*Ralph \d\/5/ }).waitFor({ state: 'detached' });
  assert.equal(await page.locator('.review-widget').count(), 0, 'no thread is left');
  await page.locator('.tab', { hasText: 'Ralph: proposed changes' }).waitFor({ state: 'detached' });
  await page.locator('.tab.dirty[data-resource-name="letters.py"]').waitFor();
  // The whole set is taken back at once and waits again; one undo takes that back.
  await command(page, 'Ralph: Take Back All Accepted Changes');
  await toast(page, 'letters.py: new, so it stays').waitFor();
  await quickOpen(page, 'slug.py');
  await thread('change 3 of 5').waitFor({ state: 'attached' });
  await onScreen('return title.replace(" ", "-")');
  await shot('taken-back');
  await page.keyboard.press('Control+Z');
  await page.locator('.statusbar-item', { hasText: /^\s*Ralph \d\/5/ }).waitFor({ state: 'detached' });
  await command(page, 'File: Save All');
  await until('saved', async () => (await page.locator('.tab.dirty').count()) === 0);
  assert.equal(read(file), read(SCENARIO, 'expected/slug.py'));
  assert.equal(read(folder, 'pages.py'), read(SCENARIO, 'input/pages.py'));
  const tests = spawnSync(options.python, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider'], { cwd: folder, encoding: 'utf8' });
  log(tests.stdout.trim().split('\n').pop());
  assert.equal(tests.status, 0, tests.stdout);
  await command(page, 'Terminal: Create New Terminal');
  const terminal = page.locator('.terminal-wrapper .xterm-rows');
  await terminal.filter({ hasText: '$' }).first().waitFor();
  await page.keyboard.type('python -m pytest -q\n');
  await terminal.filter({ hasText: '5 passed' }).first().waitFor();
  await shot('green');
  await command(page, 'Terminal: Kill the Active Terminal Instance');
}

async function requestLog() {
  await command(page, 'Ralph: Show Request Log');
  await page.waitForSelector('.tab.active[data-resource-name="requests.md"]');
  await onScreen('## Critic · openai/critic'); // the newest first
  await onScreen('### Prompt');
  await shot('request-log');
  await command(page, 'View: Close Editor');
}

/** A run with an instruction loses its server; what was lost is told, and the run begins again. */
async function crash() {
  await quickOpen(page, 'slug.py');
  await goToLine(page, 14, 1);
  const before = model.requests.length;
  await command(page, 'Ralph: Implement…');
  await page.locator('.quick-input-widget input[placeholder*="What should be done"]').waitFor();
  await page.keyboard.type(INSTRUCTION);
  await shot('instruction');
  await page.keyboard.press('Enter');
  await until('the model was asked', () => model.requests.slice(before).some(({ model: name }) => name === 'artisan'));
  const asked = JSON.stringify(model.requests.at(-1));
  assert.ok(asked.includes(INSTRUCTION), 'the instruction reaches the model');
  assert.ok(asked.includes(REASON), 'a new run is told why a change was rejected');
  await page.locator('.statusbar-item', { hasText: /Ralph · Artisan/ }).waitFor();
  killServer();
  const lost = toast(page, /The run on slug\.py is lost/);
  await lost.waitFor();
  assert.match(await lost.textContent(), /is lost; (it had cost \$0\.\d+ when it last told|what it cost is not known)\./);
  await page.locator('.statusbar-item', { hasText: 'run lost' }).waitFor();
  await shot('lost');
  const again = model.requests.length;
  await lost.locator('.monaco-button', { hasText: 'Run Again' }).click();
  await until('the model was asked again', () => model.requests.slice(again).some(({ model: name }) => name === 'artisan'));
  await toast(page, /Artisan/).locator('.monaco-button', { hasText: 'Cancel' }).click();
  await until('no run in the status bar', async () => (await working()) === 0);
  assert.equal(read(file), read(SCENARIO, 'expected/slug.py'));
}

/** An ending without a change offers what can be done about it; what was asked before is offered again. */
async function ending() {
  await command(page, 'Ralph: Implement…');
  await page.locator('.quick-input-widget .monaco-list-row', { hasText: INSTRUCTION }).click();
  const told = toast(page, 'Try again');
  await told.waitFor();
  assert.match(await told.textContent(), /could not be used as an edit\. The last one: \w/, 'why it is stuck');
  assert.ok(await told.locator('.monaco-button', { hasText: 'Show run' }).isVisible());
  await shot('ending');
}

/** What is bound here is bound to nothing else by default. */
async function freeKeys() {
  await command(page, 'Preferences: Open Default Keyboard Shortcuts (JSON)');
  await page.waitForSelector('.tab.active[data-resource-name="keybindings.json"]');
  await page.locator('.editor-instance .view-line').first().click();
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Control+C');
  const text = await until('the default keys', async () => {
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    return copied.includes('"key"') ? copied : '';
  });
  const taken = new Map([...text.matchAll(/"key": "([^"]+)",\s*"command": "([^"]+)"/g)].map(([, key, name]) => [key.split('+').sort().join('+'), name]));
  assert.ok(taken.size > 300, `${taken.size} default keys`);
  const { keybindings } = JSON.parse(read(EXTENSION, 'package.json')).contributes;
  const clash = keybindings.map(({ key }) => taken.get(key.split('+').sort().join('+'))).filter((name) => name !== undefined && !name.startsWith('ralph.'));
  assert.deepEqual(clash, []);
}

await run([consentAndProgress, stream, review, statusBar, keys, rejectWithReason, diffs, acceptAll, requestLog, crash, ending, freeKeys]);
