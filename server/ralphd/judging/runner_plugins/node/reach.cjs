// Which test files load the target: V8's own coverage, on at the baseline only. Every process and worker thread of the
// test command notes the files that ran in it; the reporter reads the notes where it sends its report. That is the
// person's own code: nothing here has to withstand a candidate.
//
// Where a process runs one test file, V8 is asked at its end what it knows in any case, which costs the tests nothing. Where
// it runs several, what each of them entered is told apart by V8's binary coverage, from `begin` on: it counts no calls
// (then V8 would optimize nothing, and a test that calculates would take ten times as long), but inlines no function before
// the first look at it. A look takes some milliseconds: so the looks are at the ends of test files, not of tests.
"use strict";

const fs = require("fs");
const path = require("path");
const v8 = require("v8");
const { threadId } = require("worker_threads");

const MOST_NOTES = 10_000;
const SCRIPT = /\.[cm]?[jt]sx?$/;

class Reach {
  constructor(settings) {
    this.root = settings.root;
    this.target = settings.target;
    this.folder = settings.notes;
    this.spawned = false;
    this.begun = false;
    this.count = 0;
    // What is known of a function is noted from its first call on, and kept.
    v8.setFlagsFromString("--no-lazy-feedback-allocation");
    v8.setFlagsFromString("--no-flush-bytecode");
    const { Session } = require("inspector");
    this.session = new Session();
    this.session.connect();
    this.session.post("Profiler.enable");
    this.watchProcesses();
  }

  /** What ran so far belongs to others. */
  begin() {
    this.spawned = false;
    this.session.post("Profiler.stopPreciseCoverage");
    this.session.post("Profiler.startPreciseCoverage", { callCount: false, detailed: false });
    this.begun = true;
  }

  /** A test that starts a process may reach the target there, in another language or under another reporter. */
  watchProcesses() {
    const children = require("child_process");
    const seen = () => {
      this.spawned = true;
    };
    for (const [owner, name] of [[children.ChildProcess.prototype, "spawn"], [children, "spawnSync"], [children, "execFileSync"], [children, "execSync"]]) {
      const original = owner[name];
      owner[name] = function (...given) {
        seen();
        return original.apply(this, given);
      };
    }
    require("module").syncBuiltinESMExports();
  }

  /** The files of the workspace in which a function was called since `begin`; before it, those that were loaded. */
  look() {
    const files = new Set();
    this.session.post(this.begun ? "Profiler.takePreciseCoverage" : "Profiler.getBestEffortCoverage", (error, found) => {
      for (const script of found?.result ?? []) {
        if (!/^(?:file:|\/)/.test(script.url) || script.url.includes("node_modules")) continue;
        if (!this.begun || script.functions.some((one) => one.ranges[0].count > 0)) files.add(fileOf(script.url));
      }
    });
    // A module that has no function any more, but constants, is none of V8's; where it is CommonJS, Node knows it.
    if (!this.begun && require.cache[this.target]) files.add(this.target);
    const { spawned, begun } = this;
    this.spawned = false;
    return { files: [...files], spawned, begun };
  }

  /** Whether the target was entered since `begin`; null where that cannot be told. */
  entered() {
    const { files, spawned } = this.look();
    return files.includes(this.target) ? true : spawned ? null : false;
  }

  /** Keep what was seen since `begin`; `file`: a test file that is known to have run. */
  note(file = "") {
    const seen = this.look();
    if (file) seen.files = [...new Set([...seen.files, fileOf(file)])];
    try {
      fs.mkdirSync(this.folder, { recursive: true });
      fs.writeFileSync(path.join(this.folder, `${process.pid}-${threadId}-${this.count++}`), JSON.stringify(seen));
    } catch {
      // A full disk: those tests stay unknown.
    }
  }

  /** `reached` of each test that has none: whether its file was seen to load the target, as far as that can be told. */
  annotate(tests) {
    this.note();
    const notes = fs.readdirSync(this.folder).slice(0, MOST_NOTES);
    const seen = notes.map((name) => JSON.parse(fs.readFileSync(path.join(this.folder, name), "utf8")));
    const fileOfTest = (test) => path.resolve(this.root, test.nodeid.split("::")[0]);
    const testFiles = new Set(tests.map(fileOfTest).map(fileOf));
    // Nobody loaded it, or it consists of constants that were forgotten since.
    const unseen = seen.some(({ begun }) => !begun) && !seen.some(({ files }) => files.includes(this.target));
    const elsewhere = seen.some(({ files }) => files.includes(this.target) && !files.some((file) => testFiles.has(file)));
    const known = new Map();
    for (const file of testFiles) {
      const of = seen.filter(({ files }) => files.includes(file));
      const loads = of.filter(({ files }) => files.includes(this.target));
      const alone = loads.some(({ files }) => files.filter((one) => testFiles.has(one)).length === 1);
      const unknown = unseen || loads.length || !of.length || elsewhere || of.some(({ spawned }) => spawned);
      known.set(file, alone ? true : unknown ? null : false);
    }
    for (const test of tests) test.reached ??= known.get(fileOf(fileOfTest(test))) ?? null;
  }
}

const real = new Map();

function fileOf(place) {
  let found = real.get(place);
  if (found === undefined) {
    found = place;
    try {
      found = fs.realpathSync(place.startsWith("file:") ? require("url").fileURLToPath(place.split(/[?#]/)[0]) : place.split("?")[0]);
    } catch {
      // Code that was made up while the program ran.
    }
    real.set(place, found);
  }
  return found;
}

let reach;

/** The measurement of this process or thread; null where none is wanted, or where this process has no inspector. */
function measuring(settings) {
  if (reach !== undefined) return reach;
  reach = null;
  if (!SCRIPT.test(settings.target ?? "")) return reach;
  try {
    reach = new Reach({ ...settings, target: fileOf(settings.target) });
    process.on("exit", () => reach.note());
  } catch {
    reach = null; // the process that only starts the test files of Node's own runner
  }
  return reach;
}

/** The notes of a run whose reporter's own process cannot measure. */
function annotate(settings, tests) {
  if (!SCRIPT.test(settings.target ?? "") || !fs.existsSync(settings.notes)) return;
  const reader = reach ?? Object.assign(Object.create(Reach.prototype), { ...settings, folder: settings.notes, target: fileOf(settings.target), note() {} });
  try {
    reader.annotate(tests);
  } catch {
    // Notes that were cut off: the tests stay unknown.
  }
}

/** A worker of vitest is killed when its tests have ended, so it notes then. Mostly it runs one test file. */
function watchVitest(runner) {
  if (!reach) return;
  const { onAfterRunFiles } = runner;
  reach.spawned = false; // what was started so far, vitest itself did
  runner.onAfterRunFiles = async function (files) {
    await onAfterRunFiles?.apply(this, arguments);
    for (const file of files ?? []) reach.note(file.filepath);
    reach.begin();
  };
}

module.exports = { annotate, measuring, watchVitest };
