"""Mutants: one edit each, everything else byte for byte as it was, no needless ones, always the same ones."""

from __future__ import annotations

import ast
import difflib
import types
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ralphd.attack import mutants as module_under_test
from ralphd.attack.mutants import KINDS, Mutant, mutants

PAGE = '''"""A page of items: `1 < 2` in a docstring is no code."""
import logging

logger = logging.getLogger(__name__)
LIMIT = 10


def page(items: list[int], number: int = 1, size: int = 10) -> "list[int]":
    """Items of page `number`; 1 <= number."""
    if number < 1 or not size:
        raise ValueError(f"page {number + 1}")
    logger.info("page %d", number + 7)
    start = (number - 1) * size
    found = []
    for index in range(start, start + size):
        if index <= len(items) - 1:
            found.append(items[index])
    return found


class Box:
    def __init__(self, width: int) -> None:
        self.width = width

    def __repr__(self) -> str:
        return "Box" + str(self.width - 1)

    def grow(self, by: int) -> bool:
        self.width += by
        return self.width > 0 and by != 0
'''


def whole(source: str, limit: int = 1000) -> list[Mutant]:
    return mutants(source, (0, len(source)), limit)


def one_edit(source: str, mutant: str) -> tuple[str, str]:
    """What was there and what is there now; fails where more than one place changed."""
    changes = [
        op for op in difflib.SequenceMatcher(None, source, mutant, autojunk=False).get_opcodes() if op[0] != "equal"
    ]
    first, last = changes[0], changes[-1]
    return source[first[1] : last[2]], mutant[first[3] : last[4]]


def descriptions(source: str) -> list[str]:
    return [m.description for m in whole(source)]


def test_every_kind_is_made_and_every_mutant_compiles() -> None:
    found = whole(PAGE)
    assert {m.kind for m in found} == set(KINDS)
    for mutant in found:
        compile(mutant.text, "x", "exec")
    assert "`<=` → `<` at line 16" in [m.description for m in found]
    assert "`found.append(items[index])` removed at line 17" in [m.description for m in found]
    assert "`return found` → `return None` at line 18" in [m.description for m in found]


def test_each_changes_its_own_line_only_and_says_which() -> None:
    for mutant in whole(PAGE):
        before, after = PAGE.splitlines(), mutant.text.splitlines()
        assert [n + 1 for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] == [mutant.line]
        assert mutant.description.endswith(f" at line {mutant.line}")


def test_docstrings_hints_defaults_logs_messages_and_repr_are_left_alone() -> None:
    lines = {m.line for m in whole(PAGE)}
    assert not lines & {1, 2, 4, 5, 8, 9, 12, 23, 26}
    assert all("page {number" not in m.description or m.description.startswith("`raise") for m in whole(PAGE))


def test_only_inside_the_span() -> None:
    start = PAGE.index("    def grow")
    assert {m.line for m in mutants(PAGE, (start, len(PAGE)), 100)} == {29, 30}


def test_few_are_spread_over_kinds_and_functions() -> None:
    few = mutants(PAGE, (0, len(PAGE)), 7)
    assert len(few) == 7
    assert {m.kind for m in few} == set(KINDS)
    assert any(m.line >= 28 for m in few) and any(m.line <= 18 for m in few)
    assert few == sorted(few, key=lambda m: m.line)


def test_the_same_every_time() -> None:
    assert mutants(PAGE, (0, len(PAGE)), 8) == mutants(PAGE, (0, len(PAGE)), 8)


@pytest.mark.parametrize("eol", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_bom_tabs_and_wide_characters_keep_their_bytes(eol: str, mark: str) -> None:
    source = mark + eol.join(
        ["# ünïcode 𝄞", "def f(n):", "\ttext = '𝄞é' if n <= 3 else 'ß'  # ≤ 3", "\treturn text * (n + 1)  ", ""]
    )
    found = whole(source)
    assert {m.kind for m in found} >= {"boundary", "arithmetic", "off by one", "comparison"}
    edits = {one_edit(source, m.text) for m in found}
    assert ("=", "") in edits and ("+", "-") in edits and ("3", "4") in edits
    for mutant in found:
        assert mutant.text.startswith(mark) and mutant.text.count(eol) == source.count(eol)
        assert mutant.text.count("𝄞") == 2 and mutant.text.endswith(eol)


def test_span_with_a_bom_means_the_same_place() -> None:
    source = "\ufeff" + PAGE
    start = source.index("    def grow")
    assert {m.line for m in mutants(source, (start, len(source)), 100)} == {29, 30}


@pytest.mark.parametrize(
    "body",
    [
        "best = x\n    for y in z:\n        if y > best:\n            best = y\n    return best",
        "return x if x > z else z",
        "return -x if x < 0 else x",
        "if x < 0:\n        x = -x\n    return x",
        "if x > z:\n        x, z = z, x\n    return x",
    ],
)
def test_boundaries_that_change_nothing_are_left_out(body: str) -> None:
    found = whole(f"def f(x, z):\n    {body}\n")
    assert found and not [m for m in found if m.kind == "boundary"]


def test_what_compiles_to_the_same_program_is_left_out() -> None:
    # the compiler folds `2 - 0` and `2 + 0` to the same constant
    source = "def f(x):\n    return x + (2 - 0)\n"
    assert not [m for m in whole(source) if "`-` → `+`" in m.description]
    assert [m for m in whole(source) if m.description.startswith("`0` → `1`")]


def test_no_two_are_the_same_program() -> None:
    source = "def f(x):\n    return not x\n"
    texts = [m.text for m in whole(source)]
    assert len(texts) == len(set(texts)) == len({_program(t) for t in texts})


def _program(text: str) -> object:
    code = compile(text, "x", "exec", optimize=2)
    inner = next(c for c in code.co_consts if isinstance(c, types.CodeType))
    return inner.co_code, tuple(map(repr, inner.co_consts))


def test_unreachable_code_is_left_alone() -> None:
    source = "def f(x):\n    if 0:\n        x += 1\n    while False:\n        x += 2\n    return x < 3\n    x = x + 4\n"
    assert {m.line for m in whole(source)} == {6}


def test_operators_hidden_between_brackets_and_comments_are_found() -> None:
    source = "def f(a, b):\n    return (\n        (a)  # <= is not this one\n        \\\n        is  not (\n            b\n        )\n    )\n"
    assert "`is not` → `is` at line 5" in descriptions(source)


def test_text_is_not_added_with_a_minus() -> None:
    assert not [m for m in whole("def f(a):\n    return 'x' + a + f'{a}'\n") if m.kind == "arithmetic"]


def test_negative_numbers_move_as_a_whole() -> None:
    assert "`-1` → `-2` at line 2" in descriptions("def f(a):\n    return a[-1]\n")


@pytest.mark.parametrize("source", ["def f(:\n", "", "x = 1 < 2\n", "\0", "def f(): return '\ud800' < 1\n"])
def test_what_cannot_be_mutated_has_none(source: str) -> None:
    assert whole(source) == []


def test_deep_nesting_is_survived() -> None:
    assert isinstance(whole("def f(a):\n    return " + "(" * 80 + "a < 1" + ")" * 80 + "\n"), list)
    assert isinstance(whole("def f(a):\n    return " + "a + " * 5000 + "1\n"), list)


def test_own_sources_keep_every_other_byte() -> None:
    source = Path(module_under_test.__file__).read_text("utf-8")
    for mutant in mutants(source, (0, len(source)), 60):
        ast.parse(mutant.text)
        before, after = source.splitlines(), mutant.text.splitlines()
        if len(before) == len(after):
            assert [n + 1 for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] == [mutant.line]


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(st.sampled_from(["a", "é", "名", "x1"]), min_size=1, max_size=4),
    operator=st.sampled_from(["<", "<=", ">", ">=", "==", "!=", " is ", " is not ", " in ", " not in "]),
    pad=st.text(alphabet=" \t", max_size=3),
    comment=st.text(alphabet="<>=𝄞é #()", max_size=8),
)
def test_any_comparison_is_changed_in_its_place(names: list[str], operator: str, pad: str, comment: str) -> None:
    chain = f"{pad}{operator}{pad}".join([*names, "0"])
    source = f"def f(a, é, 名, x1):\n    # {comment}\n    return ({chain})  # {comment}\n"
    found = [m for m in whole(source) if m.kind == "comparison"]
    assert len(found) == len(names)
    for mutant in found:
        before, after = source.split("\n"), mutant.text.split("\n")
        assert mutant.line == 3 and before[:2] == after[:2] and after[2].endswith(f")  # {comment}")
        ast.parse(mutant.text)
