"""Edits: hunks lead from one text to the other, unchanged bytes stay, and what is not in exactly one place is refused."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ralphd.answers.elision import elision
from ralphd.answers.locating import locate, nearest
from ralphd.answers.resolving import resolve
from ralphd.core.edits import Block, FileEdit, apply, hunks, keep_form, unified
from ralphd.core.text import Text

quick = settings(max_examples=150, deadline=None)
LINES = st.sampled_from(["", "a", "b", "    a", "\tb", "a  ", "x = 1", "🙂", "\x0c", "u\u2028v", "“q”"])
EOLS = st.sampled_from(["\n", "\r\n", "\r"])
files = st.tuples(st.lists(st.tuples(LINES, EOLS), max_size=10), LINES, st.sampled_from(["", "\ufeff"])).map(
    lambda t: t[2] + "".join(line + eol for line, eol in t[0]) + t[1]
)


def lines_of(text: str) -> list[str]:
    value = Text(text)
    return [text[slice(*value.line_span(i, with_eol=True))] for i in range(value.line_count)]


@quick
@given(files, files)
def test_hunks_lead_from_before_to_after(before: str, after: str) -> None:
    found = hunks(before, after)
    assert apply(before, found) == after
    assert (not found) == (before == after)
    for one, two in pairwise(found):
        assert one.end < two.start or (one.end == two.start and one.start < two.end), "ordered, apart"
    starts = {*Text(before).line_starts, len(before)}
    assert all(h.start in starts and h.end in starts for h in found), "whole lines: no position inside CRLF"


@quick
@given(files, files, st.data())
def test_hunks_are_independent(before: str, after: str, data: st.DataObject) -> None:
    """Any subset may be accepted, in any order, and the rest still leads to the whole."""
    found = hunks(before, after)
    chosen = [h for h in found if data.draw(st.booleans())]
    partly = apply(before, chosen)
    grown, rest = 0, []
    for hunk in found:
        if hunk in chosen:
            grown += len(hunk.new) - (hunk.end - hunk.start)
        else:
            rest.append(type(hunk)(hunk.start + grown, hunk.end + grown, hunk.new))
    assert apply(partly, rest) == after


@quick
@given(files, st.data())
def test_a_block_changes_its_lines_only(before: str, data: st.DataObject) -> None:
    rows = lines_of(before)
    first = data.draw(st.integers(0, len(rows) - 1))
    last = data.draw(st.integers(first, min(first + 2, len(rows) - 1)))
    old = "\n".join(row.rstrip("\r\n") for row in rows[first : last + 1])
    found = locate(before, old)
    assume(old.strip() and len(found) == 1)
    resolved = resolve((FileEdit("f.txt", (Block(old, "NEW 1\nNEW 2"),)),), {"f.txt": before})
    assert not resolved.refusals, resolved.refusals
    start, end = found[0].span
    after = resolved.texts["f.txt"]
    assert after.startswith(before[:start]) and after.endswith(before[end:])
    middle = after[start : len(after) - len(before[end:])]
    eol = Text(before).eol
    assert [part.strip() for part in middle.split(eol)] == ["NEW 1", "NEW 2"]


@quick
@given(files, st.data())
def test_a_whole_answer_keeps_the_bytes_of_unchanged_lines(before: str, data: st.DataObject) -> None:
    """Models answer in "\\n", without BOM, without trailing space; the file's own form stays."""
    rows = lines_of(before.removeprefix("\ufeff"))
    filled = [row.rstrip() for row in rows if row.strip()]
    assume(len(set(filled)) == len(filled))  # of two lines alike but for their ends, either may be taken for the other
    at = data.draw(st.integers(0, len(rows)))
    answer = [row.rstrip("\r\n") for row in rows]
    answer.insert(at, "ENTIRELY_NEW = 1")
    after = keep_form("\n".join(answer) + "\n", before)
    assert after.startswith("\ufeff") == before.startswith("\ufeff")
    kept = lines_of(after)
    for row in rows[:-1] if len(rows) > 1 else []:
        # The line that was last had no end, or is the empty one: it may have gained or lost one.
        if row.strip():
            assert row in kept or f"\ufeff{row}" in kept, (row, kept)
    assert "ENTIRELY_NEW = 1" in after


@quick
@given(files)
def test_an_unchanged_answer_changes_no_byte(before: str) -> None:
    as_sent = "\n".join(row.rstrip() for row in lines_of(before.removeprefix("\ufeff")))
    for answer in (as_sent, as_sent + "\n", before, before.replace("\r\n", "\n")):
        assume(answer.strip())
        if [row.rstrip() for row in lines_of(answer.removeprefix("\ufeff").rstrip("\r\n"))] == [
            row.rstrip() for row in lines_of(before.removeprefix("\ufeff").rstrip("\r\n"))
        ]:
            assert keep_form(answer, before) == before
            assert resolve((FileEdit("f.py", whole=answer),), {"f.py": before}).texts == {}


@quick
@given(files, LINES)
def test_located_lines_are_the_lines_that_were_asked_for(text: str, old: str) -> None:
    for found in locate(text, old):
        start, end = found.span
        assert start in Text(text).line_starts or text[:start] == "\ufeff"
        assert end == Text(text).line_span(Text(text).line_of(max(start, end)))[1] or text[end : end + 1] in (
            "\r",
            "\n",
            "",
        )
        if found.rule == "exact":
            assert text[start:end] == old
        assert text[start:end].split() or not old.split()


@pytest.mark.row("E10")
@quick
@given(st.sampled_from(["a = 1", "    return x", "“q”"]), st.lists(LINES, max_size=4), st.integers(2, 4))
def test_what_stands_twice_is_never_edited(line: str, between: list[str], times: int) -> None:
    text = "\n".join("\n".join([line, *between]) for _ in range(times)) + "\n"
    resolved = resolve((FileEdit("f.py", (Block(line, "gone"),)),), {"f.py": text})
    assert resolved.texts == {} and [r.kind for r in resolved.refusals] == ["ambiguous"]


def test_twice_by_a_later_rule_is_refused_too() -> None:
    text = "if a:\n    go()\nelse:\n        go()\n"
    resolved = resolve((FileEdit("f.py", (Block("  go()", "stop()"),)),), {"f.py": text})
    assert [r.kind for r in resolved.refusals] == ["ambiguous"]


@pytest.mark.parametrize(
    ("old", "rule"),
    [
        ("    x = 'a'", "exact"),
        ("    x = 'a'   ", "line-ends"),
        ("x = 'a'", "indentation"),
        ("    x = ‘a’", "punctuation"),
    ],
)
def test_each_rule_is_recorded(old: str, rule: str) -> None:
    resolved = resolve(
        (FileEdit("f.py", (Block(old, old.replace("a", "b")),)),), {"f.py": "def f():\r\n    x = 'a'\r\n"}
    )
    assert resolved.rules == (rule,), resolved.refusals
    assert resolved.texts["f.py"].startswith("def f():\r\n    x = ") and resolved.texts["f.py"].endswith("\r\n")


def test_near_is_not_there() -> None:
    text = "def f(a, b):\n    return a + b\n"
    resolved = resolve((FileEdit("f.py", (Block("    return a - b", "    return b"),)),), {"f.py": text})
    assert [r.kind for r in resolved.refusals] == ["not-found"]
    assert "2:     return a + b" in resolved.refusals[0].feedback


def test_all_or_nothing() -> None:
    good, bad = FileEdit("a.py", (Block("x = 1", "x = 2"),)), FileEdit("b.py", (Block("no such", "y"),))
    resolved = resolve((good, bad), {"a.py": "x = 1\n", "b.py": "z\n"})
    assert resolved.texts == {} and [r.path for r in resolved.refusals] == ["b.py"]


def test_overlapping_blocks_are_refused() -> None:
    edit = FileEdit("a.py", (Block("a\nb", "1"), Block("b\nc", "2")))
    assert [r.kind for r in resolve((edit,), {"a.py": "a\nb\nc\n"}).refusals] == ["ambiguous"]


@pytest.mark.row("E10")
@pytest.mark.parametrize(
    "line",
    [
        "# ... rest of code unchanged ...",
        "    # rest of the function",
        "// existing code",
        "# ...",
        "…",
        "    # … remaining methods …",
        "/* unchanged */",
        "<!-- rest of the file -->",
        "... rest of the code ...",
    ],
)
def test_elisions_are_refused(line: str) -> None:
    text = "def f():\n    return 1\n"
    whole = FileEdit("f.py", whole=f"def f():\n{line}\n")
    block = FileEdit("f.py", (Block("    return 1", f"    x = 1\n{line}"),))
    for edit in (whole, block):
        assert [r.kind for r in resolve((edit,), {"f.py": text}).refusals] == ["elision"], line


@pytest.mark.parametrize(
    "line", ["    ...", "x = a[...]", "# the rest is easy", "# restore code paths", "    return ...  # stub"]
)
def test_code_that_only_looks_so_is_none(line: str) -> None:
    assert elision(f"def f():\n{line}\n", "") is None


def test_an_elision_that_the_file_has_itself_may_stay() -> None:
    assert elision("# ... rest of code unchanged", "x\n# ... rest of code unchanged\n") is None


@quick
@given(files, files)
def test_nothing_here_raises(text: str, old: str) -> None:
    nearest(text, old)
    unified("f.py", text, old)
    resolve((FileEdit("f.py", (Block(old, text),)),), {"f.py": text})
