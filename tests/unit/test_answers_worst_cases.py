"""Megabytes of text made to be slow to read: time grows with the length, never with its square.

CPU seconds are counted, which other work on the machine does not add to. One second is what a megabyte may take; the limit
here is wider, for slow machines, and what grows with the square takes minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from ralphd.answers.elision import elision
from ralphd.answers.locating import locate, nearest
from ralphd.answers.modules import read_module
from ralphd.answers.placing import place_region
from ralphd.answers.plain_text import plain
from ralphd.answers.reading import read_edits
from ralphd.answers.resolving import resolve
from ralphd.answers.review import partial_findings, read_review
from ralphd.answers.values import MAX_ANSWER
from ralphd.context.target import find_target
from ralphd.core.edits import Block, FileEdit, hunks, keep_form, unified
from ralphd.core.line_diff import changes

SIZE = 1_000_000
LIMIT_S = 2.0
"""Of processor time. Quiet it is under one second; other work on the machine makes the same instructions dearer."""
FENCES_AND_TAGS = [
    "       ```a\nx\n",
    "```x\n</think>\n",
    "<think>\n",
    "<<<<<<< SEARCH\n",
    "a.py\n```\nx\n```\n",
    "x a.py b.py:\n",
    "\n",
]
OBJECTS_AND_MARKUP = ["{", '{"a":', "\x1b]", "[a](", "<b<b", "\u00ad"]
CODE = ["def f():\n", '"', "[", "    ", "# ...\n", "a" * 10_000 + "\n"]
LINES = ["\n", "a\nb\n", "```\n", "\r"]


def within(work: Callable[[], object]) -> None:
    started = time.process_time()
    work()
    assert time.process_time() - started < LIMIT_S


def filled(piece: str, size: int = SIZE) -> str:
    return (piece * (size // len(piece) + 1))[:size]


@pytest.mark.parametrize("piece", FENCES_AND_TAGS, ids=repr)
def test_reading_takes_time_in_proportion(piece: str) -> None:
    longest = filled(piece, MAX_ANSWER - 100)
    within(lambda: read_edits(filled(piece), "a.py", "f"))
    within(lambda: read_edits(longest, "a.py", "f"))
    within(lambda: read_edits(f"a.py\n```python\n{longest}\n```\n", "a.py", "f"))
    within(lambda: read_module(longest))


@pytest.mark.parametrize("piece", OBJECTS_AND_MARKUP, ids=repr)
def test_reviews_and_messages_take_time_in_proportion(piece: str) -> None:
    text = filled(piece)
    within(lambda: (read_review(text), partial_findings('"findings"' + text)))
    within(lambda: plain(text))


@pytest.mark.parametrize("piece", CODE, ids=lambda p: p[:10])
def test_placing_takes_time_in_proportion(piece: str) -> None:
    text, longest = filled(piece), filled(piece, MAX_ANSWER - 100)
    within(lambda: elision(text, "x", "a.py"))
    within(lambda: resolve((FileEdit("a.txt", (Block("no such line", longest),)),), {"a.txt": text}))
    within(lambda: resolve((FileEdit("a.py", whole=longest),), {"a.py": "x\n"}))
    source = "def f(x):\n    return 0\n"
    within(lambda: place_region(source, find_target("m.py", source, (1, 1)), longest))


@pytest.mark.parametrize("piece", LINES, ids=repr)
def test_comparing_takes_time_in_proportion(piece: str) -> None:
    text = filled(piece)
    within(lambda: locate(text, text[: SIZE // 2] + "Q"))
    within(lambda: nearest(text, text))
    within(lambda: hunks(text, text[::-1]))
    within(lambda: (unified("a", text, text[1:]), keep_form(text, text[::-1])))


def test_long_files_and_long_lines_are_compared_in_time() -> None:
    old, new = [f"line {n}\n" for n in range(12_000)], [f"other {n}\n" for n in range(12_000)]
    within(lambda: hunks("".join(old), "".join(new)))
    within(lambda: hunks("".join(old), "".join(reversed(old))))
    within(lambda: changes(["a", "b"] * 100_000, ["b", "a"] * 100_000))
    within(lambda: nearest("x" * 10_000, "y" * 10_000))
