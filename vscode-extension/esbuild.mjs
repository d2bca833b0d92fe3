// Bundles the extension, and its tests, and puts beside the bundle what a package of it has to carry.
import * as esbuild from 'esbuild';
import fs from 'node:fs';
import path from 'node:path';

const flags = new Set(process.argv.slice(2));
const common = { bundle: true, platform: 'node', target: 'node20', sourcemap: 'linked', logLevel: 'warning' };

if (flags.has('--tests')) {
  fs.rmSync('out/test', { recursive: true, force: true });
  const tests = fs.readdirSync('src/test').filter((name) => name.endsWith('.test.ts'));
  // ESM, and "vscode" left unresolvable: a file with logic that reaches for the editor fails here.
  await esbuild.build({
    ...common,
    entryPoints: tests.map((name) => path.join('src/test', name)),
    outdir: 'out/test',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
  });
} else {
  const options = {
    ...common,
    entryPoints: ['src/extension.ts'],
    outfile: 'out/extension.js',
    format: 'cjs',
    external: ['vscode'],
    minify: flags.has('--production'),
    sourcemap: flags.has('--production') ? false : 'linked',
    metafile: true,
  };
  if (flags.has('--watch')) {
    await (await esbuild.context(options)).watch();
  } else {
    const { metafile } = await esbuild.build(options);
    fs.writeFileSync('out/THIRD_PARTY_LICENSES.txt', licences(metafile));
    fs.copyFileSync('../docs/images/vscode.png', 'walkthrough/review.png');
  }
}

// The bundle holds other people's code, whose licences ask for their notice to travel with it.
function licences(metafile) {
  const folders = new Set();
  for (const input of Object.keys(metafile.inputs)) {
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match) folders.add(match[1]);
  }
  return [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
    const file = fs.readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${name} is bundled but ships no licence text`);
    return `${name} ${version} (${license})\n\n${fs.readFileSync(path.join(folder, file), 'utf8').trim()}\n`;
  }).join(`\n${'-'.repeat(80)}\n\n`);
}
