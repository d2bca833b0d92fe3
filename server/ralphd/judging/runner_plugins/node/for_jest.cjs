// jest: a reporter beside those of its configuration.
"use strict";

const { Cases, relative, take, told } = require("./channel.cjs");

const OUTCOMES = { passed: "passed", failed: "failed", pending: "skipped", skipped: "skipped", disabled: "skipped", todo: "skipped" };

/** `jest-config` says what a run's reporters are: ours is the last of them. */
function watch(module) {
  if (!take()) return;
  const original = module.exports.readConfigs;
  const readConfigs = async (...given) => {
    const found = await original(...given);
    const reporters = [...(found.globalConfig.reporters ?? [["default", {}]]), [__filename, {}]];
    return { ...found, globalConfig: Object.freeze({ ...found.globalConfig, reporters }) };
  };
  module.exports = Object.create(module.exports, { readConfigs: { value: readConfigs, enumerable: true } });
}

class Reporter {
  onRunStart() {
    this.session = take();
    this.session?.begin();
    this.cases = new Cases();
  }

  onTestFileStart(test) {
    this.session?.tick(relative(test.path));
  }

  onTestCaseStart(test, info) {
    this.session?.tick([relative(test.path), ...(info.ancestorTitles ?? []), info.title].join("::"));
  }

  onTestFileResult(test, result) {
    const file = relative(test.path);
    for (const one of result.testResults) {
      const text = one.status === "failed" ? one.failureMessages.map(told).join("\n\n") : "";
      const names = [file, ...one.ancestorTitles, one.title];
      this.cases.add(names, OUTCOMES[one.status] ?? "error", text, (one.duration ?? 0) / 1000);
    }
    const broken = result.testExecError ?? (result.testResults.length === 0 && result.failureMessage);
    if (broken) this.cases.add([file], "error", typeof broken === "string" ? broken : result.failureMessage || told(broken));
  }

  onRunComplete() {
    this.session?.send({ tests: this.cases.tests });
  }
}

module.exports = Reporter;
module.exports.watch = watch;
