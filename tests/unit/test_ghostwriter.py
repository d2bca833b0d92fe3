"""Ghostwritten properties: only where names and annotations give them, as modules that stand on their own."""

from __future__ import annotations

import ast
import random
import sys
import types

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ralphd.attack import test_modules
from ralphd.attack.adapters import PythonAdapter, adapter_for
from ralphd.attack.ghostwriter import GhostTest, ghost_module, ghostwrite


def written(source: str, span: tuple[int, int] | None = None) -> list[GhostTest]:
    return ghostwrite(source, span or (0, len(source)), "pkg.mod")


def names(source: str) -> list[str]:
    return [test.name for test in written(source)]


def run(source: str) -> dict[str, str]:
    """Each written test against the real code: `passed`, or the exception's name."""
    code = types.ModuleType("ghosted")
    text = ghost_module(ghostwrite(source, (0, len(source)), "ghosted"))
    sys.modules["ghosted"] = code
    try:
        exec(compile(source, "ghosted.py", "exec"), code.__dict__)
        module: dict[str, object] = {}
        exec(compile(text, "test_ghosted.py", "exec"), module)
        out = {}
        for name, test in module.items():
            if name.startswith("test_") and callable(test):
                try:
                    settings(database=None, derandomize=True, deadline=None, max_examples=200)(test)()
                    out[name] = "passed"
                except Exception as error:
                    out[name] = type(error).__name__
        return out
    finally:
        del sys.modules["ghosted"]


PAIR = "def {0}(x: int) -> str: ...\ndef {1}(y: str) -> int: ...\n"


@pytest.mark.parametrize(
    ("there", "back"),
    [
        ("encode", "decode"), ("encode_id", "decode_id"), ("to_text", "from_text"), ("dump", "load"), ("format_size", "parse_size"),
        ("int_to_roman", "roman_to_int"), ("serialize", "deserialize"), ("_pack_x", "_unpack_x"),
    ],
)  # fmt: skip
def test_inverses_are_known_by_name(there: str, back: str) -> None:
    assert f"test_{there}_then_{back}_gives_it_back" in names(PAIR.format(there, back))


@pytest.mark.parametrize(
    "source",
    [
        PAIR.format("encode_a", "decode_b"),
        PAIR.format("load", "reload"),
        "def encode(x: int) -> str: ...\ndef decode(y: bytes) -> int: ...\n",
        "def encode(x: int) -> str: ...\ndef decode(y: str) -> float: ...\n",
        "def encode(x: int, key: int) -> str: ...\ndef decode(y: str) -> int: ...\n",
        "async def encode(x: int) -> str: ...\ndef decode(y: str) -> int: ...\n",
    ],
)
def test_what_does_not_fit_is_no_round_trip(source: str) -> None:
    assert not [n for n in names(source) if "gives_it_back" in n]


def test_a_pair_is_written_once_and_found_from_either_half() -> None:
    source = PAIR.format("encode", "decode")
    assert len([n for n in names(source) if "gives_it_back" in n]) == 1
    at = source.index("def decode")
    assert [t.name for t in written(source, (at, len(source)))] == [
        "test_encode_then_decode_gives_it_back",
        "test_decode_returns_its_type",
    ]


def test_idempotence_needs_the_name_and_a_result_that_goes_in_again() -> None:
    assert "test_slugify_is_idempotent" in names("def slugify(text: str) -> str: ...\n")
    assert "test_clean_name_is_idempotent" in names("def clean_name(text: str, sep: str = '-') -> str: ...\n")
    assert not [n for n in names("def slugify(text: str) -> list[str]: ...\n") if "idempotent" in n]
    assert not [n for n in names("def shout(text: str) -> str: ...\n") if "idempotent" in n]
    assert not [n for n in names("def sort(items: list[int]) -> None: ...\n") if "idempotent" in n]


def test_a_reference_is_compared() -> None:
    for name in ("find_naive", "find_slow", "_find_reference", "naive_find"):
        source = f"def find(xs: list[int], x: int) -> int: ...\ndef {name}(xs: list[int], x: int) -> int: ...\n"
        assert f"test_find_is_as_{name}" in names(source)


def test_without_annotations_nothing_is_guessed() -> None:
    assert names("def encode(x): ...\ndef decode(y): ...\ndef slugify(text): ...\n") == []
    assert (
        names("def encode(x: Unknown) -> str: ...\ndef decode(y: str) -> Unknown: ...\n")
        == ["test_decode_returns_its_type"][:0]
    )


def test_the_docstring_is_quoted_and_cannot_break_out() -> None:
    source = "def slugify(text: str) -> str:\n    r'''Ends \"\"\" here \\ and ' \" there.'''\n    return text\n"
    (first, *_) = written(source)
    ast.parse(first.code)
    assert "`slugify` says:" in first.claim
    assert run(source)["test_slugify_is_idempotent"] == "passed"


def test_ranges_and_what_the_docstring_asks_for_are_kept() -> None:
    source = (
        "def clamp(x: int, lo: int, hi: int) -> int:\n    return max(lo, min(x, hi))\n"
        "def find(items: list[int], x: int) -> int:\n    'Where x stands in the sorted, non-empty items.'\n"
        "    import bisect\n    assert items == sorted(items) and items\n    return bisect.bisect_left(items, x)\n"
        "def root(n: int) -> int:\n    'Of a non-negative number.'\n    assert n >= 0\n    return int(n**0.5) if n < 10**9 else 0\n"
    )
    assert set(run(source).values()) == {"passed"} and len(run(source)) == 4


def test_bugs_are_found_and_right_code_passes() -> None:
    right = (
        "def encode(s: str) -> list[tuple[str, int]]:\n    out = []\n    for c in s:\n"
        "        if out and out[-1][0] == c:\n            out[-1] = (c, out[-1][1] + 1)\n        else:\n            out.append((c, 1))\n    return out\n"
        "def decode(runs: list[tuple[str, int]]) -> str:\n    return ''.join(c * n for c, n in runs)\n"
    )
    assert set(run(right).values()) == {"passed"}
    wrong = right.replace("out[-1][1] + 1)", "2)")
    assert run(wrong)["test_encode_then_decode_gives_it_back"] == "AssertionError"


def test_a_missing_return_breaks_the_declared_type_and_a_refusal_does_not() -> None:
    source = "def share(a: int, b: int) -> float:\n    if b:\n        return a / b\n"
    assert run(source) == {"test_share_returns_its_type": "AssertionError"}
    refusing = "class Bad(Exception): ...\ndef share(a: int, b: int) -> float:\n    if not b:\n        raise Bad\n    return a / b if abs(a) < 9**99 else 0\n"
    assert run(refusing) == {"test_share_returns_its_type": "passed"}


def test_classes_make_their_own_round_trip() -> None:
    source = (
        "from dataclasses import dataclass\n@dataclass\nclass Point:\n    x: int\n    y: int = 0\n"
        "    def to_dict(self) -> dict[str, int]:\n        return {'x': self.x, 'y': self.y}\n"
        "    @classmethod\n    def from_dict(cls, data: dict[str, int]) -> 'Point':\n        return cls(data['x'], data.get('y') or 1)\n"
    )
    assert run(source) == {"test_point_to_dict_then_from_dict_gives_it_back": "AssertionError"}


def test_annotations_become_strategies() -> None:
    source = (
        "import enum, typing\nfrom typing import Literal, Optional, Sequence, Union\nclass Colour(enum.Enum):\n    RED = 1\n"
        "def f(a: Optional[int], b: 'int | None', c: Literal['x', 'y'], d: tuple[int, str], e: tuple[int, ...], g: dict[str, list[bytes]],\n"
        "      h: Sequence[float], i: set[bool], j: Colour, k: typing.Union[int, str]) -> Colour:\n    return j\n"
    )
    assert run(source) == {"test_f_returns_its_type": "passed"}


def test_what_cannot_be_called_plainly_is_left_alone() -> None:
    assert names("def clean(*, text: str) -> str: ...\n") == []
    assert names("@app.route('/')\ndef clean(text: str) -> str: ...\n") == []
    assert names("def clean(text: str) -> str:\n    yield text\n") == []
    assert names("def __clean__(text: str) -> str: ...\n") == []
    assert names("def broken(:\n") == []
    assert ghost_module([]) == ""


def test_the_same_every_time() -> None:
    source = PAIR.format("encode", "decode") + "def clean(x: str) -> str: ...\n"
    assert ghost_module(written(source)) == ghost_module(written(source))


# surgery on test modules

MODULE = '''"""Attacks."""
from __future__ import annotations
import os, socket
from hypothesis import given, settings, strategies as st
from calc import clamp, mean

numbers = st.integers()


def helper(x):
    return clamp(x, 0, 1)


# about within
@given(numbers)
def test_within(x):
    """within"""
    assert 0 <= helper(x) <= 1


@settings(max_examples=5)
@given(st.lists(numbers))
def test_mean(xs):
    assert mean(xs) == 0


def test_net():
    socket.socket()


class TestBox:
    def test_one(self):
        assert mean([1]) == 1
'''


def test_keeping_some_tests_keeps_what_they_need_and_no_more() -> None:
    suite = test_modules.parse(MODULE)
    assert suite.tests == ("test_within", "test_mean", "test_net", "TestBox::test_one")
    kept = test_modules.keep(suite, {"test_within": ["kills: `<` → `<=` at line 3"]})
    ast.parse(kept)
    assert kept.startswith('"""Attacks."""') and "helper" in kept and "numbers" in kept
    assert "socket" not in kept and "mean" not in kept and "settings" not in kept and "os" not in kept.split()
    assert "# kills: `<` → `<=` at line 3\n# about within\n@given(numbers)" in kept
    assert test_modules.keep(suite, {}) == ""


def test_a_class_loses_the_tests_that_did_not_get_in() -> None:
    suite = test_modules.parse(
        "class TestBox:\n    size = 1\n\n    # bad\n    @staticmethod\n    def test_bad():\n        raise OSError\n\n"
        "    def helper(self):\n        return 2\n\n    def test_good(self):\n        assert self.helper()\n\n    def test_worse(self): ...\n"
    )
    assert test_modules.keep(suite, {"TestBox::test_good": ["kills: x"]}) == (
        "class TestBox:\n    size = 1\n\n    def helper(self):\n        return 2\n\n"
        "    # kills: x\n    def test_good(self):\n        assert self.helper()\n"
    )


def test_statements_on_one_line_stay_together() -> None:
    suite = test_modules.parse("a = 1; b = [\n    a,\n]\n\ndef test_a():\n    assert b\n")
    assert "a = 1; b = [\n    a,\n]" in test_modules.keep(suite, {"test_a": ()})


def test_imports_that_touch_the_outside_are_blamed_on_who_uses_them() -> None:
    assert test_modules.forbidden(test_modules.parse(MODULE)) == {"test_net": "network"}
    assert (
        test_modules.forbidden(test_modules.parse("from urllib.parse import quote\ndef test_a():\n    quote('')\n"))
        == {}
    )
    inside = test_modules.parse("def go():\n    import subprocess\ndef test_a():\n    go()\ndef test_b(): ...\n")
    assert test_modules.forbidden(inside) == {"test_a": "process"}
    own = test_modules.parse("from http.views import x\ndef test_a():\n    x\n")
    assert test_modules.forbidden(own, {"http"}) == {} and test_modules.forbidden(own) == {"test_a": "network"}


@pytest.mark.parametrize("word", ["Falsifying example", "Failing test case", "Falsifying explicit example"])
def test_hypothesis_words_are_read(word: str) -> None:
    notes = f"{word}: test_x(\n    x=-0.0,\n    text='a)\\n(',\n)\nExplanation: none"
    assert test_modules.falsifying(notes, "TestA::test_x") == {"x": "-0.0", "text": "'a)\\n('"}
    assert test_modules.falsifying(f"{word}: test_x(\n    x=<object at 0x…>,\n)", "test_x") is None


def test_examples_are_pinned_where_they_can_be_written() -> None:
    suite = test_modules.parse(MODULE)
    assert test_modules.reproducible(suite, {"x": "nan"}) == {"x": 'float("nan")'}
    assert (
        test_modules.reproducible(suite, {"x": "Unknown(1)"}) is None and test_modules.reproducible(suite, {}) is None
    )
    pinned = test_modules.with_examples(MODULE, {"test_mean": {"xs": "[]"}})
    tree = ast.parse(pinned)
    assert ast.get_docstring(tree) == "Attacks." and "@example(xs=[])\n@settings" in pinned
    assert pinned.index("from __future__") < pinned.index("from hypothesis import example")


def test_modules_are_joined_without_losing_a_test() -> None:
    one = "import os\n\ndef test_a():\n    assert os\n"
    other = "import os\nimport sys\n\nlimit = 1\n\ndef test_a():\n    assert sys and limit\n"
    joined = test_modules.join([one, other])
    assert test_modules.parse(joined).tests == ("test_a", "test_a_2") and joined.count("import os") == 1


@given(st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_keeping_all_keeps_all(rng: random.Random) -> None:
    suite = test_modules.parse(MODULE)
    chosen = [test for test in suite.tests if rng.random() < 0.6]
    kept = test_modules.keep(suite, dict.fromkeys(chosen, ()))
    assert list(test_modules.parse(kept).tests) == chosen if kept else not chosen


# where tests go


@pytest.mark.parametrize(
    ("path", "paths", "expected"),
    [
        ("calc.py", {"calc.py"}, "calc"),
        ("src/pkg/calc.py", {"src/pkg/__init__.py"}, "pkg.calc"),
        ("src/calc.py", set(), "calc"),
        ("pkg/sub/calc.py", {"pkg/__init__.py", "pkg/sub/__init__.py"}, "pkg.sub.calc"),
        ("server/pkg/calc.py", {"server/pkg/__init__.py"}, "pkg.calc"),
        ("pkg/__init__.py", {"pkg/__init__.py"}, "pkg"),
        ("scripts/calc.py", set(), "scripts.calc"),
    ],
)
def test_the_import_path_follows_the_packages(path: str, paths: set[str], expected: str) -> None:
    assert PythonAdapter().import_path(path, paths) == expected


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (set(), "tests/test_calc_chaos.py"),
        ({"tests/unit/test_calc.py", "tests/test_a.py", "tests/test_b.py"}, "tests/unit/test_calc_chaos.py"),
        ({"pkg/tests/test_a.py", "pkg/tests/test_b.py", "tests/test_c.py"}, "pkg/tests/test_calc_chaos.py"),
        ({"test_a.py"}, "test_calc_chaos.py"),
        ({"tests/test_calc.py", "tests/test_calc_chaos.py"}, "tests/test_calc_chaos_2.py"),
    ],
)
def test_new_tests_go_where_the_project_keeps_its_own(paths: set[str], expected: str) -> None:
    assert PythonAdapter().test_path("pkg/calc.py", paths) == expected


def test_only_languages_with_an_adapter_are_offered() -> None:
    assert adapter_for("a/b.py") is not None and adapter_for("a/b.rs") is None
