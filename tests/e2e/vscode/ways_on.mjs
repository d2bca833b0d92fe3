// Endings that stop a run, and the button of each that takes it further: no test command, a command that was forbidden, a
// budget, no model. Parts of opinions.mjs, whose server they use.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { command, goToLine, log, quickOpen, toast, until } from './lib.mjs';
import { read } from './session.mjs';

/** Stands in for the home of the embedded model's weights: answers with parts of a small file of the same name. */
export async function weightsHome(file) {
  fs.writeFileSync(file, 'no model at all\n'.repeat(300));
  const content = fs.readFileSync(file);
  const asked = [];
  const server = http.createServer((request, response) => {
    asked.push(request.headers.range);
    const [start, end] = /bytes=(\d+)-(\d+)/.exec(request.headers.range).slice(1).map(Number);
    response.writeHead(206, { 'content-range': `bytes ${start}-${end}/${content.length}`, 'content-length': end + 1 - start });
    response.end(content.subarray(start, end + 1));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return { url: `http://127.0.0.1:${server.address().port}/weights.gguf`, size: content.length, asked };
}

/**
 * @param configure writes the person's configuration: (its text, made with nothing of another one)
 * @param models what such a text begins with, for the scripted models to answer
 * @param home what weightsHome gave
 */
export function waysOn({ page, folder, xdg, shot, thread, button }, { configure, models, home }) {
  const find = (...given) => page.locator(...given);
  const press = (key) => page.keyboard.press(key);
  const own = path.join(folder, 'ralph.config.yaml');
  const usual = 'loop: {critic: never, librarian: never}\nopinions: {use: never}\nlitellm: {enable_caching: false}\n';

  async function implement() {
    // An open list of notifications keeps every later one from being shown as a message, and so do three older messages.
    await command(page, 'Notifications: Clear All Notifications');
    await quickOpen(page, 'shares.py');
    await goToLine(page, 4, 5);
    await command(page, 'Ralph: Implement…');
    await find('.quick-input-widget input[placeholder*="What should be done"]').waitFor();
    await press('Enter');
  }

  /** A button of a message, wherever the editor has it: after some seconds it moves one that nobody answered to its bell. */
  async function atHand(label) {
    const told = button(label, label);
    try {
      await told.waitFor({ timeout: 30_000 });
      return told;
    } catch {
      await command(page, 'Notifications: Show Notifications');
      const kept = find('.notifications-center .notification-list-item', { hasText: label }).locator('.monaco-button', { hasText: label });
      await kept.waitFor();
      return kept;
    }
  }

  /** The line of the active editor that the cursor is in, by the status bar. */
  const inLine = (line) => find('.statusbar-item', { hasText: `Ln ${line}, Col 1` }).waitFor();

  /** Nothing verified it, in a project whose tests are plainly run by a known command: the button writes that down. */
  async function useTestCommand() {
    configure(models + 'testing: {adversarial_tests: false}\n' + usual);
    await implement();
    await thread(/· NOT verified/).first().waitFor({ state: 'attached' });
    await shot('not-verified');
    await button('no test command is set', 'Use `python -m pytest -q`').click();
    await until('the project has a configuration', () => fs.existsSync(own));
    assert.equal(read(own), 'testing:\n  command: ["python", "-m", "pytest", "-q"]\n');
    await toast(page, 'Tests are run by `python -m pytest -q` now').waitFor();
    await shot('test-command');
  }

  /** The run begins again, and asks for consent to the command. Forbidden, it ends; its button allows it after all. */
  async function allowCommand() {
    await (await atHand('Never')).click();
    const allow = await atHand('Always allow this command');
    await shot('forbidden');
    await allow.click();
    await thread(/2 tests passed/).first().waitFor({ state: 'attached' });
    await shot('allowed');
  }

  async function rejectInDiff() {
    const before = read(folder, 'shares.py');
    await command(page, 'Ralph: Open Diff of File');
    const diff = find('.tab', { hasText: '↔ Ralph' });
    await diff.waitFor();
    await find('.monaco-diff-editor .editor.modified .view-line', { hasText: 'return 0.0' }).locator('visible=true').first().waitFor();
    const reject = find('.editor-actions a[aria-label^="Reject All Changes in File"]');
    await reject.hover();
    await shot('reject-in-diff');
    await reject.click();
    await diff.waitFor({ state: 'detached' });
    await find('.review-widget').waitFor({ state: 'detached' });
    await quickOpen(page, 'shares.py');
    assert.equal(await find('.tab.dirty').count(), 0, 'nothing of it is in the buffer');
    assert.equal(read(folder, 'shares.py'), before);
  }

  /** The real figures, and the place where the limit stands. */
  async function raiseBudget() {
    configure(models + usual + 'budget:\n  usd_per_run: 0.00002\n');
    await implement();
    const told = toast(page, 'Raise budget.usd_per_run');
    await told.waitFor();
    const text = await told.textContent();
    assert.match(text, /\$0\.00002/);
    assert.doesNotMatch(text, /\$0\.00\b/);
    log(text);
    await shot('budget');
    await told.locator('.monaco-button', { hasText: 'Raise budget.usd_per_run' }).click();
    await page.waitForSelector('.tab.active[data-resource-name="config.yaml"]');
    await inLine(read(xdg('config'), 'ralphd/config.yaml').split('\n').indexOf('  usd_per_run: 0.00002') + 1);
    await shot('budget-setting');
    await command(page, 'View: Close Editor');
  }

  /** Where no file names a model, one is chosen in the editor's own settings. */
  async function chooseModel() {
    configure(usual);
    await implement();
    await button('Fetch it', 'Choose a model').click();
    await find('.settings-editor .setting-item-contents', { hasText: 'Models: Default' }).first().waitFor();
    await shot('model-setting');
    await until('the settings are closed', async () => {
      await press('Escape');
      return (await find('.monaco-modal-editor-block, .modal-editor, .settings-editor:visible').count()) === 0;
    });
  }

  /** What a message has no room for is in the list that its last button opens; here the record of the run. */
  async function moreThanButtons() {
    await implement();
    await button('Fetch it', 'More…').click();
    const row = find('.quick-input-list .monaco-list-row', { hasText: 'Show run' });
    await row.waitFor();
    await shot('more');
    await row.click();
    await find('.tab.active', { hasText: /run/i }).waitFor();
    await shot('show-run');
    await command(page, 'View: Close Editor');
  }

  async function fetchModel() {
    await implement();
    const told = toast(page, 'Fetch it (1.1 GB)');
    await told.waitFor();
    await shot('no-model');
    assert.equal(home.asked.length, 0, 'nothing is fetched unasked');
    await told.locator('.monaco-button', { hasText: 'Fetch it (1.1 GB)' }).click();
    await toast(page, 'The embedded model is here').waitFor();
    await shot('model-fetched');
    const weights = path.join(xdg('cache'), 'ralphd/models');
    const there = fs.readdirSync(weights).filter((name) => name.endsWith('.gguf')).map((name) => fs.statSync(path.join(weights, name)).size);
    assert.deepEqual(there, [home.size]);
  }

  return [useTestCommand, allowCommand, rejectInDiff, raiseBudget, chooseModel, moreThanButtons, fetchModel];
}
