// vitest: a reporter beside those of its configuration. Reads the tasks that every version keeps.
import channel from "./channel.cjs";

const { Cases, relative, selected, settings, take, told } = channel;
const session = take()?.begin();
const OUTCOMES = { pass: "passed", fail: "failed", skip: "skipped", todo: "skipped" };

const textOf = (errors) => (errors ?? []).map((error) => [told(error), error?.diff].filter(Boolean).join("\n")).join("\n\n");

function collect(task, names, cases) {
  const errors = task.result?.errors;
  if (task.type === "suite") {
    if (task.result?.state === "fail" && errors?.length) cases.add(names, "error", textOf(errors));
    for (const inner of task.tasks ?? []) collect(inner, [...names, inner.name], cases);
    return;
  }
  const state = task.mode === "skip" || task.mode === "todo" ? task.mode : task.result?.state;
  if (!OUTCOMES[state]) return; // it never ran
  cases.add(names, OUTCOMES[state], state === "fail" ? textOf(errors) : "", (task.result?.duration ?? 0) / 1000);
}

export default class Reporter {
  /** `vitest`: the runner as a whole, before it has looked for test files. */
  constructor(vitest) {
    if (settings().stop) vitest.config.bail = 1;
    const asked = selected();
    const { start } = vitest;
    if (asked && start) vitest.start = () => start.call(vitest, asked.files);
  }

  onTestModuleStart(module) {
    session?.tick(relative(module.moduleId));
  }

  onTestCaseReady(test) {
    session?.tick(`${relative(test.module.moduleId)}::${test.fullName.replaceAll(" > ", "::")}`);
  }

  onTestRunEnd(modules, errors) {
    this.#send(modules.map((module) => module.task), errors);
  }

  /** Before vitest 3. */
  onFinished(files, errors) {
    this.#send(files, errors);
  }

  #send(files, errors) {
    const cases = new Cases();
    for (const file of files ?? []) collect(file, [relative(file.filepath)], cases);
    if (errors?.length) cases.add(["(outside any test)"], "error", textOf(errors));
    session?.send({ tests: cases.tests });
  }
}
