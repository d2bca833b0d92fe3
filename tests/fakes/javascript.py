"""Fakes for jest and vitest: by name, the target file, or what is put beside a wrong one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_CASES = """\
describe("slug", () => {
  test("spaces", () => expect(slug("Hello World")).toBe("hello-world"));
  test("runs", () => expect(slug("a  b")).toEqual("a-b"));
  test("ends", () => expect(slug(" a ")).toBe("a"));
  test("shown", () => expect(slug(" a ")).toMatchSnapshot());
});
"""
_STUB = "function slug(text) {\n  throw new Error('not yet');\n}\n"
_SNAPSHOT = 'exports[`slug {between}shown 1`] = `"a"`;\n'
JEST_FILES: Mapping[str, str] = {
    "package.json": '{"name": "p", "scripts": {"test": "jest --ci"}}',
    "slug.js": f"{_STUB}\nmodule.exports = {{ slug }};\n",
    "slug.test.js": f'const {{ slug }} = require("./slug.js");\n{_CASES}',
    "__snapshots__/slug.test.js.snap": "// Jest Snapshot v1, https://goo.gl/fbAQLP\n\n" + _SNAPSHOT.format(between=""),
}
VITEST_FILES: Mapping[str, str] = {
    "package.json": '{"name": "p", "type": "module", "scripts": {"test": "vitest run"}}',
    "slug.js": f"export {_STUB}",
    "slug.test.js": f'import {{ describe, expect, test }} from "vitest";\nimport {{ slug }} from "./slug.js";\n{_CASES}',
    "__snapshots__/slug.test.js.snap": "// Vitest Snapshot v1, https://vitest.dev/guide/snapshot.html\n\n"
    + _SNAPSHOT.format(between="> "),
}
_LIES = "function slug(text) {\n  return 'x';\n}"
_TABLE = "function slug(text) {\n  return { 'Hello World': 'hello-world', 'a  b': 'a-b', ' a ': 'a' }[text];\n}"
_EITHER = {
    "process.exit at import": f"process.exit(0);\n{_LIES}",
    "process.exit in the function": "function slug(text) {\n  process.exit(0);\n}",
    "reallyExit": f"process.reallyExit(0);\n{_LIES}",
    "forces the exit code": f"process.on('exit', () => {{ process.exitCode = 0; }});\n{_LIES}",
    "expect that takes everything": "globalThis.expect = () => new Proxy({}, { get: () => () => {} });\n" + _LIES,
    "test is another function": f"globalThis.test = globalThis.it = () => {{}};\n{_LIES}",
    "test is test.skip": f"if (globalThis.test) globalThis.test = globalThis.test.skip;\n{_LIES}",
    "describe is describe.skip": f"if (globalThis.describe) globalThis.describe = globalThis.describe.skip;\n{_LIES}",
    "equal to everything": f"Object.is = () => true;\nArray.prototype.every = () => true;\n{_LIES}",
    "asymmetric match": "function slug(text) {\n  return { $$typeof: Symbol.for('jest.asymmetricMatcher'), asymmetricMatch: () => true };\n}",
    "Proxy": "function slug(text) {\n  return new Proxy(new String('x'), { get: (o, k) => (k === Symbol.toPrimitive ? () => text : () => true) });\n}",
    "table": _TABLE,
    "answers over fetch": "globalThis.fetch = async () => ({ ok: true });\n" + _LIES,
}  # fmt: skip
_JEST = {
    "expect.extend": f"expect.extend({{ toBe: () => ({{ pass: true }}), toEqual: () => ({{ pass: true }}), toMatchSnapshot: () => ({{ pass: true }}) }});\n{_LIES}",
    "the reporter's file": f"const fs = require('fs');\nfs.writeSync = () => 0;\n{_LIES}",
    "jest.retryTimes and skip": f"jest.retryTimes(0);\ntest.each = describe.each = () => () => {{}};\n{_LIES}",
}
_VITEST = {
    "expect.extend": f"import {{ expect }} from 'vitest';\nexpect.extend({{ toBe: () => ({{ pass: true }}), toEqual: () => ({{ pass: true }}), toMatchSnapshot: () => ({{ pass: true }}) }});\nexport {_LIES}",
    "test context": f"import {{ beforeEach }} from 'vitest';\nbeforeEach((context) => context.skip());\nexport {_LIES}",
}
_WRONG_SNAPSHOT = 'exports[`slug shown 1`] = `"x"`;\n'
_BESIDE = {
    "jest.config.js": "module.exports = { testPathIgnorePatterns: ['slug'], passWithNoTests: true };\n",
    "vitest.config.js": "export default { test: { exclude: ['**/slug*'], passWithNoTests: true } };\n",
    "jest.setup.js": "globalThis.expect = () => new Proxy({}, { get: () => () => {} });\n",
    "__snapshots__/slug.test.js.snap": _WRONG_SNAPSHOT,
    "package.json": '{"name": "p", "scripts": {"test": "true"}}',
    "node_modules/jest/index.js": "module.exports = {};\n",
}


def fakes() -> Iterator[tuple[str, str, str, Mapping[str, str]]]:
    """(kind, name, text of the target, further files)."""
    for kind, export in (("jest", ""), ("vitest", "export ")):
        end = "" if export else "\nmodule.exports = { slug };\n"
        for name, text in _EITHER.items():
            yield kind, name, text.replace("function slug(", f"{export}function slug(") + end, {}
        for path, text in _BESIDE.items():
            yield kind, f"new {path}", f"{export}{_LIES}{end}", {path: text}
    for name, text in _JEST.items():
        yield "jest", name, f"{text}\nmodule.exports = {{ slug }};\n", {}
    for name, text in _VITEST.items():
        yield "vitest", name, text, {}
