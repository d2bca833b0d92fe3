// Puts stock VS Code's rule on proposed API back into code-server, which allows all of it to every extension
// (its patches/proposed-api.diff), so that a test cannot pass on API that people's VS Code refuses.
import fs from 'node:fs';
import path from 'node:path';

const out = path.join(process.argv[2], 'node_modules/code-server/lib/vscode/out');

// Each bundle with a call that is sure to be one of isProposedApiEnabled: it yields the minified name.
const BUNDLES = [
  ['vs/workbench/api/node/extensionHostProcess.js', /_isAdditionsProposedApiEnabled=([\w$]+)\(/],
  ['vs/workbench/api/worker/extensionHostWorkerMain.js', /_isAdditionsProposedApiEnabled=([\w$]+)\(/],
  ['vs/code/browser/workbench/workbench.js', /[^\w$]([\w$]+)\([\w$.]+,"contribStatusBarItems"\)/],
];

for (const [bundle, use] of BUNDLES) {
  const file = path.join(out, bundle);
  const source = fs.readFileSync(file, 'utf8');
  const name = source.match(use)?.[1];
  if (!name) throw new Error(`${bundle}: no use of isProposedApiEnabled found`);
  const quoted = name.replace(/\$/g, '\\$');
  if (new RegExp(`function ${quoted}\\((\\w+),(\\w+)\\)\\{return!!\\1\\.enabledApiProposals`).test(source)) {
    console.log(bundle, 'already strict');
    continue;
  }
  const lax = new RegExp(`function ${quoted}\\((\\w+),(\\w+)\\)\\{return!0\\}`, 'g');
  const hits = source.match(lax) ?? [];
  if (hits.length !== 1) throw new Error(`${bundle}: ${hits.length} definitions of ${name}`);
  const strict = `function ${name}($1,$2){return!!$1.enabledApiProposals&&$1.enabledApiProposals.includes($2)}`;
  // The name may hold "$", which String.replace would read as a reference.
  fs.writeFileSync(file, source.replace(lax, strict.replace(name, name.replace(/\$/g, '$$$$'))));
  console.log(bundle, hits[0], '-> strict');
}
