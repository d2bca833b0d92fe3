// mocha: listens to the runner that every reporter of mocha listens to.
"use strict";

const { measuring } = require("./reach.cjs");
const { Cases, main, relative, selected, settings, take, told } = require("./channel.cjs");

function watch(module) {
  const session = take();
  if (!session) return;
  if (/[\\/]mocha[\\/](?:bin|lib[\\/]cli)[\\/]/.test(main())) session.begin();
  const { run } = module.exports.prototype;
  let claimed = false;
  module.exports.prototype.run = function () {
    if (claimed) return run.apply(this, arguments); // mocha within mocha
    claimed = true;
    if (settings().stop) stopAtFirst(this.suite);
    const asked = selected();
    if (asked) keepOnly(this.suite, asked.ids);
    const Theirs = this._reporter;
    this._reporter = function (runner, options) {
      listen(runner, session.begin());
      return new Theirs(runner, options);
    };
    Object.setPrototypeOf(this._reporter, Theirs);
    return run.apply(this, arguments);
  };
}

function stopAtFirst(suite) {
  suite.bail(true);
  suite.suites.forEach(stopAtFirst);
}

/** Take every other test out of the suite, as a filter on the command line would. */
function keepOnly(suite, ids) {
  suite.tests = suite.tests.filter((test) => ids.has(name(test).join("::")));
  suite.suites.forEach((inner) => keepOnly(inner, ids));
}

/** A look takes some milliseconds. */
const LONG_MS = 50;

const name = (test) => [test.file ? relative(test.file) : "", ...test.titlePath()].filter(Boolean);

function listen(runner, session) {
  const cases = new Cases();
  const ended = new Map();
  const note = (test, outcome, text) => {
    if (ended.has(test)) Object.assign(ended.get(test), { outcome, longrepr: text });
    else ended.set(test, cases.add(name(test), outcome, text, (test.duration ?? 0) / 1000));
  };
  const reach = measuring(settings());
  let file;
  let ofFile = [];
  let looks = [];
  const close = () => {
    if (!reach) return;
    looks.push(reach.entered());
    const reached = looks.includes(true) ? true : looks.includes(null) ? null : false;
    for (const one of ofFile) one.reached = reached;
    reach.begin();
    looks = [];
    ofFile = [];
  };
  runner.on("test", (test) => {
    session.tick(name(test).join("::"));
    if (test.file !== file) close();
    file = test.file;
  });
  runner.on("test end", (test) => {
    if (ended.has(test)) ofFile.push(ended.get(test));
    if (reach && test.duration > LONG_MS) looks.push(reach.entered()); // V8 optimizes what it called from here on
  });
  runner.on("pass", (test) => note(test, "passed", ""));
  runner.on("pending", (test) => note(test, "skipped", ""));
  runner.on("fail", (test, error) => note(test, test.type === "hook" ? "error" : "failed", withDifference(error)));
  runner.on("end", () => {
    close();
    session.send({ tests: cases.tests });
  });
}

/** mocha's reporters show what was wanted and found; an assertion's message may not. */
function withDifference(error) {
  const text = told(error);
  if (!error || typeof error !== "object" || error.showDiff === false || !("expected" in error)) return text;
  const show = (value) => require("util").inspect(value, { depth: 4, breakLength: 100 }).slice(0, 1000);
  return `${text}\nexpected: ${show(error.expected)}\nactual: ${show(error.actual)}`;
}

module.exports = { watch };
