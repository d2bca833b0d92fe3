"""What a model may not edit because the tests' verdict rests on it."""

from __future__ import annotations

import random

import pytest

from ralphd.context.file_graph import FileGraph
from ralphd.context.target import find_target
from ralphd.context.tree import MemoryTree
from ralphd.judging.reports import Report, TestCase
from ralphd.judging.verdict import TestRun
from ralphd.phases.answer_reader import AnswerReader, Rejected
from ralphd.phases.edit_permissions import refuse_path
from ralphd.phases.locked_files import own_tests_of, used_by


def kind(path: str, *, used: frozenset[str] = frozenset(), new: bool = False, target: str = "src/app.py") -> str:
    refusal = refuse_path(path, locked=(), used=used, allowed=(), target=target, new=new)
    return refusal.kind if refusal else ""


@pytest.mark.parametrize(
    "path",
    ["check.test.js", "src/x.test.ts", "__tests__/a.js", "a/b/OrderTest.java", "x_test.go", "a/__snapshots__/x.snap", "jest.config.ts",
     "src/tests.rs", "src/slug/tests/mod.rs", "spec/slug.js", "a/spec/spec_helper.rb", "src/test/kotlin/A.kt", "a/test/helper.rb", "SlugTest.php",
     "SlugTests.cs", "Sources/SlugTests.swift", "SlugSpec.scala", "t/slug.t", "slug.bats", "features/slug.feature", "cypress/a.cy.ts"],
)  # fmt: skip
def test_tests_by_their_names(path: str) -> None:
    assert kind(path) == "locked" and kind(path, target=path) == ""


@pytest.mark.parametrize(
    "path", ["src/latest.rs", "src/spec/schema.ts", "src/contest/a.py", "attests/a.py", "protest.go", "src/testing.py"]
)
def test_names_that_only_look_like_tests(path: str) -> None:
    assert kind(path) == ""


def test_what_the_baseline_used() -> None:
    tree = MemoryTree(
        {
            "checks/all_of_it.py": "from checks import helpers\nimport app\n\ndef test_a(): pass\n",
            "checks/helpers.py": "X = 1\n",
            "checks/__init__.py": "",
            "app.py": "import lib\n",
            "lib.py": "",
            "run.sh": "python checks/script.py\n",
            "checks/script.py": "",
        }
    )
    name = "checks/all_of_it.py::test_a"
    baseline = TestRun(("sh", "./run.sh"), 1, report=Report({name: TestCase(name, "failed")}))
    used = used_by(baseline, tree, FileGraph(tree), "app.py")
    assert {"checks/all_of_it.py", "checks/helpers.py", "run.sh", "checks/script.py"} <= used
    assert not {"app.py", "lib.py"} & used
    assert kind("checks/helpers.py", used=used) == "locked" and kind("CHECKS/helpers.py", used=used) == "locked"


_CHECKS = "from app import one\n\n\ndef check(given, right):\n    assert one(given) == right\n"
_NODE_CHECKS = (
    "const assert = require('node:assert');\nconst { one } = require('../app');\nassert.strictEqual(one(), 1);\n"
)
_GOLDEN = "from pathlib import Path\nimport app\n\nFOLDER = Path(__file__).parent / 'golden'\n"


@pytest.mark.parametrize(
    ("command", "files", "locked", "free"),
    [
        ("pytest", {"test_a.py": "from support.checks import check\n", "support/checks.py": _CHECKS}, "support/checks.py", ""),
        ("pytest", {"tests/test_a.py": "from support.checks import check\n", "conftest.py": "import support.checks\n",
                    "support/checks.py": "from support.base import check\n\nimport pytest\n", "support/base.py": _CHECKS},
         "support/checks.py support/base.py", ""),
        ("pytest", {"test_a.py": "import app\nimport shown.words\n", "shown/words.py": "import app\n\nassert app\nX = app.one()\n"}, "", "shown/words.py"),
        ("pytest", {"test_a.py": "from checks import check\n", "checks.py": _CHECKS, "main.py": "import checks\n"}, "", "checks.py"),
        ("node --test", {"a.test.js": "require('./lib/checks');\n", "lib/checks.js": _NODE_CHECKS}, "lib/checks.js", ""),
        ("node --test", {"a.test.js": "require('./app');\nrequire('./lib/more');\n", "lib/more.js": "require('../app');\n"}, "", "lib/more.js"),
        ("pytest", {"test_a.py": "", "checks.py": _CHECKS, "pytest.ini": "[pytest]\naddopts = -q -p checks\n"}, "checks.py", ""),
        ("pytest", {"test_a.py": "", "a/checks.py": "", "pyproject.toml": '[tool.pytest.ini_options]\naddopts = ["-p", "a.checks", "-p", "no:b"]\n', "b.py": ""},
         "a/checks.py", "b.py"),
        ("pytest -p checks", {"test_a.py": "", "checks.py": _CHECKS}, "checks.py", ""),
        ("pytest", {"test_a.py": "", "checks.py": _CHECKS, "conftest.py": "pytest_plugins = [\n    'checks',\n]\n"}, "checks.py", ""),
        ("make test", {"Makefile": "all: lib\n\tcc main.c\n\ntest: ready\n\t@$(PYTHON) check.py\n\nready:\n\tsh up.sh\n\nrun:\n\tpython main.py\n",
                       "check.py": "import app\nimport support.checks\n", "up.sh": ". scripts/common.sh\n", "scripts/common.sh": "python scripts/x.py\n",
                       "scripts/x.py": "", "main.py": "import app\n", "main.c": "", "support/checks.py": _CHECKS},
         "check.py up.sh scripts/common.sh scripts/x.py support/checks.py", "main.py main.c"),
        ("npm test", {"package.json": '{"scripts": {"test": "tsc main.ts && npm run unit", "unit": "node scripts/check.js", "start": "node server.js"}}',
                      "scripts/check.js": _NODE_CHECKS, "server.js": "", "main.ts": ""}, "scripts/check.js", "server.js main.ts"),
        ("node --require=./support/globals.js --test", {"support/globals.js": "", "a.test.js": ""}, "support/globals.js", ""),
        ("npm test", {"package.json": '{"exports": {"require": "./main.js"}, "jest": {"setupFilesAfterEnv": ["<rootDir>/support/matchers.js"],'
                                      ' "moduleNameMapper": {"x": "<rootDir>/other.js"}}}',
                      "support/matchers.js": "", "main.js": "", "other.js": ""}, "support/matchers.js", "main.js other.js"),
        ("npm test", {"jest.config.js": "module.exports = {\n  setupFiles: ['./support/a.js'],\n};\n", "support/a.js": ""}, "support/a.js", ""),
        ("pytest", {"tests/test_a.py": _GOLDEN, "tests/golden/home.txt": "", "tests/golden/deep/x.out": "", "data/x.out": ""},
         "tests/golden/home.txt tests/golden/deep/x.out", "data/x.out"),
        ("pytest", {"test_a.py": "import glob\n\nN = glob.glob('cases/*.out')\n", "cases/a.out": ""}, "cases/a.out", ""),
        ("node --test", {"a.test.js": "fs.readdirSync('fixtures').map((n) => `${n}`)\n", "fixtures/a.md": ""}, "fixtures/a.md", ""),
        ("pytest", {"test_a.py": "import sys\nsys.path.insert(0, 'src')\nopen('x')\n", "src/a.py": "", "src/page.html": ""}, "", "src/page.html"),
        ("pytest", {"test_a.py": "assert {'data': 1}\n", "data/words.txt": ""}, "", "data/words.txt"),
    ],
)  # fmt: skip
def test_what_the_verdict_rests_on_and_what_it_does_not(
    command: str, files: dict[str, str], locked: str, free: str
) -> None:
    tree = MemoryTree({"app.py": "def one(): ...\n", "app.js": "", **files})
    names = [path for path in files if "test_" in path or ".test." in path]
    cases = {f"{path}::test_a": TestCase(f"{path}::test_a", "failed") for path in names}
    baseline = TestRun(tuple(command.split()), 1, report=Report(cases))
    target = "app.js" if any(path.endswith(".js") for path in files) else "app.py"
    used = used_by(baseline, tree, FileGraph(tree), target)
    assert set(locked.split()) <= used
    assert not {target, *free.split()} & used


@pytest.mark.parametrize("path", ["pytest.py", "_pytest/x.py", "json.py", "src/app/__init__.py", "checks/__init__.py"])
def test_new_files_that_shadow(path: str) -> None:
    used = frozenset({"checks/test_a.py"})
    assert kind(path, used=used, new=True) == "control" and kind(path, used=used) == ""


def test_other_new_files() -> None:
    assert kind("src/more.py", new=True) == "" and kind("pkg/json.py", new=True) == ""


def answered(path: str, before: str, after: str, *, target: str = "src/app.py", at: str = "", **given: object) -> str:
    """The kind of answer: "" for a candidate, else the feedback that the model gets."""
    files = {"src/app.py": "X = 1\n", path: before}
    source = files[target]
    span = (source.index(at), source.index(at)) if at else None
    reader = AnswerReader(
        target=find_target(target, source, span),
        source=source,
        paths=frozenset(files),
        text_of=files.get,
        locked=("tests/**",),
        **given,  # type: ignore[arg-type]
    )
    found = reader.read(f"{path}\n```\n{after}```\n", complete=True)
    if isinstance(found, Rejected):
        assert found.locked == (path,), found.feedback
        return found.feedback
    assert path in found.texts
    return ""


@pytest.mark.parametrize(
    ("path", "before", "after", "free"),
    [
        ("package.json", '{"version": "1", "scripts": {"test": "jest"}}\n', '{"version": "2", "scripts": {"test": "jest"}}\n', True),
        ("package.json", '{"version": "1", "scripts": {"test": "jest"}}\n', '{"version": "1", "scripts": {"test": "true"}}\n', False),
        ("package.json", '{"name": "a"}\n', '{"name": "a", "jest": {"testMatch": []}}\n', False),
        ("pyproject.toml", '[project]\nname = "a"\n', '[project]\nname = "b"\n', True),
        ("pyproject.toml", "[tool.ruff]\nline-length = 80\n", "[tool.ruff]\nline-length = 120\n", True),
        ("pyproject.toml", '[project]\nname = "a"\n', '[project]\nname = "a"\n[tool.pytest.ini_options]\naddopts = "-k x"\n', False),
        ("pyproject.toml", '[build-system]\nrequires = []\n', '[build-system]\nrequires = ["x"]\n', False),
        ("setup.cfg", "[metadata]\nname = a\n", "[metadata]\nname = b\n", True),
        ("setup.cfg", "[metadata]\nname = a\n", "[metadata]\nname = a\n[tool:pytest]\naddopts = -k x\n", False),
    ],
)  # fmt: skip
def test_project_files_are_guarded_by_key(path: str, before: str, after: str, free: bool) -> None:
    assert (answered(path, before, after) == "") is free


_FORMS = ("a(b)", "c=d", "if(e){f()}", "g[h]", "i?j:k", "!l", "m&&n", "o||p", "q+r", "s-t", "for(;;)u", "v in w", "x.y")
PACKED = ";".join(random.Random(1).choices(_FORMS, k=1000)) + "\n"
"""Code as a minifier leaves it."""


@pytest.mark.parametrize(
    ("path", "head", "named"),
    [
        ("api_pb2.py", "# -*- coding: utf-8 -*-\n", "protoc"),
        ("api.go", "// Code generated by mockery v2.1. DO NOT EDIT.\n", "mockery"),
        ("schema.ts", "/* @generated by tools/make.py */\n", "tools/make.py"),
        ("tests/data.py", "# AUTOGENERATED, do not edit\n", "generated:"),
        ("lib.min.js", "var a\n", "generated:"),
        ("poetry.lock", "x = 1\n", "poetry"),
        ("packed.js", PACKED, "generated:"),
    ],
)
def test_generated_is_the_strongest(path: str, head: str, named: str) -> None:
    """Stronger than a test's own lock, and the feedback names what writes the file."""
    told = answered(path, head + "a = 1\n", head + "a = 2\n")
    assert "is generated" in told and named in told
    assert answered(path, head + "a = 1\n", head + "a = 2\n", allowed=(path,)) == "", "the person's own word"


def test_what_only_speaks_of_generated_code_is_free() -> None:
    text = 'HEADER = "# Code generated by us. DO NOT EDIT."\n'
    assert answered("src/writer.py", text, text + "A = 1\n") == ""


_RUST = (
    "fn one() -> i32 { 1 }\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn it() { assert_eq!(super::one(), 1); }\n}\n"
)
_RUST_ASYNC = (
    "#[cfg(not(test))]\nfn one() -> i32 { 1 }\n\n#[tokio::test]\nasync fn it() {\n    assert_eq!(one(), 1);\n}\n"
)
_RUST_EXAMPLE = "/// ```\n/// assert_eq!(one(), 1);\n/// ```\n#[inline]\nfn one() -> i32 { 1 }\n"
_VITEST = "export const one = () => 1;\nif (import.meta.vitest) {\n  expect(one()).toBe(1);\n}\n"
_DOCTEST = 'def one():\n    """\n    >>> one()\n    1\n    """\n    return 1\n'


@pytest.mark.parametrize(
    ("path", "text", "change", "test_change"),
    [
        ("src/lib.rs", _RUST, ("{ 1 }", "{ 1 + 0 }"), ("one(), 1)", "one(), 2)")),
        (
            "src/lib.rs",
            _RUST.replace("cfg(test)", "cfg(all(test, not(miri)))"),
            ("{ 1 }", "{ 1 + 0 }"),
            ("one(), 1)", "one(), 2)"),
        ),
        ("src/lib.rs", _RUST_ASYNC, ("{ 1 }", "{ 1 + 0 }"), ("one(), 1)", "one(), 2)")),
        ("src/lib.rs", _RUST_EXAMPLE, ("{ 1 }", "{ 1 + 0 }"), ("one(), 1)", "one(), 2)")),
        ("src/lib.rs", _RUST_EXAMPLE, ("{ 1 }", "{ 1 + 0 }"), ("/// ```\n/// a", "/// ```no_run\n/// a")),
        ("src/one.ts", _VITEST, ("=> 1;", "=> 2;"), ("toBe(1)", "toBe(2)")),
        ("src/one.py", _DOCTEST, ("return 1", "return 2"), ("    1\n", "    2\n")),
    ],
)
def test_own_tests_of_the_target_are_locked_as_regions(
    path: str, text: str, change: tuple[str, str], test_change: tuple[str, str]
) -> None:
    assert answered(path, text, text.replace(*change), target=path, doctests=True) == ""
    assert "is a test and is locked" in answered(path, text, text.replace(*test_change), target=path, doctests=True)
    if path.endswith(".py"):
        assert answered(path, text, text.replace(*test_change), target=path) == "", "nobody runs the examples"


_OWN = """\
import unittest

ROWS = [("a", "A"), ("b", "B")]
STEP = 1


def up(text):
    return text * STEP


class Base(unittest.TestCase):
    def check(self, given, right):
        self.assertEqual(up(given), right)


class T(Base):
    def test_it(self):
        for given, right in ROWS:
            self.check(given, right)


def test_more():
    assert up("c") == "C"


if __name__ == "__main__":
    assert up("d") == "D"
"""


@pytest.mark.parametrize(
    ("old", "new", "free"),
    [
        ("return text * STEP", "return text.upper()", True),
        ("STEP = 1", "STEP = 2", True),
        ("class Base", "def more():\n    pass\n\n\nclass Base", True),
        ('== "C"', "", False),
        ('== "D"', "", False),
        ('("a", "A"), ', "", False),
        ("self.assertEqual(up(given), right)", "up(given)", False),
        ("            self.check(given, right)", "            self.check(given, given)", False),
        ("if __name__", "def test_more():\n    pass\n\n\nif __name__", False),
        ("if __name__", "T.test_it = print\n\nif __name__", False),
    ],
)
def test_tests_in_a_python_target_are_locked(old: str, new: str, free: bool) -> None:
    changed = _OWN.replace(old, new)
    own = {"T", "test_more", "__main__"}
    assert (answered("src/up.py", _OWN, changed, target="src/up.py", own_tests=own) == "") is free
    assert answered("src/up.py", _OWN, changed, target="src/up.py") == "", "nobody runs them"


def test_which_tests_a_target_holds() -> None:
    tree = MemoryTree({"slug.py": ""})
    names = ("slug.py::T::test_a", "slug.py::test_b[x]", "slug.py::slug", "slug.py::slug.slug", "b.py::U::test_c")
    cases = {name: TestCase(name, "passed") for name in names}
    for command, main in ((("python", "-m", "pytest"), set()), (("python", "slug.py"), {"__main__"})):
        run = TestRun(command, 0, report=Report(cases))
        assert own_tests_of(run, tree, "slug.py") == {"T", "test_b", *main}


def test_a_target_in_a_test_file_is_the_permission_for_itself() -> None:
    text = "def test_a():\n    assert 1 == 2\n\n\ndef test_b():\n    assert 2 == 2\n"
    path, at = "tests/test_x.py", "assert 1"
    mended = text.replace("1 == 2", "1 == 1")
    assert answered(path, text, "import os\n" + mended, target=path, at=at) == ""
    assert "other tests" in answered(path, text, mended.replace("2 == 2", "True"), target=path, at=at)
    assert "other tests" in answered(path, text, "pytestmark = SKIP\n" + mended, target=path, at=at)
