import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { serverOptions, type Declared, type Values } from '../options';

const declared: Record<string, Declared> = {
  'ralph.server.command': { scope: 'machine' },
  'ralph.trace.server': { scope: 'window' },
  'ralph.loop.max_iterations': { scope: 'resource' },
  'ralph.review': {},
  'ralph.api_keys': { scope: 'machine' },
  'ralph.models': { scope: 'resource' },
  'ralph.models.artisan': { scope: 'resource' },
  'other.setting': {},
};

function read(values: Record<string, Values>): ReturnType<typeof serverOptions> {
  return serverOptions(declared, (id) => values[id]);
}

test('what nobody set is not told, so that the defaults stay the server’s', () => {
  assert.deepEqual(read({ 'ralph.review': {}, 'ralph.loop.max_iterations': { globalValue: null } }), { settings: {}, userSettings: {} });
});

test('the narrower level wins', () => {
  const all = { globalValue: 'apply', workspaceValue: 'pending', workspaceFolderValue: 'preview' };
  assert.deepEqual(read({ 'ralph.review': all }).settings, { review: 'preview' });
  assert.deepEqual(read({ 'ralph.review': { globalValue: 'apply', workspaceValue: 'pending' } }).settings, { review: 'pending' });
  assert.deepEqual(read({ 'ralph.review': { globalValue: false, workspaceValue: undefined } }).settings, { review: false });
});

test('a machine setting goes to userSettings, and never from a workspace', () => {
  const options = read({ 'ralph.api_keys': { globalValue: { openai: '${A}' }, workspaceValue: { openai: '${B}' } } });
  assert.deepEqual(options, { settings: {}, userSettings: { api_keys: { openai: '${A}' } } });
  assert.deepEqual(read({ 'ralph.api_keys': { workspaceValue: { openai: '${B}' } } }), { settings: {}, userSettings: {} });
});

test('dotted ids become nested keys', () => {
  assert.deepEqual(read({ 'ralph.loop.max_iterations': { workspaceValue: 3 } }).settings, { loop: { max_iterations: 3 } });
});

test('a setting and one inside it join, the inner one winning, and the editor’s own objects stay as they are', () => {
  const models = { artisan: { model: 'a' }, critic: { model: 'c' } };
  const values: Record<string, Values> = {
    'ralph.models': { globalValue: models },
    'ralph.models.artisan': { globalValue: { model: 'b' } },
  };
  const expected = { models: { artisan: { model: 'b' }, critic: { model: 'c' } } };
  assert.deepEqual(read(values).settings, expected);
  const reversed = serverOptions(Object.fromEntries(Object.entries(declared).reverse()), (id) => values[id]);
  assert.deepEqual(reversed.settings, expected);
  assert.deepEqual(models.artisan, { model: 'a' });
});

test('the extension’s own settings and those of others stay here', () => {
  const set = { globalValue: 'x' };
  assert.deepEqual(read({ 'ralph.server.command': set, 'ralph.trace.server': set, 'other.setting': set }), { settings: {}, userSettings: {} });
});

test('the manifest holds to the rules that the code counts on', () => {
  const manifest = JSON.parse(fs.readFileSync('package.json', 'utf8'));
  assert.equal('enabledApiProposals' in manifest, false, 'stock VS Code refuses proposed API to published extensions');
  const ids: string[] = manifest.contributes.commands.map((command: { command: string }) => command.command);
  assert.deepEqual(ids.filter((id) => id.startsWith('ralph.server.')), [], 'the language client registers these itself');
  const sections = [manifest.contributes.configuration].flat();
  const properties = Object.assign({}, ...sections.map((section: { properties: object }) => section.properties));
  assert.equal(properties['ralph.server.command'].scope, 'machine', 'a workspace must not choose the program that is run');
  assert.ok(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations.includes('ralph.server.command'));
});
