// tape: there is no runner but the harness in the test file's own process; listens to its tests. Who loads tape is a
// test, so a process that ends before its first test has ended early.
"use strict";

const { Cases, relative, take, told } = require("./channel.cjs");

function watch(module) {
  const session = take()?.begin();
  if (!session) return;
  const { prototype } = module.exports;
  const { push } = prototype;
  let seen = null;
  prototype.push = function (test) {
    seen ??= { results: this, onTest: listen(this, session) };
    if (seen.results === this) seen.onTest(test, [callingFile()]);
    return push.apply(this, arguments);
  };
}

/** The file that called `test`, from the stack of this call. */
function callingFile() {
  const line = String(new Error().stack).split("\n").find((one) => /^\s+at /.test(one) && !/node_modules|node:|ralphd_/.test(one));
  const found = /\(?((?:file:\/\/)?\/[^()]+?):\d+:\d+\)?$/.exec(line ?? "");
  return found ? relative(found[1]) : "";
}

function listen(results, session) {
  const open = [];
  const onTest = (test, parents) => {
    const names = [...parents, test.name];
    const entry = { names, ended: false, skipped: Boolean(test._skip), asserts: 0, bad: [] };
    open[open.length] = entry;
    test.once("prerun", () => session.tick(names.join("::")));
    test.on("test", (inner) => onTest(inner, names));
    test.on("result", (result) => {
      if (typeof result === "string") return; // a comment
      entry.asserts += 1;
      if (!result.ok && !result.todo && !result.skip) entry.bad[entry.bad.length] = detail(result);
    });
    test.on("end", () => {
      entry.ended = true;
    });
  };
  const finish = () => {
    const cases = new Cases();
    for (const entry of open) {
      if (!entry.ended && !entry.skipped) entry.bad[entry.bad.length] = "the test did not end";
      cases.add(entry.names, entry.bad.length ? "failed" : entry.skipped ? "skipped" : "passed", entry.bad.join("\n\n"));
    }
    session.send({ tests: cases.tests });
  };
  results.on("done", finish);
  process.on("exit", finish);
  return onTest;
}

function detail(result) {
  const show = (value) => require("util").inspect(value, { depth: 4, breakLength: 100 }).slice(0, 1000);
  const values = "expected" in result || "actual" in result ? `\nexpected: ${show(result.expected)}\nactual: ${show(result.actual)}` : "";
  const text = result.actual instanceof Error ? `\n${told(result.actual)}` : "";
  return `${result.name} (${result.operator})${values}${text}${result.at ? `\n    at ${result.at}` : ""}`;
}

module.exports = { watch };
