// ava: listens to the changes of state that its own reporters listen to.
import channel from "./channel.cjs";

const { Cases, relative, take, told } = channel;
const BROKEN = new Set(["uncaught-exception", "unhandled-rejection", "worker-failed", "missing-ava-import", "hook-failed",
  "internal-error", "shared-worker-error", "process-exit", "timeout", "interrupt"]);

export function watch(Api) {
  const session = take()?.begin();
  if (!session) return;
  const { run } = Api.prototype;
  Api.prototype.run = function (...given) {
    if (channel.settings().stop) this.options.failFast = true;
    this.options.cacheEnabled = false; // it would lie in node_modules, where test runs cannot write
    this.on("run", (plan) => listen(plan.status ?? plan.data?.status, session));
    return run.apply(this, given);
  };
}

function listen(status, session) {
  const cases = new Cases();
  const running = new Set();
  const broken = new Map();
  const ended = (file, title) => {
    running.delete(`${file}::${title}`);
    if (running.size) session.tick(running.values().next().value);
  };
  status.on("stateChange", (change) => {
    const event = change.type ? change : change.data ?? change;
    const file = event.testFile ? relative(event.testFile) : "";
    const seconds = (event.duration ?? 0) / 1000;
    if (event.type === "test-passed" || event.type === "test-failed") ended(file, event.title);
    if (event.type === "selected-test") {
      if (event.skip || event.todo) cases.add([file, event.title], "skipped");
      else running.add(`${file}::${event.title}`);
      if (running.size) session.tick(running.values().next().value); // ava says which are to run, not which has started
    } else if (event.type === "test-passed") {
      cases.add([file, event.title], event.knownFailing ? "xfailed" : "passed", "", seconds);
    } else if (event.type === "test-failed") {
      cases.add([file, event.title], "failed", textOf(event.err), seconds);
    } else if (BROKEN.has(event.type)) {
      const name = file || "(outside any test)";
      if (!broken.has(name)) broken.set(name, cases.add([name], "error"));
      if (event.type === "timeout" && running.size) broken.get(name).longrepr += `${running.values().next().value} was running\n`;
      broken.get(name).longrepr += `${event.type}\n${textOf(event.err)}\n`;
    } else if (event.type === "end") {
      session.send({ tests: cases.tests });
    }
  });
}

function textOf(error) {
  if (!error) return "";
  const details = (error.formattedDetails ?? error.values ?? []).map(({ label, formatted }) => `${label}\n${formatted}`);
  return [told(error.originalError ?? error), error.formattedError, ...details].filter(Boolean).join("\n");
}
