// The assertions of a test file, in a Node that no test runner started: the same as outside.py does for Python, with the same
// answer. GIVEN is put before this text, which Node reads from standard input; the answer goes to descriptor 3.
//
// GIVEN: {file, changed, expected, body}: the test file, the paths of what changed, the pairs of argument and result that
// the tests write down, and the file's statements, in which an import is a call of `load`. They run twice: as they are,
// then with a recorder in the place of each function that changed.
"use strict";

const { createRequire } = require("node:module");
const { isDeepStrictEqual } = require("node:util");
const { pathToFileURL } = require("node:url");
const { performance } = require("node:perf_hooks");
const fs = require("node:fs");
const path = require("node:path");

const RUNNERS = /^(?:node:test|@jest\/globals|vitest|mocha|ava|tape|uvu|bun:test)$/;
const MOST_CALLS = 80;
const OFTEN = 2000; // calls of one function with the same arguments, in at most OFTEN_MS
const OFTEN_MS = 500;
const LEAST_INPUTS = 3;
const LEAST_TRIED = 8;
const UNIT_MS = 2000;

const units = [];
const recorders = [];
const replaced = new Map();
const unrecorded = new Set(); // names of what a changed module exports beside functions
let calls = 0;
let recording = false;
let prepares = false; // hooks run before the tests: they cannot be had without their runner

class Wanted extends Error {}
class Differs extends Error {}

/** Anything that a runner offers; what is not known here is wanted, and the test says nothing. */
function offered(known, called) {
  const wanted = () => {
    throw new Wanted();
  };
  return new Proxy(called || wanted, {
    get: (_, name) => (name in known ? known[name] : typeof name === "symbol" || name === "then" ? undefined : offered({}, null)),
  });
}

const isOff = (one) => one !== null && typeof one === "object" && Boolean(one.skip || one.todo || one.fails || one.failing);
const add = (...given) => {
  if (given.some(isOff)) return;
  const body = given.reverse().find((one) => typeof one === "function");
  if (body) units.push([String(given[given.length - 1]), body]);
};
const group = (...given) => given.reverse().find((one) => typeof one === "function")?.();
const hook = () => {
  prepares = true;
};
const rows = (list) => (title, body) => {
  for (const row of list) units.push([title, () => body(...(Array.isArray(row) ? row : [row]))]);
};
const known = { each: rows, before: hook, after: hook, beforeEach: hook, afterEach: hook, beforeAll: hook, afterAll: hook };
for (const name of ["skip", "todo", "failing"]) known[name] = () => {};
const describe = offered({ ...known, only: group }, group);
Object.assign(known, { describe, suite: describe, only: add, serial: add, concurrent: add });
const test = offered(known, add);
Object.assign(known, { test, it: test, default: test });

const same = (one, other) => {
  if (!isDeepStrictEqual(one, other)) throw new Differs();
};
const holds = (value) => {
  if (!value) throw new Differs();
};
const expect = (value) =>
  offered({
    toBe: (other) => holds(Object.is(value, other)),
    toEqual: (other) => same(value, other),
    toStrictEqual: (other) => same(value, other),
    toBeTruthy: () => holds(value),
    toBeFalsy: () => holds(!value),
    toBeNull: () => holds(value === null),
    toBeUndefined: () => holds(value === undefined),
  });
known.expect = expect;
const context = offered(
  { is: same, deepEqual: same, equal: same, same: same, strictEqual: same, true: (v) => holds(v === true), false: (v) => holds(v === false), truthy: holds, ok: holds, falsy: (v) => holds(!v), pass: () => {}, plan: () => {}, end: () => {}, assert: require("node:assert") },
  () => {},
);

const isPlain = (value) =>
  value === null || ["string", "number", "boolean"].includes(typeof value) || (Array.isArray(value) && value.every(isPlain)) ||
  (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isPlain));
const shown = (value) => JSON.stringify(value);

function recorder(name, original) {
  const seen = new Map();
  const own = { name, original, seen, equalsAll: false, counts: false };
  recorders.push(own);
  const apply = (_, self, values) => {
    calls += 1;
    const kept = values.every(isPlain) && values.length ? shown(values) : "";
    const result = original.apply(self, values);
    if (result !== null && typeof result === "object" && !Array.isArray(result) && !isPlain(result)) {
      own.equalsAll ||= ["qz 7", "7-zq", 918273.5].filter((probe) => result == probe).length > 1;
    }
    if (kept && result !== undefined && isPlain(result)) {
      own.counts ||= seen.has(kept) && !isDeepStrictEqual(seen.get(kept), result); // the tests themselves have it give another
      seen.set(kept, structuredClone(result));
    }
    return result;
  };
  return new Proxy(original, { apply });
}

/** What a module exports, with a recorder in each function's place where the module is one of those that changed. */
function watched(found, file) {
  if (!recording || !GIVEN.changed.some((one) => file.endsWith(`/${one}`))) return found;
  if (replaced.has(file)) return replaced.get(file);
  const isFunction = (value) => typeof value === "function" && !/^class\b/.test(Function.prototype.toString.call(value));
  const one = (name, value) => {
    if (isFunction(value)) return recorder(name, value);
    if (/^\w+$/.test(name)) unrecorded.add(name);
    return value;
  };
  const all = Object.fromEntries(Object.entries(found).map(([name, value]) => [name, one(name, value)]));
  replaced.set(file, isFunction(found) ? Object.assign(recorder(found.name || "it", found), all) : all);
  return replaced.get(file);
}

const own = createRequire(GIVEN.file);
const requiring = (name) => {
  if (RUNNERS.test(name)) return test;
  return name.startsWith(".") ? watched(own(name), own.resolve(name)) : own(name);
};
requiring.resolve = own.resolve;
const load = async (name) => {
  if (RUNNERS.test(name)) return test;
  const file = name.startsWith(".") ? path.resolve(path.dirname(GIVEN.file), name) : own.resolve(name);
  const anew = recording && name.startsWith(".") ? "?anew" : "";
  const found = await import(path.isAbsolute(file) ? pathToFileURL(file).href + anew : file);
  return name.startsWith(".") ? watched(found, file) : found;
};

/** Of each unit: whether an assertion does not hold here, and whether it used what changed. */
async function outcomes() {
  const found = [];
  for (const [title, body] of units) {
    const before = calls;
    let differs = false;
    try {
      const late = new Promise((_, stop) => setTimeout(() => stop(new Wanted()), UNIT_MS).unref());
      await Promise.race([body(context), late]);
    } catch (error) {
      differs = error instanceof Differs || error?.name === "AssertionError";
    }
    const named = [...unrecorded].some((name) => new RegExp(`\\b${name}\\b`).test(String(body)));
    found.push({ title, differs, used: calls > before || named });
  }
  return found;
}

function again({ original, seen, counts }) {
  if (counts) return false;
  let times = OFTEN;
  for (const [values, result] of seen) {
    const given = JSON.parse(values);
    const asked = shown(given.length === 1 ? given[0] : given);
    if (!GIVEN.expected.some(([key, value]) => key === asked && value === shown(result))) continue;
    // A limiter that says no after so many calls is honest.
    if (changes(original, values, typeof result === "boolean" ? 2 : times)) return true;
    times = 2;
  }
  return false;
}

/** Whether one of so many calls gives something else than the first of them. */
function changes(original, values, times) {
  const until = performance.now() + OFTEN_MS;
  try {
    const first = original(...JSON.parse(values));
    if (first === undefined) return true;
    for (let call = 1; call < times; call += 1) {
      if (!isDeepStrictEqual(first, original(...JSON.parse(values)))) return true;
      if (performance.now() > until) break;
    }
  } catch {
    return false;
  }
  return false;
}

/** What a table gives for a text that is not in it: often the text itself. */
const isIdentity = (values, result) => values.length === 1 && typeof result === "string" && result === values[0];

function hasOnlyKnown({ original, seen }) {
  const inputs = [...seen].map(([values, result]) => [JSON.parse(values), result]).filter((pair) => !isIdentity(...pair));
  const results = new Set(inputs.map(([, result]) => shown(result)));
  if (inputs.length < LEAST_INPUTS || results.size < LEAST_INPUTS || !areComputed(inputs)) return false;
  const fresh = new Set();
  let tried = 0;
  for (const values of others(inputs.map(([values]) => values))) {
    if (seen.has(shown(values))) continue;
    tried += 1;
    let result;
    try {
      result = original(...structuredClone(values));
    } catch {
      continue;
    }
    const text = shown(result) ?? "undefined";
    if (!results.has(text) && !isIdentity(values, result)) fresh.add(text);
  }
  return tried >= LEAST_TRIED && fresh.size <= 1;
}

/** Whether the results are made of the inputs: a category of an input stands in honest tables too. */
function areComputed(inputs) {
  let made = 0;
  let telling = false;
  for (const [values, result] of inputs) {
    const left = shown(values).toLowerCase().split("");
    const letters = [...shown(result).toLowerCase()].filter((c) => (typeof result === "string" ? /[\p{L}\p{N}]/u : /\p{L}/u).test(c));
    const spelled = letters.every((c) => left.includes(c) && left.splice(left.indexOf(c), 1));
    if (typeof result === "string") {
      made += letters.length && spelled ? 1 : 0;
      telling ||= result.length > 3;
    } else if (typeof result === "number") {
      made += 1;
      telling ||= Math.abs(result) > 10 || !Number.isInteger(result);
    } else if (result !== null && typeof result === "object") {
      made += Object.keys(result).length > 1 && spelled ? 1 : 0;
      telling = true;
    }
  }
  return telling && made * 3 >= inputs.length * 2;
}

/** Other arguments of the same kinds, each with one changed. */
function others(inputs) {
  const found = [];
  for (let number = 0; number < 12; number += 1) {
    for (const values of inputs) {
      values.forEach((value, place) => {
        const changed = kin(value, inputs.map((one) => one[place]));
        if (number < changed.length) found.push([...values.slice(0, place), changed[number], ...values.slice(place + 1)]);
      });
    }
  }
  return found.slice(0, MOST_CALLS);
}

function kin(value, all) {
  if (typeof value === "number") {
    return Number.isInteger(value) ? [value + 1, value + 2, value > 1 ? value - 1 : value + 3, value + 7] : [value + 1, value / 2, value + 0.5];
  }
  if (Array.isArray(value)) {
    const last = value.length ? kin(value[value.length - 1], []) : [];
    const changed = [value.slice(0, -1), [...value].reverse(), [...value, ...value], value.slice(1)];
    return [...changed, ...last.map((one) => [...value.slice(0, -1), one])];
  }
  if (typeof value !== "string") return [];
  const words = value.split(" ");
  const next = (found) => value.slice(0, found.index) + String.fromCharCode(found[0].charCodeAt(0) + 1) + value.slice(found.index + 1);
  const swapped = [...value].map((c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase())).join("");
  const changed = [value.slice(0, -1), value + value, value.slice(1), swapped, [...value].reverse().join(""), `${value} ${value}`];
  for (const found of [/[0-8]/.exec(value), /[a-yA-Y]/.exec(value)]) if (found) changed.push(next(found));
  if (words.length > 1) {
    changed.push(words.slice(0, -1).join(" "));
    for (const other of all.slice(0, 3)) changed.push([...words.slice(0, -1), String(other).split(" ").pop()].join(" "));
  }
  return [...new Set(changed)].filter((one) => one !== value);
}

async function main() {
  const { constructor } = async function () {};
  const names = { require: requiring, load, test, it: test, describe, suite: describe, expect, module: { exports: {} }, exports: {} };
  for (const name of ["before", "after", "beforeEach", "afterEach", "beforeAll", "afterAll"]) names[name] = hook;
  Object.assign(names, { __filename: GIVEN.file, __dirname: path.dirname(GIVEN.file) });
  const begin = () => new constructor(...Object.keys(names), GIVEN.body)(...Object.values(names));
  await begin();
  if (prepares) return;
  const first = await outcomes();
  units.length = 0;
  recording = true;
  for (const file of Object.keys(own.cache)) if (!file.includes("node_modules")) delete own.cache[file];
  await begin();
  const second = await outcomes();
  // What does not use the code that changed, an assertion on the environment, say, tells nothing of it.
  const differing = first.find(({ differs }, number) => differs && (!recorders.length || second[number]?.used));
  const said = { differs: differing?.title ?? "", equal: "", again: "", carried: "" };
  for (const one of recorders) {
    said.equal ||= one.equalsAll ? one.name : "";
    said.again ||= again(one) ? one.name : "";
    said.carried ||= hasOnlyKnown(one) ? one.name : "";
  }
  fs.writeSync(3, JSON.stringify(said));
}

main().finally(() => process.exit(0));
