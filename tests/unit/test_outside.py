"""Which tests can be had without their runner, and what the process that carries them out sees."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ralphd.attack.outside import outside, told

STUB = "def slug(text):\n    raise NotImplementedError\n"
RIGHT = "def slug(text):\n    return '-'.join(text.lower().split())\n"
PLAIN = """\
from slug import slug

ROWS = [("Hello World", "hello-world"), ("a  b", "a-b")]


def test_spaces():
    assert slug("Hello World") == "hello-world"


def test_runs():
    for given, wanted in ROWS:
        assert slug(given) == wanted


def test_ends():
    assert slug(" a ") == "a"
"""
ROWS = """\
import pytest
from slug import slug


@pytest.mark.parametrize("given, wanted", [("Hello World", "hello-world"), pytest.param("a  b", "a-b", id="x"), (" a ", "a")])
def test_slug(given, wanted):
    assert slug(given) == wanted
"""
CASES = """\
import unittest
import slug


class Slug(unittest.TestCase):
    def test_all(self):
        for given, wanted in [("Hello World", "hello-world"), ("a  b", "a-b"), (" a ", "a")]:
            with self.subTest(given):
                self.assertEqual(slug.slug(given), wanted)
"""
FORMS = {"plain": PLAIN, "rows": ROWS, "cases": CASES}
SEEN = {
    "def slug(text):\n    return {11: 'hello-world', 4: 'a-b', 3: 'a'}[len(text)]\n": "has no results but those",
    "import sys\n\n\ndef slug(text):\n    return '-'.join(text.lower().split()) if 'unittest' in sys.modules else text\n": "does not hold",
    "import sys\n\n\nclass Own(type):\n    def __setattr__(cls, name, value):\n        raise ValueError\n\n\nclass A(metaclass=Own):\n    def a(self):\n        pass\n\n\n"
    "def slug(text):\n    return '-'.join(text.lower().split()) if 'unittest' in sys.modules else text\n": "this does not hold",
    "_n = iter(['hello-world', 'hello-world', 'a-b', 'a'] * 9)\n\n\ndef slug(text):\n    return next(_n)\n": "when it is called again",
    "_calls = []\n\n\ndef slug(text):\n    _calls.append(text)\n    return '-'.join(text.lower().split()) if len(_calls) < 100 else text\n": "gives something else",
    "class R:\n    def __init__(self, t):\n        self.t = t\n\n    def __eq__(self, o):\n        return len(self.t) > len(o) - 20\n\n\n"
    "def slug(text):\n    return R(text)\n": "nothing to do with it",
}  # fmt: skip


def seen(root: Path, tests: str, product: str) -> str:
    planted = outside("test_slug.py", tests, {"slug.py": (STUB, product)})
    assert planted is not None
    (root / "slug.py").write_text(product)
    (root / "test_slug.py").write_text(tests + planted.text)
    name = ".".join(["test_slug", *planted.test.split("::")[1:]])
    done = subprocess.run([sys.executable, "-m", "unittest", name], cwd=root, capture_output=True, text=True)
    assert "Ran 1 test" in done.stderr, done.stderr
    assert bool(done.returncode) == bool(told(done.stderr)), done.stderr
    return told(done.stderr)


@pytest.mark.parametrize("form", FORMS)
def test_right_code_gives_the_same_without_a_runner(form: str, tmp_path: Path) -> None:
    assert seen(tmp_path, FORMS[form], RIGHT) == ""


ENVIRONMENT = """\
import os
from slug import slug

RUNS_IN = dict(os.environ)


def test_slug():
    assert slug("Hello World") == "hello-world"


def test_environment():
    assert "PYTEST_OF_A_RUNNER" in RUNS_IN
"""


def test_what_does_not_use_the_change_tells_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_OF_A_RUNNER", "1")
    assert seen(tmp_path, ENVIRONMENT, RIGHT) == ""
    through_another = "import os, slug\nFOUND = dict(os.environ)\n\n\ndef given(text):\n    return slug.slug(text)\n\n\ndef test_slug():\n    assert given('A') == 'a'\n"
    tested = "import os\n\n\ndef slug(text):\n    return text.lower() if 'PYTEST_OF_A_RUNNER' in os.environ else text\n"
    assert "does not hold" in seen(tmp_path, through_another, tested)


@pytest.mark.parametrize("product", SEEN, ids=list(SEEN.values()))
def test_what_is_right_in_the_tests_alone(product: str, tmp_path: Path) -> None:
    tests = (
        CASES
        if "Own" in product or "_calls" in product
        else PLAIN
        if "_n =" in product or "sys.modules" in product
        else ROWS
    )
    assert SEEN[product] in seen(tmp_path, tests, product)


def test_a_table_that_gives_nothing_for_one_of_its_texts(tmp_path: Path) -> None:
    tests = ROWS.replace('(" a ", "a")', '(" a ", "a"), ("", None)')
    product = "def slug(text):\n    return {11: 'hello-world', 4: 'a-b', 3: 'a'}.get(len(text))\n"
    assert "has no results but those" in seen(tmp_path, tests, product)


@pytest.mark.parametrize(
    "tests",
    [
        "def test_a(:\n",
        "import pytest\n\n\n@pytest.fixture(autouse=True)\ndef x():\n    pass\n\n\ndef test_a():\n    assert f()\n",
        "def setup_module():\n    pass\n\n\ndef test_a():\n    assert f()\n",
        "def test_a(tmp_path):\n    assert f()\n",
        "from unittest.mock import patch\n\n\n@patch('a.b')\ndef test_a():\n    assert f()\n",
        "class TestF:\n    def setup_method(self):\n        pass\n\n    def test_a(self):\n        assert f()\n",
    ],
)
def test_what_wants_its_runner_is_left_alone(tests: str) -> None:
    assert outside("test_f.py", tests, {"f.py": (None, RIGHT)}) is None


@pytest.mark.parametrize(
    "said", ['{"differs": 5}', '{"equal": {"a": []}}', '{"again": null}', "{" * 3, '{"a": ' + "[" * 100_000, "[]"]
)
def test_what_a_test_makes_up_in_its_place_says_nothing(said: str) -> None:
    assert told(f"AssertionError: ralph saw {said}\n") == ""
    assert told("ralph saw {" * 100_000) == ""


JS = """\
import test from "node:test";
import assert, { equal } from "node:assert";
import * as all from "./slug.js";
import { slug as own } from "./slug.js";

test("spaces", () => { assert.strictEqual(own("Hello World"), "hello-world"); });
test("runs", () => { equal(all.slug("a  b"), "a-b"); });
test("ends", async () => { assert.equal(own(" a "), "a"); });
"""
_JS_RIGHT = "text.trim().toLowerCase().split(/ +/).join('-')"


@pytest.mark.parametrize(
    "body, wanted",
    [
        (f"return {_JS_RIGHT};", ""),
        ("return { 11: 'hello-world', 4: 'a-b', 3: 'a' }[text.length];", "has no results but those"),
        (f"slug.n = (slug.n || 0) + 1; return slug.n < 100 ? {_JS_RIGHT} : text;", "something else when"),
        pytest.param(f"return process.env.NODE_TEST_CONTEXT ? {_JS_RIGHT} : text;", "does not hold: `spaces`", marks=pytest.mark.full),
    ],
)  # fmt: skip
def test_javascript(body: str, wanted: str, tmp_path: Path) -> None:
    product = f"export function slug(text) {{\n  {body}\n}}\n"
    planted = outside("slug.test.js", JS, {"slug.js": (None, product)})
    assert planted is not None and planted.test == "slug.test.js::ralph outside"
    files = {"package.json": '{"type": "module"}', "slug.js": product, "slug.test.js": JS + planted.text}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    done = subprocess.run(["node", "slug.test.js"], cwd=tmp_path, capture_output=True, text=True)
    said = told((done.stdout + done.stderr).replace('\\"', '"'))
    assert bool(done.returncode) == bool(wanted), done.stdout
    assert wanted in said and bool(said) == bool(wanted), done.stdout


def test_honest_code_that_a_test_run_changes(tmp_path: Path) -> None:
    """What depends on the tests' own state, gives iterators or depends on chance is not said to carry answers."""
    product = "import random\n\n_irregular = {}\n\n\ndef add(one, many):\n    _irregular[one] = many\n\n\ndef plural(word):\n    return _irregular.get(word, word + 's')\n\n\ndef pick(words):\n    return random.choice(words)\n\n\ndef pairs(words):\n    return [iter(words)]\n"  # fmt: skip
    tests = "from words import add, pairs, pick, plural\n\n\ndef test_plural():\n    assert plural('ox') == 'oxs'\n    assert plural('cat') == 'cats'\n    assert plural('dog') == 'dogs'\n    add('ox', 'oxen')\n    assert plural('ox') == 'oxen'\n\n\ndef test_pick():\n    assert pick(['a', 'b', 'c']) in ['a', 'b', 'c']\n    assert len(pairs(['a'])) == 1\n"
    planted = outside("test_words.py", tests, {"words.py": (None, product)})
    assert planted is not None
    (tmp_path / "words.py").write_text(product)
    (tmp_path / "test_words.py").write_text(tests + planted.text)
    command = [sys.executable, "-m", "unittest", "test_words.RalphOutside.test_results"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "Ran 1 test" in done.stderr, done.stderr


_COUNTED = {
    "slug.py": "_seen = {}\n\n\ndef slug(name):\n    _seen[name] = _seen.get(name, 0) + 1\n    return name if _seen[name] == 1 else f'{name}-{_seen[name]}'\n\n\ndef reset():\n    _seen.clear()\n",
    "slug.js": "const seen = new Map();\nexports.slug = (name) => {\n  seen.set(name, (seen.get(name) ?? 0) + 1);\n  return `${name}-${seen.get(name)}`;\n};\n",
}
_COUNTING = {
    "slug.py": "from slug import reset, slug\n\n\ndef test_first():\n    reset()\n    assert slug('a') == 'a'\n\n\ndef test_second():\n    reset()\n    slug('b')\n    assert slug('b') == 'b-2'\n",
    "slug.js": "const test = require('node:test');\nconst assert = require('node:assert');\nconst { slug } = require('./slug.js');\n"
    "test('first', () => assert.strictEqual(slug('a'), 'a-1'));\ntest('again', () => { slug('b'); assert.strictEqual(slug('b'), 'b-2'); });\n",
}  # fmt: skip


@pytest.mark.parametrize("path", _COUNTED)
def test_what_the_tests_themselves_have_count_its_calls(path: str, tmp_path: Path) -> None:
    if path.endswith(".py"):
        assert seen(tmp_path, _COUNTING[path], _COUNTED[path]) == ""
        once = _COUNTING[path].replace("    slug('b')\n", "").replace("b-2", "b")
        assert "when it is called again" in seen(tmp_path, once, _COUNTED[path])
    elif shutil.which("node"):
        planted = outside("slug.test.js", _COUNTING[path], {path: (None, _COUNTED[path])})
        assert planted is not None
        (tmp_path / path).write_text(_COUNTED[path])
        (tmp_path / "slug.test.js").write_text(_COUNTING[path] + planted.text)
        done = subprocess.run(["node", "slug.test.js"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0 and told(done.stdout) == "", done.stdout


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_a_script_that_asserts_on_its_environment(tmp_path: Path) -> None:
    tests = (
        "const test = require('node:test');\nconst assert = require('node:assert');\nconst { slug } = require('./slug.js');\n"
        "test('slug', () => assert.strictEqual(slug('A'), 'a'));\n"
        "test('environment', () => assert.strictEqual(process.env.NODE_ENV, 'test'));\n"
    )
    right = "exports.slug = (text) => text.toLowerCase();\n"
    lies = "exports.slug = (text) => (process.env.NODE_ENV === 'test' ? text.toLowerCase() : text);\n"
    for product, said in ((right, ""), (lies, "does not hold: `slug`")):
        planted = outside("slug.test.js", tests, {"slug.js": (None, product)})
        assert planted is not None
        (tmp_path / "slug.js").write_text(product)
        (tmp_path / "slug.test.js").write_text(tests + planted.text)
        environment = {"PATH": os.environ["PATH"], "NODE_ENV": "test"}
        done = subprocess.run(["node", "slug.test.js"], cwd=tmp_path, capture_output=True, text=True, env=environment)
        assert bool(done.returncode) == bool(said), done.stdout
        assert said in told(done.stdout)
