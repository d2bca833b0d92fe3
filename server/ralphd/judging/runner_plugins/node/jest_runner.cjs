// The test runner of a jest project, with a look at what each test file loaded. Used at the baseline only.
"use strict";

const { settings } = require("./channel.cjs");
const { measuring } = require("./reach.cjs");

module.exports = async function run(globalConfig, config, environment, runtime, file, ...rest) {
  const theirs = JSON.parse(process.env.RALPHD_JEST_RUNNERS)[config.id] ?? require.resolve("jest-circus/runner");
  const found = require(theirs);
  const runner = found?.default ?? found;
  const reach = measuring(settings());
  reach?.begin();
  try {
    return await runner(globalConfig, config, environment, runtime, file, ...rest);
  } finally {
    reach?.note(file);
  }
};
