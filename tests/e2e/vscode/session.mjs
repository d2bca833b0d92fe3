// What each flow of this folder begins with: a scripted model, a copy of the scenario's project, the person's configuration, and
// the editor on it. Knows Ralph's names on the screen.
import fs from 'node:fs';
import path from 'node:path';
import { editorText, launch, log, toast, until } from './lib.mjs';
import { scriptedModel } from './scripted-model.mjs';

const HERE = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
export const SCENARIO = path.join(HERE, 'scenario');
export const EXTENSION = path.join(HERE, '../../../vscode-extension');
export const KEY = 'sk-scripted-0123456789abcdef';
const ROLES = ['artisan', 'critic', 'librarian', 'chaos'];

export const read = (...names) => fs.readFileSync(path.join(...names), 'utf8');
export const reply = (name) => read(SCENARIO, 'replies', name);

/** The person's configuration: each role's model is named after the role; `more` is what a role's line has beside its name. */
export const configuration = (more, rest = 'testing: {adversarial_tests: false}\n') =>
  `models:\n${ROLES.map((name) => `  ${name}: {model: openai/${name}${more}}\n`).join('')}`
  + `prices:\n${ROLES.map((name) => `  openai/${name}: {input_usd_per_mtok: 2.0, output_usd_per_mtok: 8.0}\n`).join('')}${rest}`;

/**
 * @param options what test_vscode.py wrote: {vsix, host, work, shots, server: [argv], env: {…}}
 * @param project the folder that is copied and opened
 * @param script the model's answers, for each role
 * @param pause milliseconds between the streamed pieces of an answer
 * @param config the text of the person's configuration, made with the model's address
 * @param settings of machine scope
 * @param env further variables of the server, made with the model's address
 * @param args further arguments of the editor
 * @param programs {name: lines of sh}: what a terminal of this person finds before all others
 */
export async function begin(options, { project = path.join(SCENARIO, 'input'), script, pause = 20, config, settings = {}, env = () => ({}), args = [], programs }) {
  const model = await scriptedModel(script, { pause, key: KEY });
  fs.mkdirSync(options.shots, { recursive: true });
  fs.rmSync(path.join(options.shots, 'failure.png'), { force: true });
  fs.mkdirSync(options.work, { recursive: true });
  const folder = path.join(options.work, 'pages');
  fs.rmSync(folder, { recursive: true, force: true });
  fs.cpSync(project, folder, { recursive: true });
  const xdg = (name) => path.join(options.work, 'xdg', name);
  fs.rmSync(xdg(''), { recursive: true, force: true });
  fs.mkdirSync(path.join(xdg('config'), 'ralphd'), { recursive: true });
  fs.writeFileSync(path.join(xdg('config'), 'ralphd/config.yaml'), config(model.url));
  const editor = await launch({
    host: options.host,
    work: path.join(options.work, 'editor'),
    folder,
    vsix: options.vsix,
    machineSettings: settings,
    env: {
      XDG_CONFIG_HOME: xdg('config'),
      XDG_CACHE_HOME: xdg('cache'),
      XDG_STATE_HOME: xdg('state'),
      XDG_DATA_HOME: xdg('data'),
      ...options.env,
      ...env(model.url),
    },
    args,
    programs,
  });
  let step = 0;
  const session = {
    model,
    editor,
    /** The window that is looked at; a flow that opens another one puts that here. */
    page: editor.page,
    folder,
    xdg,
    shot: async (name) => {
      step += 1;
      const file = path.join(options.shots, `${String(step).padStart(2, '0')}-${name}.png`);
      await session.page.screenshot({ path: file, animations: 'disabled' }); // what fades in is there already
      log(`step ${step}: ${name}`);
    },
    /** Goes through the parts, and closes everything. RALPHD_E2E_PARTS names those to go through, by commas. */
    run: async (parts) => {
      const wanted = process.env.RALPHD_E2E_PARTS?.split(',');
      try {
        for (const part of parts.filter(({ name }) => wanted === undefined || wanted.includes(name))) {
          log(part.name);
          await part();
        }
        const outside = [...editor.outside];
        if (outside.length > 0) throw new Error(`another machine was asked: ${outside}`);
        log('all steps passed');
      } catch (error) {
        await session.page.screenshot({ path: path.join(options.shots, 'failure.png') }).catch(() => {});
        log(`failed after step ${step}:`, error);
        process.exitCode = 1;
      } finally {
        await editor.close();
        model.close();
      }
    },
    onScreen: (text) => until(`on the screen: ${text}`, async () => (await editorText(session.page)).includes(text)),
    thread: (text) => session.page.locator('.review-widget', { hasText: text }),
    /** Waits until the status bar says which change is at hand. */
    at: (place) => session.page.locator('.statusbar-item', { hasText: new RegExp(`^\\s*Ralph ${place}\\s*$`) }).waitFor(),
    /** A button of the status bar, by the command that it stands for. */
    statusButton: (command) => session.page.locator(`.statusbar-item[id$=".${command}"] a`),
    dirty: () => session.page.locator('.tab.active.dirty').count(),
    working: () => session.page.locator('.statusbar-item .codicon-sync').count(),
    /** The process of the server has the test's own folder in its environment. */
    killServer: () => {
      const mine = (pid) => {
        try {
          return read('/proc', pid, 'environ').includes(options.work) && / -P .* serve $/.test(read('/proc', pid, 'cmdline').split('\0').join(' '));
        } catch { return false; } // it has gone meanwhile
      };
      process.kill(Number(fs.readdirSync('/proc').find((name) => /^\d+$/.test(name) && mine(name))), 'SIGKILL');
    },
    button: (message, label) => toast(session.page, message).locator('.monaco-button', { hasText: label }),
  };
  return session;
}
