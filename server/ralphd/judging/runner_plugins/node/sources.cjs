// How the modules of vitest and ava are changed while Node loads them: each hands what it sees to our reporter too.
"use strict";

const path = require("path");
const { pathToFileURL } = require("url");

const ours = (name) => JSON.stringify(pathToFileURL(path.join(__dirname, name)).href);

const CHANGES = [
  [
    /\/vitest\/dist\/(?:chunks\/)?[\w.-]+\.js$/,
    /function createReporters\((\w+), (\w+)\) \{/,
    (source, [head, list, vitest]) =>
      `import RalphdReporter from ${ours("for_vitest.mjs")};\n` +
      source.replace(head, `${head} ${list} = [...${list}, new RalphdReporter(${vitest})];`),
  ],
  [
    /\/@vitest\/runner\/dist\/[\w.-]+\.js$/,
    /async function startTests\(\w+, (\w+)\) \{/,
    (source, [head, runner]) =>
      `import ralphdReach from ${ours("reach.cjs")};\n` + source.replace(head, `${head} ralphdReach.watchVitest(${runner});`),
  ],
  [
    /\/ava\/lib\/api\.js$/,
    /export default class (\w+) /,
    (source, [, name]) => `import { watch as ralphdWatch } from ${ours("for_ava.mjs")};\n${source}\nralphdWatch(${name});\n`,
  ],
];

function changed(url, loaded) {
  for (const [file, place, change] of CHANGES) {
    if (!file.test(url) || loaded.format !== "module" || !loaded.source) continue;
    const source = typeof loaded.source === "string" ? loaded.source : Buffer.from(loaded.source).toString("utf8");
    const found = place.exec(source);
    if (found) return { ...loaded, source: change(source, found) };
  }
  return loaded;
}

const loadSync = (url, context, nextLoad) => changed(url, nextLoad(url, context));

module.exports = { changed, loadSync };
