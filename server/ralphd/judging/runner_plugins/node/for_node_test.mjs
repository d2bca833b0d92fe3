// A reporter for Node's own runner, in the process that starts the test files: sends each test as Node reports it.
import channel from "./channel.cjs";

const { Cases, relative, take, told } = channel;
const session = take();
session?.begin();

function started(data) {
  const file = data.file ? relative(data.file) : "";
  return file === relative(data.name) ? file : [file, data.name].filter(Boolean).join("::");
}

export default async function* report(source) {
  const cases = new Cases();
  const names = [];
  const printed = new Map(); // what a file wrote to stderr: why it could not be loaded
  for await (const event of source) {
    const data = event.data ?? {};
    if (event.type === "test:start") {
      names.length = data.nesting;
      names[data.nesting] = data.name;
    }
    // `test:start` comes in the order of the report; this comes when the test, or the file as a whole, does start.
    if (event.type === "test:dequeue") session?.tick(started(data));
    if (event.type === "test:stderr" && data.file) {
      printed.set(relative(data.file), ((printed.get(relative(data.file)) ?? "") + data.message).slice(-20_000));
    }
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const file = data.file ? relative(data.file) : "";
    const isFile = data.nesting === 0 && Boolean(data.file) && relative(data.name) === file;
    const failed = event.type === "test:fail" && data.todo === undefined;
    const error = data.details?.error;
    if (isFile && !failed) continue; // a file without tests is no test
    if (data.details?.type === "suite" && (!failed || error?.failureType === "subtestsFailed")) continue;
    const ran = data.todo !== undefined ? "xfailed" : "passed";
    const outcome = failed ? (isFile ? "error" : "failed") : data.skip !== undefined ? "skipped" : ran;
    const seconds = (data.details?.duration_ms ?? 0) / 1000;
    const text = isFile && printed.has(file) ? told({ stack: printed.get(file) }) : told(error?.cause ?? error);
    const path = isFile ? [file] : [file, ...names.slice(0, data.nesting), data.name];
    cases.add(path, outcome, failed ? text : "", seconds);
  }
  session?.send({ tests: cases.tests });
}
