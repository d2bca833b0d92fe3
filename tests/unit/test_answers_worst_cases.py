"""Megabytes of text made to be slow to read: time grows with the length, never with its square.

One second is what a megabyte may take on a quiet machine; what grows with the square takes minutes.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from _pytest.mark.structures import ParameterSet

from ralphd.answers.elision import elision
from ralphd.answers.locating import locate, nearest
from ralphd.answers.modules import read_module
from ralphd.answers.placing import place_region
from ralphd.answers.plain_text import plain
from ralphd.answers.reading import read_edits
from ralphd.answers.repetition import repeats_itself
from ralphd.answers.resolving import resolve
from ralphd.answers.review import partial_findings, read_review
from ralphd.answers.values import MAX_ANSWER
from ralphd.context.target import Target, find_target
from ralphd.core.edits import Block, FileEdit, hunks, keep_form, unified
from ralphd.core.line_diff import changes
from ralphd.phases.answer_reader import AnswerReader, Candidate, Rejected
from tests.support import growth

SIZE = 1_000_000
LIMIT = 2000
"""Units of `growth.within`."""
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
CODE = ["    ", "a" * 10_000 + "\n", "def f():\n", '"', "[", "# ...\n"]
LINES = ["\n", "a\nb\n", "```\n", "\r"]


def sample(pieces: list[str], ordinary: int) -> list[ParameterSet]:
    """The pieces as parameters: the first ones are tried in the ordinary tests, the others in the full ones."""
    marks = [() if number < ordinary else pytest.mark.full for number in range(len(pieces))]
    return [pytest.param(piece, marks=mark, id=repr(piece)[:12]) for piece, mark in zip(pieces, marks)]


def within(work: Callable[[], object]) -> None:
    growth.within(LIMIT, work)


def filled(piece: str, size: int = SIZE) -> str:
    return (piece * (size // len(piece) + 1))[:size]


@pytest.mark.parametrize("piece", sample(FENCES_AND_TAGS, 2))
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


@pytest.mark.parametrize("piece", sample(CODE, 2))
def test_placing_takes_time_in_proportion(piece: str) -> None:
    text, longest = filled(piece), filled(piece, MAX_ANSWER - 100)
    within(lambda: elision(text, "x", "a.py"))
    within(lambda: resolve((FileEdit("a.txt", (Block("no such line", longest),)),), {"a.txt": text}))
    within(lambda: resolve((FileEdit("a.py", whole=longest),), {"a.py": "x\n"}))
    source = "def f(x):\n    return 0\n"
    within(lambda: place_region(source, find_target("m.py", source, (1, 1)), longest))


@pytest.mark.parametrize("piece", sample(LINES, 0))
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


TRAPS = [("m.cs", "<a "), ("m.rb", "<!--"), ("m.go", "<!--"), ("m.c", "x=>"), ("m.java", "%w("), ("m.py", "<!--")]
"""Pieces that a grammar takes seconds, or gigabytes, to read a few thousand characters of."""


@pytest.mark.parametrize(("path", "piece"), TRAPS)
@pytest.mark.parametrize("form", ["{}", "x y\n{}", "<<<<<<< SEARCH\nx y\n=======\n{}\n>>>>>>> REPLACE\n"])
def test_what_repeats_itself_is_fed_to_no_grammar(path: str, piece: str, form: str) -> None:
    reader = AnswerReader(Target(path, (0, 4), "file"), "x y\n", frozenset([path]), {path: "x y\n"}.get, locked=())
    for text in (filled(piece, 59_000), "".join(f"{piece}{number}" for number in range(8_000))[:59_000]):
        body = form.format(text)
        answer = f"{path}\n{body}\nEND OF EDITS\n" if "SEARCH" in form else f"{path}\n```\n{body}\n```\n"
        found: list[object] = []
        within(lambda answer=answer, found=found: found.append(reader.read(answer)))
        assert isinstance(found[0], Rejected) and "over and over" in found[0].feedback


@pytest.mark.parametrize(
    "text",
    [
        "TABLE = [\n" + "    [0, 0, 0, 0, 0, 0, 0, 0],\n" * 20 + "]\n",
        "ROWS = {\n" + "".join(f'    "key{n}": "value{n}",\n' for n in range(400)) + "}\n",
        "DATA = (\n" + "    0, 0, 0, 0, 0, 0, 0, 0,\n" * 100 + ")\n",
        "WORD = '" + "a" * 20_000 + "'\n",
        "# " + "-" * 3_000 + "\n",
        "".join(f"def f{n}(x):\n    return x + {n}\n\n\n" for n in range(1_000)),
    ],
)
def test_tables_and_long_lines_do_not_repeat_themselves(text: str) -> None:
    assert not repeats_itself(text)


def test_a_long_file_is_edited_with_blocks() -> None:
    text = "".join(f"def f{n}(x):\n    y = x + {n}\n    return y\n\n\n\n" for n in range(2_000))
    reader = AnswerReader(
        Target("m.py", (0, len(text)), "file"), text, frozenset(["m.py"]), {"m.py": text}.get, locked=()
    )
    answer = "<<<<<<< SEARCH\n    y = x + 1500\n=======\n    y = x - 1500\n>>>>>>> REPLACE\n\nEND OF EDITS\n"
    found = reader.read(answer)
    assert isinstance(found, Candidate) and found.texts == {"m.py": text.replace("y = x + 1500", "y = x - 1500")}
