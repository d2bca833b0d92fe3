// Loaded by NODE_OPTIONS into every Node process of a test command: adds our reporter to the test runner that the
// process turns out to be, beside the person's own reporters, and does nothing to any other process.
"use strict";

const Module = require("module");
const path = require("path");
const { isMainThread } = require("worker_threads");

const channel = require("./channel.cjs");
const { measuring } = require("./reach.cjs");

const REPORTER = require("url").pathToFileURL(path.join(__dirname, "for_node_test.mjs")).href;
const REPORTER_OPTIONS = new RegExp(` --test-reporter=${REPORTER.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")} .*?--test-reporter=spec \\S+`);

/** CommonJS files of runners, and what is done to them once they are loaded. */
const RUNNERS = [
  [/[\\/]jest-config[\\/]build[\\/]index\.js$/, "./for_jest.cjs"],
  [/[\\/]mocha[\\/]lib[\\/]mocha\.js$/, "./for_mocha.cjs"],
  [/[\\/]tape[\\/]lib[\\/]results\.js$/, "./for_tape.cjs"],
];

/** Runners made of ECMAScript modules: they have to be changed while they are loaded. */
const MODULES = /[\\/](?:vitest|ava)[\\/]/;

const VITE = /[\\/](?:vite|vitest)[\\/]/;

function watchRequire() {
  const original = Module._extensions[".js"];
  Module._extensions[".js"] = function load(module, filename) {
    original.apply(this, arguments);
    const found = RUNNERS.find(([file]) => file.test(filename));
    if (found) require(found[1]).watch(module);
  };
}

function watchImport() {
  if (Module.registerHooks) Module.registerHooks({ load: require("./sources.cjs").loadSync });
  else if (Module.register) Module.register(require("url").pathToFileURL(path.join(__dirname, "sources.mjs")));
}

/** Vite bundles its configuration into node_modules, which is read-only here. Where it may not write there (EACCES), it
 * writes beside the configuration; it has no answer to a read-only file system (EROFS). */
function answerVite() {
  const { promises } = require("fs");
  const { mkdir } = promises;
  promises.mkdir = async function (place) {
    if (!/[\\/]node_modules[\\/]\.vite-temp[\\/]?$/.test(String(place))) return mkdir.apply(this, arguments);
    throw Object.assign(new Error(`EACCES: permission denied, mkdir '${place}'`), { code: "EACCES" });
  };
}

/** The words of the command without its test files: what Node's own runner is to run instead is named after them. */
function withFiles(words) {
  const asked = channel.selected();
  if (!asked) return words;
  return [...words.filter((word) => word.startsWith("-")), ...asked.files];
}

/** `node --test` wants as many destinations as reporters, ours included. Where the command names its own, we start the
 * same command again with ours spelt out beside them, and end as it ends. */
function startedAgain(hasOurs) {
  const { execArgv } = process;
  const reporters = execArgv.filter((word) => /^--test-reporter(?:=|$)/.test(word)).length;
  if ((hasOurs && !channel.selected()) || !(reporters || execArgv.includes("--test")) || execArgv.some((word) => word.includes(REPORTER))) return;
  const added = [`--test-reporter=${REPORTER}`, "--test-reporter-destination=stdout"];
  if (!reporters) added.push("--test-reporter=spec", "--test-reporter-destination=stdout");
  else if (!execArgv.some((word) => word.startsWith("--test-reporter-destination"))) {
    added.unshift("--test-reporter-destination=stdout"); // where their only reporter writes anyway
  }
  const argv = [...execArgv, ...added, ...withFiles(process.argv.slice(1))];
  const done = require("child_process").spawnSync(process.execPath, argv, { stdio: "inherit" });
  if (done.signal) process.kill(process.pid, done.signal);
  process.exit(done.status ?? 1);
}

if (isMainThread && process.env.RALPHD_REPORT_DIR && !process.env.NODE_TEST_CONTEXT) {
  const options = process.env.NODE_OPTIONS ?? "";
  process.env.NODE_OPTIONS = options.replace(REPORTER_OPTIONS, "");
  startedAgain(process.env.NODE_OPTIONS !== options);
  watchRequire();
  if (VITE.test(channel.main())) answerVite();
  if (MODULES.test(channel.main())) watchImport();
  // Node's own runner: no file of the project may be loaded before the session is taken.
  if (process.execArgv.includes("--test")) channel.take()?.begin();
}

// At the baseline every process and thread of the run tells which files it loaded.
const STARTERS = /[\\/](?:npm|pnpm|yarn|corepack)[\\/]/;
if (!STARTERS.test(channel.main()) && measuring(channel.settings()) && !process.env.RALPHD_REPORT_DIR && /[\\/](?:vitest|tinypool)[\\/]/.test(channel.main())) watchImport();
