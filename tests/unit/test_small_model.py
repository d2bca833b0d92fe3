"""A small model's hostile tests: what is mended without asking again, and whose claim is believed."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralphd.answers.values import FormatError
from ralphd.phases.small_model import is_quoted, read

SOURCE = '''"""Slugs."""

import re

LONGEST = 24


def slugify(title):
    """Lower case words, at most 24 characters. A slug is its own slug."""
    return re.sub("[^a-z]+", "-", title.lower())[:LONGEST]
'''
TEST = """@given(title=st.text())
def test_{name}(title):
    assert len(slugify(title)) <= LONGEST
"""


def module(answer: str, most: int = 2) -> str:
    found = read(answer, SOURCE, "app.slug", most)
    assert isinstance(found, str), found
    ast.parse(found)
    return found


def test_missing_imports_are_added() -> None:
    text = module("```python\n" + TEST.format(name="a") + "```\n")
    assert "from hypothesis import given\n" in text and "from hypothesis import strategies as st\n" in text
    assert "from app.slug import LONGEST, slugify\n" in text and "pytest" not in text


def test_what_is_imported_is_not_imported_twice() -> None:
    head = "from hypothesis import given, strategies as st\nfrom app.slug import slugify, LONGEST\n\n\n"
    assert module(f"```python\n{head}{TEST.format(name='a')}```\n").count("import") == 2


def test_local_names_are_not_imported_and_future_imports_go() -> None:
    source = SOURCE + "TABLE = {c: i for i, c in enumerate('abc')}\nif __name__ == '__main__':\n    result = 1\n"
    answer = "```python\nfrom __future__ import annotations\n\n\n@given(i=st.text())\ndef test_a(i):\n    result = slugify(i)\n    assert result\n```"
    found = read(answer, source, "app.slug", 2)
    assert isinstance(found, str) and "from app.slug import slugify\n" in found and "__future__" not in found


def test_fences_of_any_kind() -> None:
    for mark in ("~~~", "````"):
        assert "test_a" in module(f"{mark}python\n{TEST.format(name='a')}\n\n@given(")


def test_a_copy_of_the_target_is_replaced_by_the_target() -> None:
    copied = "LONGEST = 24\n\n\ndef slugify(title):\n    return title\n\n\n" + TEST.format(name="a")
    text = module(f"```python\n{copied}```\n")
    assert "def slugify" not in text and "from app.slug import LONGEST, slugify" in text


def test_a_cut_answer_gives_its_whole_tests_and_no_more_than_asked_for() -> None:
    tests = "\n\n".join(TEST.format(name=name) for name in "abc")
    whole = f"```python\n{tests}\n\n"
    for cut in (
        whole + "@given(x=st.te",
        whole + "@given(title=st.text())\ndef test_d(title):\n    assert slug",
        whole,
    ):
        text = module(cut)
        assert "test_a" in text and "test_b" in text and "test_c" not in text and "test_d" not in text


@pytest.mark.parametrize(
    "answer", ["", "I cannot.", "```python\n", "```python\nx = 1\n```", "```python\ndef test_\n```"]
)
def test_without_a_test_there_is_none(answer: str) -> None:
    assert isinstance(read(answer, SOURCE, "app.slug", 2), FormatError)


@given(st.text(max_size=200), st.integers(0, 300))
def test_any_text_is_a_value(noise: str, at: int) -> None:
    whole = "```python\n" + TEST.format(name="a") + "```\n"
    found = read(whole[:at] + noise + whole[at:], SOURCE, "app.slug", 2)
    if isinstance(found, str):
        ast.parse(found)


@pytest.mark.parametrize(
    ("claim", "believed"),
    [
        ('bound: "at most 24 characters" ', True),
        ('idempotent: "A  slug is\n its own slug." ', True),
        ("“Lower case words”", True),
        ('slug of "a" is short: "at most 24 characters" ', True),
        ('bound: "at most 2" ', False),
        ('code: "return re.sub" ', False),
        ('unique: "Each article must be unique." ', False),
        ('bound: "at most" ', False),
        ("at most 24 characters", False),
        ("", False),
    ],
)
def test_a_claim_is_believed_where_the_code_says_it(claim: str, believed: bool) -> None:
    assert is_quoted(claim, SOURCE) is believed
