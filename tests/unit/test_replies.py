"""Reading what models write: nothing raises, and nothing that stops early is an edit."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ralphd.answers.modules import read_module
from ralphd.answers.plain_text import plain
from ralphd.answers.reading import read_edits
from ralphd.answers.resolving import resolve
from ralphd.answers.review import Critique, partial_findings, read_review
from ralphd.answers.values import Files, FormatError, Region
from tests.support import growth

quick = settings(max_examples=200, deadline=None)
PIECES = st.sampled_from(
    ["```", "````", "~~~", "```python\n", "<<<<<<< SEARCH\n", "=======\n", ">>>>>>> REPLACE\n", "END OF EDITS", "\n", "\r\n",
     "a.py\n", "src/b.py", "../x", "{", "}", '"findings"', "[", "]", ":", "x = 1\n", "\x1b[31m", "\0", "🙂", "   ", "\\"]
)  # fmt: skip
noise = st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=30).map("".join))
CODE = st.lists(
    st.sampled_from(["def f(x):", "    return x", "", "# note", "x = '🙂'", "END OF EDITS", "    ```", "a.py", "=====", "========", "\t"]),
    min_size=1, max_size=6,
).map("\n".join)  # fmt: skip


@quick
@given(noise)
def test_any_text_is_a_value(text: str) -> None:
    for value in (read_edits(text, "a.py", "f"), read_review(text), read_module(text)):
        assert value is not None
    partial_findings(text)
    plain(text)


def prefixes(answer: str) -> list[str]:
    """All strict prefixes that miss more than white space."""
    whole = answer.rstrip()
    return [whole[:end] for end in range(len(whole))]


@quick
@given(st.sampled_from(["```", "````", "~~~"]), CODE, st.sampled_from(["", "Here it is:\n\n"]))
def test_a_cut_fence_is_never_an_edit(mark: str, code: str, prose: str) -> None:
    answer = f"{prose}{mark}python\n{code}\n{mark}\n"
    assert isinstance(read_edits(answer, "t.py", "f"), Region)
    for cut in prefixes(answer):
        assert isinstance(read_edits(cut, "t.py", "f"), FormatError), cut


@settings(quick, max_examples=15)  # each is read as often as it has characters
@given(st.lists(st.tuples(CODE, CODE), min_size=1, max_size=3), st.booleans())
def test_cut_blocks_are_never_an_edit(blocks: list[tuple[str, str]], fenced: bool) -> None:
    parts = []
    for number, (old, new) in enumerate(blocks):
        block = f"<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE"
        parts.append(f"f{number}.py\n" + (f"```python\n{block}\n```" if fenced else block))
    answer = "\n\n".join(parts) + "\n\nEND OF EDITS\n"
    whole = read_edits(answer, "t.py")
    assert isinstance(whole, Files) and [e.path for e in whole.edits] == [f"f{n}.py" for n in range(len(blocks))]
    assert [(b.old, b.new) for e in whole.edits for b in e.blocks] == [(f"{old}\n", f"{new}\n") for old, new in blocks]
    for cut in prefixes(answer):
        assert isinstance(read_edits(cut, "t.py"), FormatError), cut


def test_a_second_file_that_was_announced_and_cut_is_no_edit() -> None:
    """Whole files, each with its fence: cut after the second one's path, the first alone would be half an edit."""
    answer = "a.py\n```python\nx = 1\n```\n\nb.py\n```python\ny = 2\n```\n"
    whole = read_edits(answer, "a.py")
    assert isinstance(whole, Files) and len(whole.edits) == 2
    between = answer[: answer.index("b.py")].rstrip()
    for cut in prefixes(answer):
        if cut.rstrip() != between and cut.rstrip() not in (f"{between}\n\nb", f"{between}\n\nb."):
            assert isinstance(read_edits(cut, "a.py"), FormatError), cut


def test_blocks_without_their_last_line_are_kept_for_a_second_answer_that_agrees() -> None:
    parsed = read_edits("a.py\n<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n", "a.py")
    assert isinstance(parsed, FormatError) and parsed.truncated and [e.path for e in parsed.incomplete] == ["a.py"]


@pytest.mark.parametrize("text", ["", "  \n", "I would use a regex.", "```", "``` ```", "def f(): pass"])
def test_no_code_is_no_edit(text: str) -> None:
    assert isinstance(read_edits(text, "a.py"), FormatError)


@pytest.mark.parametrize("label", ["../x.py", "/etc/passwd.txt", "a/../../b.py", ".git/config"])
def test_a_hostile_path_stays_visible_to_the_guard(label: str) -> None:
    """The parser may not normalise a path into something harmless-looking, nor take the block for the target's."""
    parsed = read_edits(f"{label}\n```python\nx = 1\n```\n", "a.py")
    assert not isinstance(parsed, Region)
    if isinstance(parsed, Files):
        assert parsed.edits[0].path == label.replace("\\", "/")


FINDING = {"path": "a.py", "quote": "x", "kind": "logic", "severity": "error", "message": "m", "scenario": "s"}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (json.dumps({"verdict": "pass", "findings": []}), 0),
        ("Sure!\n```json\n" + json.dumps({"verdict": "revise", "findings": [FINDING]}) + "\n```\nThat is all.", 1),
        (json.dumps({"findings": [FINDING, 7, None, [], {}, {**FINDING, "quote": ""}, {**FINDING, "scenario": 3}]}), 1),
        (
            json.dumps(
                {"findings": [{**FINDING, "kind": ["x"], "severity": {"a": 1}, "test": 7, "fix": [], "path": None}]}
            ),
            1,
        ),
        (json.dumps({"findings": [FINDING] * 2000}), 500),
    ],
)
def test_reviews_are_read(text: str, count: int) -> None:
    review = read_review(text)
    assert isinstance(review, Critique) and len(review.findings) == count


@pytest.mark.parametrize(
    "text", ["", "LGTM", "{", '{"findings": ', '{"findings": "none"}', "[]", '{"a": 1}', '{"verdict":1}{"verdict":2}']
)
def test_what_is_no_review_is_said_so(text: str) -> None:
    assert isinstance(read_review(text), FormatError)


def test_deep_and_long_nonsense_is_read_by_its_length() -> None:
    def work() -> None:
        for text in ("{" * 50_000, '{"a":' * 20_000, "[" * 50_000, '{"findings": [' * 5_000, "```\n" * 20_000):
            read_review(text)
            partial_findings(text)
            read_edits(text, "a.py")

    growth.within(3000, work)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\x1b[31mred\x1b[0m \x1b]8;;http://e.vil\x07link\x1b]8;;\x07", "red link"),
        ("a\u202eb\u2066c\u200bd\ufeff\x00\x07", "abcd"),
        ("tag\U000e0041\U000e0042s, soft\u00adhyphen, \u061cmark", "tags, softhyphen, mark"),
        ("see [here](http://e.vil) ![x](data:image/png;base64,AA)", "see here x"),
        ("<img src=x onerror=alert(1)>hi <b>there</b>", "hi there"),
        ("<<b>script>alert(1)<<b>/script>", "alert(1)"),
        ("line one\n\n\nline   two", "line one line two"),
        ("x" * 5000, "x" * 599 + "…"),
        (None, ""),
        (["a"], ""),
    ],
)
def test_plain_text_for_people(text: object, said: str) -> None:
    assert plain(text) == said


@pytest.mark.parametrize(
    "code", ["handlers[key](event) is called twice", "Vec<u8> overflows", "a < b and c > d", "List<int> is empty"]
)
def test_code_in_a_message_stays_readable(code: str) -> None:
    assert plain(code) == code


def test_a_heading_is_no_divider() -> None:
    """A row of `=` under a title splits nothing; where it is exactly as long as the divider, guessing is refused."""
    answer = "a.rst\n<<<<<<< SEARCH\nTitle\n{row}\nold\n=======\nTitle\n{row}\nnew\n>>>>>>> REPLACE\nEND OF EDITS\n"
    parsed = read_edits(answer.format(row="====="), "a.rst")
    assert isinstance(parsed, Files) and parsed.edits[0].blocks[0].old == "Title\n=====\nold\n"
    open_question = read_edits(answer.format(row="======="), "a.rst")
    assert isinstance(open_question, Files)
    refused = resolve(open_question.edits, {"a.rst": "Title\n=======\nold\n"})
    assert not refused.texts and "more than one" in refused.refusals[0].feedback
    only = resolve(open_question.edits, {"a.rst": "Title\nTitle\n=======\nold\n"})
    assert only.texts == {"a.rst": "Title\nTitle\n=======\nnew\n"}, "one split alone has old lines that stand there"
    sloppy = read_edits("a.py\n<<<<<<< SEARCH\nx\n=====\ny\n>>>>> REPLACE\nEND OF EDITS", "a.py")
    assert isinstance(sloppy, Files) and sloppy.edits[0].blocks[0].new == "y\n"
