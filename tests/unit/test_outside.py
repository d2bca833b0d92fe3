"""Which tests can be had without their runner, and what the process that carries them out sees."""

from __future__ import annotations

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
    "_n = iter(['hello-world', 'hello-world', 'a-b', 'a'] * 9)\n\n\ndef slug(text):\n    return next(_n)\n": "called once more",
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


@pytest.mark.parametrize("product", SEEN, ids=list(SEEN.values()))
def test_what_is_right_in_the_tests_alone(product: str, tmp_path: Path) -> None:
    tests = PLAIN if "_n =" in product or "sys.modules" in product else ROWS
    assert SEEN[product] in seen(tmp_path, tests, product)


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
