// The way back for the one session of a JavaScript test runner in this process. The protocol is that of ../channel.py:
// a file that the server made is opened, unlinked and emptied of its secret word before any code of the project runs.
// What a candidate could replace later (`fs.writeSync`, `JSON.stringify`) is taken here, when nothing of it has run yet.
"use strict";

const fs = require("fs");
const path = require("path");

const { annotate } = require("./reach.cjs");

const { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, readdirSync, unlinkSync, writeSync } = fs;
const { stringify } = JSON;
const bufferFrom = Buffer.from;
const FOLDER = "RALPHD_REPORT_DIR";

/** What the server wants of this run: the file beside our package. */
function settings() {
  try {
    return JSON.parse(readFileSync(path.join(__dirname, "..", "..", "settings.json"), "utf8"));
  } catch {
    return {};
  }
}

/** Overwrite the entry of `name` in the block that /proc/self/environ shows; deleting a variable leaves it there. */
function wipe(name) {
  try {
    const stat = readFileSync("/proc/self/stat", "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const start = Number(fields[47]); // field 50 of proc(5): env_start
    const entries = readFileSync("/proc/self/environ");
    const at = entries.indexOf(`\0${name}=`) + 1;
    const from = at || (entries.subarray(0, name.length + 1).toString() === `${name}=` ? 0 : -1);
    if (from < 0) return;
    const fd = openSync("/proc/self/mem", constants.O_RDWR);
    writeSync(fd, Buffer.alloc(entries.indexOf(0, from) - from), 0, undefined, start + from);
    closeSync(fd);
  } catch {
    // Not Linux, or a kernel that forbids it: the variable is deleted all the same.
  }
}

class Session {
  constructor(fd) {
    this.fd = fd;
    this.word = readFileSync(fd, "latin1");
    this.at = this.word.length;
    this.begun = this.sent = false;
    writeSync(fd, Buffer.alloc(this.at), 0, this.at, 0);
  }

  /** Say that a runner is at work here: from now on a process that ends without a report has ended early. */
  begin() {
    if (!this.begun) this.tick("");
    return this;
  }

  /** Tell that test `name` starts now; "" for the start of the session. */
  tick(name) {
    if (this.sent) return;
    this.begun = true;
    this.at += writeSync(this.fd, bufferFrom(`+${String(name).replace(/\n/g, " ").slice(0, 400)}`), 0, undefined, this.at);
  }

  send(data) {
    if (this.sent) return;
    this.sent = true;
    annotate(settings(), data.tests);
    const body = bufferFrom(`${this.word}\n${stringify(data)}`);
    ftruncateSync(this.fd, 0);
    for (let at = 0; at < body.length; ) at += writeSync(this.fd, body, at, body.length - at, at);
    closeSync(this.fd);
  }
}

let taken;

/** The session of this process; null where the server does not listen. The processes that this one starts have none. */
function take() {
  if (taken !== undefined) return taken;
  const folder = process.env[FOLDER];
  taken = null;
  if (!folder) return taken;
  delete process.env[FOLDER];
  wipe(FOLDER);
  let names = [];
  try {
    names = readdirSync(folder).sort();
  } catch {
    return taken;
  }
  for (const name of names) {
    const place = path.join(folder, name);
    let fd = -1;
    try {
      fd = openSync(place, constants.O_RDWR | constants.O_NOFOLLOW);
      unlinkSync(place); // whoever unlinks it owns it
      taken = new Session(fd);
      return taken;
    } catch {
      if (fd >= 0 && fstatSync(fd).nlink) closeSync(fd);
    }
  }
  return taken;
}

const root = settings().root || process.cwd();

/** The tests to run alone, as the files they are in (absolute) and by their ids; null: all. */
function selected() {
  const { only } = settings();
  if (!only?.length) return null;
  const files = [...new Set(only.map((id) => path.resolve(root, id.split("::")[0])))];
  return files.every((file) => fs.existsSync(file)) ? { files, ids: new Set(only) } : null;
}

/** A file as the server names it: relative to the workspace. */
function relative(file) {
  let real = String(file);
  try {
    if (real.startsWith("file:")) real = require("url").fileURLToPath(real);
    real = fs.realpathSync(real);
  } catch {
    return String(file);
  }
  for (const base of [root, process.cwd()]) {
    const found = path.relative(base, real);
    if (!found.startsWith("..") && !path.isAbsolute(found)) return found.split(path.sep).join("/");
  }
  return real;
}

/** The file that this process was started with, links resolved; "" where there is none. */
function main() {
  try {
    return fs.realpathSync(process.argv[1]);
  } catch {
    return "";
  }
}

const FRAME = /^\s+at\s/;
const NOT_THEIRS = /node_modules|[\\/]ralphd_[0-9a-f]{16}[\\/]|node:|\(internal\/|\(<anonymous>\)|\(index \d+\)/;

/** A failure for a reader: the message, then the person's own frames of the stack. */
function told(error) {
  if (error === null || error === undefined) return "";
  const message = typeof error === "object" ? [error.name, error.message].filter(Boolean).join(": ") : String(error);
  const lines = String((typeof error === "object" && error.stack) || message).split("\n");
  const first = lines.findIndex((line) => FRAME.test(line));
  const head = (first < 0 ? lines : lines.slice(0, first)).join("\n");
  const frames = first < 0 ? [] : lines.slice(first).filter((line) => FRAME.test(line) && !NOT_THEIRS.test(line));
  const words = head.includes(String(error.message ?? "").split("\n")[0]) ? head : `${message}\n${head}`;
  return [words.trimEnd(), ...frames.slice(0, 5)].join("\n");
}

/** Tests by their ids; of two with one id the second is `… #2`. */
class Cases {
  constructor() {
    this.tests = [];
    this.counts = new Map();
  }

  add(names, outcome, longrepr = "", seconds = undefined) {
    let nodeid = names.filter(Boolean).join("::");
    const seen = (this.counts.get(nodeid) ?? 0) + 1;
    this.counts.set(nodeid, seen);
    if (seen > 1) nodeid += ` #${seen}`;
    const test = { nodeid: nodeid.slice(0, 4000) || "(no name)", outcome, longrepr, seconds: seconds ?? null };
    this.tests[this.tests.length] = test;
    return test;
  }
}

module.exports = { Cases, main, relative, selected, settings, take, told };
