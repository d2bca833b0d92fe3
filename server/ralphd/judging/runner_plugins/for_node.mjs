// A reporter for `node --test`, in the process that starts the test files: sends each test as Node reports it.
// The way back is the same as in channel.py: a file that is opened and unlinked before any test file is started.
import fs from "node:fs";
import path from "node:path";

function begin() {
  const folder = process.env.RALPHD_REPORT_DIR;
  delete process.env.RALPHD_REPORT_DIR;
  if (!folder) return null;
  for (const name of fs.readdirSync(folder).sort()) {
    const place = path.join(folder, name);
    try {
      const fd = fs.openSync(place, fs.constants.O_RDWR | fs.constants.O_NOFOLLOW);
      try {
        fs.unlinkSync(place);
      } catch {
        fs.closeSync(fd);
        continue;
      }
      return { fd, secret: fs.readFileSync(fd, "utf8") };
    } catch {
      continue;
    }
  }
  return null;
}

const session = begin();

function detailOf(error) {
  const cause = error?.cause ?? error;
  return String(cause?.stack ?? cause?.message ?? cause ?? "");
}

export default async function* report(source) {
  const tests = [];
  const counts = new Map();
  const names = [];
  for await (const event of source) {
    const data = event.data ?? {};
    if (event.type === "test:start") {
      if (session) fs.writeSync(session.fd, `+${data.name}`.slice(0, 500));
      names.length = data.nesting;
      names[data.nesting] = data.name;
    }
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const file = data.file ? path.relative(process.cwd(), data.file) : "";
    const isFile = data.nesting === 0 && path.resolve(data.name) === data.file;
    const failed = event.type === "test:fail" && data.todo === undefined;
    const error = data.details?.error;
    if (isFile && !failed) continue; // a file without tests is no test
    if (data.details?.type === "suite" && (!failed || error?.failureType === "subtestsFailed")) continue;
    let nodeid = isFile ? file : [file, ...names.slice(0, data.nesting), data.name].filter(Boolean).join("::");
    const seen = (counts.get(nodeid) ?? 0) + 1;
    counts.set(nodeid, seen);
    if (seen > 1) nodeid += ` #${seen}`;
    const outcome = failed ? (isFile ? "error" : "failed") : data.skip !== undefined ? "skipped" : data.todo !== undefined ? "xfailed" : "passed";
    tests.push({ nodeid, outcome, longrepr: failed ? detailOf(error) : "", frames: [], sections: [], reached: null });
  }
  if (session) {
    const body = Buffer.from(`${session.secret}\n${JSON.stringify({ node: true, tests, errors: [] })}`);
    fs.ftruncateSync(session.fd, 0);
    for (let at = 0; at < body.length; ) at += fs.writeSync(session.fd, body, at, body.length - at, at);
    fs.closeSync(session.fd);
  }
}
