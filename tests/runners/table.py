"""JavaScript runners, each with a project of a few files and the command that starts it, as projects have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_BODY = "function add(a, b) {\n  return a - b;\n}\n"


@dataclass(frozen=True)
class Runner:
    argv: tuple[str, ...]
    script: str
    """Of package.json."""
    test_file: str
    tests: str
    """One that passes on `_BODY`, one that fails on it, one that is skipped."""
    empty: str
    """The test file without a test."""
    by_hand: tuple[str, str, str]
    """Patterns of the runner's closing lines: how many passed, failed, were skipped."""
    module: bool = False
    package: Mapping[str, object] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    own_output: str = ""
    """What the person's own reporter prints: it must still be there."""
    hung: str = "::adds"
    """How the name of the test ends that is said to hang; the file where the runner does not tell more."""

    @property
    def source(self) -> str:
        return f"export {_BODY}" if self.module else f"{_BODY}\nmodule.exports = {{ add }};\n"

    def target(self, body: str, before: str = "") -> str:
        return before + self.source.replace("return a - b;", body)


_EXPECT = """\
describe("add", () => {
  test("zero", () => expect(add(0, 0)).toBe(0));
  test("adds", () => expect(add(1, 2)).toBe(3));
  test.skip("later", () => expect(add(1, 1)).toBe(11));
});
"""
_VITEST = f'import {{ describe, expect, test }} from "vitest";\nimport {{ add }} from "./calc.js";\n{_EXPECT}'
_VITEST_COUNTS = (r"Tests .*?(\d+) passed", r"Tests .*?(\d+) failed", r"Tests .*?(\d+) skipped")
RUNNERS: Mapping[str, Runner] = {
    "jest": Runner(
        ("npm", "test"),
        "NODE_OPTIONS=--no-warnings jest",
        "calc.test.js",
        f'const {{ add }} = require("./calc.js");\n{_EXPECT}',
        'require("./calc.js");\n',
        (r"Tests:.*?(\d+) passed", r"Tests:.*?(\d+) failed", r"Tests:.*?(\d+) skipped"),
        package={"jest": {"reporters": ["default", "<rootDir>/own-reporter.js"]}},
        files={"own-reporter.js": "module.exports = class { onRunComplete() { console.log('their own'); } };\n"},
        own_output="their own",
    ),
    "jest by yarn": Runner(
        ("yarn", "--silent", "test"),
        "jest --ci --verbose",
        "calc.test.js",
        f'const {{ add }} = require("./calc.js");\n{_EXPECT}',
        'require("./calc.js");\n',
        (r"Tests:.*?(\d+) passed", r"Tests:.*?(\d+) failed", r"Tests:.*?(\d+) skipped"),
        own_output="✕ adds",
    ),
    "jest by pnpm": Runner(
        ("pnpm", "test"),
        "jest --ci --verbose",
        "calc.test.js",
        f'const {{ add }} = require("./calc.js");\n{_EXPECT}',
        'require("./calc.js");\n',
        (r"Tests:.*?(\d+) passed", r"Tests:.*?(\d+) failed", r"Tests:.*?(\d+) skipped"),
        own_output="✕ adds",
    ),
    "vitest by pnpm exec": Runner(
        ("pnpm", "exec", "vitest", "run"),
        "vitest",
        "calc.test.js",
        _VITEST,
        'import "./calc.js";\n',
        _VITEST_COUNTS,
        module=True,
        own_output="Test Files",
        hung="calc.test.js",
    ),
    "vitest": Runner(
        ("npx", "vitest", "run", "--reporter=dot"),
        "vitest",
        "calc.test.js",
        _VITEST,
        'import "./calc.js";\n',
        _VITEST_COUNTS,
        module=True,
        own_output="Test Files",
        hung="calc.test.js",
    ),
    "vitest with its own reporters": Runner(
        ("npm", "test"),
        "vitest run",
        "calc.test.js",
        _VITEST,
        'import "./calc.js";\n',
        _VITEST_COUNTS,
        module=True,
        files={
            "vitest.config.js": "export default { test: { reporters: ['default', './own-reporter.js'] } };\n",
            "own-reporter.js": "export default class { onInit() { console.log('their own'); } }\n",
        },
        own_output="their own",
        hung="calc.test.js",
    ),
    "mocha": Runner(
        ("make", "-s", "test"),
        "mocha",
        "calc.spec.js",
        'const assert = require("node:assert");\nconst { add } = require("./calc.js");\n'
        'describe("add", () => {\n'
        '  it("zero", () => assert.strictEqual(add(0, 0), 0));\n'
        '  it("adds", () => assert.strictEqual(add(1, 2), 3));\n'
        '  it.skip("later", () => assert.strictEqual(add(1, 1), 11));\n'
        "});\n",
        'require("./calc.js");\n',
        (r"(\d+) passing", r"(\d+) failing", r"(\d+) pending"),
        files={".mocharc.json": '{"spec": "*.spec.js", "reporter": "dot"}', "Makefile": "test:\n\tnpm test\n"},
        own_output="1 passing",
    ),
    "ava": Runner(
        ("npm", "test"),
        "ava",
        "test.js",
        'import test from "ava";\nimport { add } from "./calc.js";\n'
        'test("zero", (t) => t.is(add(0, 0), 0));\n'
        'test("adds", (t) => t.is(add(1, 2), 3));\n'
        'test.skip("later", (t) => t.is(add(1, 1), 11));\n',
        'import test from "ava";\nimport "./calc.js";\n',
        (r"(\d+) tests? passed|✔ zero", r"(\d+) tests? failed", r"(\d+) tests? skipped"),
        module=True,
        own_output="✔ zero",
        hung="::zero",  # its blocked worker has told of no test: the first that has not ended is named
    ),
    "tape": Runner(
        ("sh", "run.sh"),
        "tape test.js",
        "test.js",
        'const test = require("tape");\nconst { add } = require("./calc.js");\n'
        'test("zero", (t) => { t.equal(add(0, 0), 0); t.end(); });\n'
        'test("adds", (t) => { t.plan(1); t.equal(add(1, 2), 3); });\n'
        'test("later", { skip: true }, (t) => { t.equal(add(1, 1), 11); t.end(); });\n',
        'require("tape");\nrequire("./calc.js");\n',
        (r"# pass +(\d+)", r"# fail +(\d+)", r"# SKIP ()later"),
        files={"run.sh": "npm test\n"},
        own_output="TAP version 13",
    ),
    "node": Runner(
        ("npm", "test"),
        "NODE_OPTIONS=--no-warnings node --test --test-reporter=tap",
        "calc.test.js",
        'const test = require("node:test");\nconst assert = require("node:assert");\nconst { add } = require("./calc.js");\n'
        'test("zero", () => assert.strictEqual(add(0, 0), 0));\n'
        'test("adds", () => assert.strictEqual(add(1, 2), 3));\n'
        'test("later", { skip: true }, () => assert.strictEqual(add(1, 1), 11));\n',
        'require("./calc.js");\n',
        (r"# pass (\d+)", r"# fail (\d+)", r"# skipped (\d+)"),
        own_output="TAP version 13",
        hung="calc.test.js",
    ),
}  # fmt: skip
