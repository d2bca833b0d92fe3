// Times in the editor, for bench/vscode.py: from a key press to the first progress, from a run's end to the change on the
// screen, and what a stream costs the extension host. Prints one line of JSON that begins with "measured".
//
//   node measure.mjs OPTIONS.json     as e2e.mjs, and {rounds, streamSeconds}
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { chooseAction, goToLine, quickOpen, toast, until } from './lib.mjs';
import { begin, configuration, KEY, reply } from './session.mjs';

const options = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const endless = 'x = 1  # a long thought\n'.repeat(20_000);
const right = reply('artisan-2.md');
const session = await begin(options, {
  script: { artisan: [...Array(options.rounds).fill(right), endless], critic: [reply('critic.md')], librarian: [reply('librarian.md')], chaos: ['none'] },
  pause: 15,
  config: (url) => configuration(`, api_base: ${url}, api_key: "\${SCRIPTED_KEY}"`,
    'testing: {adversarial_tests: false, control: "off"}\nloop: {critic: never, librarian: never}\nlitellm: {enable_caching: false}\n'),
  settings: { 'ralph.server.command': options.server },
  env: () => ({ SCRIPTED_KEY: KEY }),
});
const { page, working, run, button } = session;
const measured = { progressMs: [], paletteMs: [], widgetMs: [], idleCpuS: 0, streamCpuS: 0, deltas: 0 };

/** Notes in the page when each of the selectors first fits, in milliseconds from now on; 0 where it does already. One that
 * names another is looked for after that one was seen: the status bar still shows how the run before ended. */
const watch = (selectors) => page.evaluate((given) => {
  const from = performance.now();
  window.seen = {};
  const look = () => {
    for (const [name, selector, text, after] of given) {
      if (after !== undefined && !(after in window.seen)) continue;
      const fits = [...document.querySelectorAll(selector)].some((node) => new RegExp(text).test(node.textContent));
      if (fits && !(name in window.seen)) window.seen[name] = performance.now() - from;
    }
  };
  window.watching?.disconnect();
  window.watching = new MutationObserver(look);
  window.watching.observe(document.body, { childList: true, subtree: true, attributes: true, characterData: true });
  look();
}, selectors);
const seen = (name) => until(name, () => page.evaluate((key) => window.seen[key], name));
const idle = () => until('no run', async () => (await working()) === 0);

async function rounds() {
  await quickOpen(page, 'slug.py');
  for (let round = 0; round < options.rounds; round += 1) {
    await goToLine(page, 14, 1);
    await watch([['palette', '.quick-input-widget:not([style*="display: none"])', '']]);
    await page.keyboard.press('F1');
    measured.paletteMs.push(await seen('palette'));
    await page.keyboard.press('Escape');
    await chooseAction(page, 'Ralph: implement');
    await watch([
      ['progress', '.notification-toast', 'Ralph'],
      ['working', '.statusbar-item', '^\\s*Ralph · [A-Z]'],
      ['ended', '.statusbar-item', '^\\s*Ralph · \\$', 'working'],
      ['widget', '.review-widget', 'tests? passed', 'working'],
    ]);
    await page.keyboard.press('Enter');
    if (round === 0) await button('python -m pytest -q', 'Always for this command').click();
    else measured.progressMs.push(await seen('progress'));
    await idle();
    await toast(page, 'Review').first().waitFor();
    await button('Review', 'Review').first().click();
    measured.widgetMs.push(Math.max(0, (await seen('widget')) - (await seen('ended'))));
    await page.keyboard.press('Control+K');
    await page.keyboard.press('Alt+X');
    await page.locator('.review-widget').first().waitFor({ state: 'detached' });
  }
}

/** CPU seconds of the extension host so far. */
function cpuS() {
  const found = execFileSync('pgrep', ['-f', `${options.work}.*type=extensionHost|type=extensionHost`], { encoding: 'utf8' }).trim().split('\n');
  const own = found.filter((pid) => { try { return fs.readFileSync(`/proc/${pid}/environ`, 'utf8').includes(options.work); } catch { return false; } });
  return own.reduce((sum, pid) => {
    const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) / 100;
  }, 0);
}

async function stream() {
  const during = async () => {
    const before = cpuS();
    await new Promise((resolve) => setTimeout(resolve, options.streamSeconds * 1000));
    return cpuS() - before;
  };
  measured.idleCpuS = await during();
  await goToLine(page, 14, 1);
  await chooseAction(page, 'Ralph: implement');
  await page.keyboard.press('Enter');
  await page.locator('.statusbar-item', { hasText: /Ralph · Artisan/ }).waitFor();
  measured.streamCpuS = await during();
  await toast(page, /Artisan/).locator('.monaco-button', { hasText: 'Cancel' }).click();
  await idle();
  console.log(`measured ${JSON.stringify(measured)}`);
}

await run([rounds, stream]);
