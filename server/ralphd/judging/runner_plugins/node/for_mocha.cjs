// mocha: listens to the runner that every reporter of mocha listens to.
"use strict";

const { Cases, main, relative, take, told } = require("./channel.cjs");

function watch(module) {
  const session = take();
  if (!session) return;
  if (/[\\/]mocha[\\/](?:bin|lib[\\/]cli)[\\/]/.test(main())) session.begin();
  const { run } = module.exports.prototype;
  let claimed = false;
  module.exports.prototype.run = function () {
    if (claimed) return run.apply(this, arguments); // mocha within mocha
    claimed = true;
    const Theirs = this._reporter;
    this._reporter = function (runner, options) {
      listen(runner, session.begin());
      return new Theirs(runner, options);
    };
    Object.setPrototypeOf(this._reporter, Theirs);
    return run.apply(this, arguments);
  };
}

function listen(runner, session) {
  const cases = new Cases();
  const ended = new Map();
  const name = (test) => [test.file ? relative(test.file) : "", ...test.titlePath()];
  const note = (test, outcome, text) => {
    if (ended.has(test)) Object.assign(ended.get(test), { outcome, longrepr: text });
    else ended.set(test, cases.add(name(test), outcome, text, (test.duration ?? 0) / 1000));
  };
  runner.on("test", (test) => session.tick(name(test).join("::")));
  runner.on("pass", (test) => note(test, "passed", ""));
  runner.on("pending", (test) => note(test, "skipped", ""));
  runner.on("fail", (test, error) => note(test, test.type === "hook" ? "error" : "failed", withDifference(error)));
  runner.on("end", () => session.send({ tests: cases.tests }));
}

/** mocha's reporters show what was wanted and found; an assertion's message may not. */
function withDifference(error) {
  const text = told(error);
  if (!error || typeof error !== "object" || error.showDiff === false || !("expected" in error)) return text;
  const show = (value) => require("util").inspect(value, { depth: 4, breakLength: 100 }).slice(0, 1000);
  return `${text}\nexpected: ${show(error.expected)}\nactual: ${show(error.actual)}`;
}

module.exports = { watch };
