// jest: a reporter beside those of its configuration.
"use strict";

const path = require("path");

const { Cases, relative, selected, settings, take, told } = require("./channel.cjs");

const OUTCOMES = { passed: "passed", failed: "failed", pending: "skipped", skipped: "skipped", disabled: "skipped", todo: "skipped" };

/** `jest-config` says what a run's reporters are: ours is the last of them. */
function watch(module) {
  if (!take()) return;
  const original = module.exports.readConfigs;
  const readConfigs = async (...given) => {
    const found = await original(...given);
    const reporters = [...(found.globalConfig.reporters ?? [["default", {}]]), [__filename, {}]];
    const asked = selected();
    const only = asked ? { runTestsByPath: true, nonFlagArgs: asked.files, testPathPattern: "" } : {};
    const stop = settings().stop ? { bail: 1 } : {};
    const globalConfig = Object.freeze({ ...found.globalConfig, reporters, ...only, ...stop });
    return { ...found, globalConfig, configs: measured(found.configs) };
  };
  module.exports = Object.create(module.exports, { readConfigs: { value: readConfigs, enumerable: true } });
}

/** The projects with our runner around theirs, where it is to be seen what each test file loads. */
function measured(configs) {
  if (!settings().target) return configs;
  process.env.RALPHD_JEST_RUNNERS = JSON.stringify(Object.fromEntries(configs.map((one) => [one.id, one.testRunner])));
  return configs.map((one) => Object.freeze({ ...one, testRunner: path.join(__dirname, "jest_runner.cjs") }));
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
