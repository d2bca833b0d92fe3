"""Positions, lines and changes, against an implementation that shares no code with ours (tests/support/fake_editor)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types

from ralphd.core.text import Encoding, Position, Replacement, Text, shift, units
from ralphd.lsp.documents import Documents
from tests.support.editor_buffers import apply_text_edits, offset_at, position_at

ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")
encodings = st.sampled_from(ENCODINGS)
# Astral, combining and two-byte characters, all line ends of LSP, and those of Python that are none in LSP.
texts = st.text(alphabet="ab \t\n\r🙂é\u0301漢\f\v\x1c\x85\u2028\u2029\ufeff", max_size=40)
quick = settings(max_examples=150, deadline=None)


def boundaries(text: str) -> list[int]:
    """Offsets that an editor can name: none lies between "\\r" and "\\n"."""
    return [i for i in range(len(text) + 1) if text[max(i - 1, 0) : i + 1] != "\r\n"]


@pytest.mark.row("E9")
@quick
@given(texts, encodings)
def test_every_offset_survives_the_round_trip(value: str, encoding: Encoding) -> None:
    text = Text(value)
    for offset in boundaries(value):
        position = text.position_at(offset, encoding)
        assert {"line": position.line, "character": position.character} == position_at(value, offset, encoding)
        assert text.offset_at(position, encoding) == offset


@quick
@given(texts, encodings, st.integers(-1, 12), st.integers(-1, 60))
def test_positions_outside_are_clamped_inside(value: str, encoding: Encoding, line: int, character: int) -> None:
    text = Text(value)
    offset = text.offset_at(Position(line, character), encoding)
    assert 0 <= offset <= len(value)
    if 0 <= line < text.line_count:
        start, end = text.line_span(line)
        assert start <= offset <= end
        if character >= units(value[start:end], encoding):
            assert offset == end == offset_at(value, {"line": line, "character": character}, encoding)


@quick
@given(texts)
def test_lines_tile_the_text(value: str) -> None:
    text = Text(value)
    spans = [text.line_span(i, with_eol=True) for i in range(text.line_count)]
    assert "".join(value[a:b] for a, b in spans) == value
    for i, (a, b) in enumerate(spans):
        assert text.line_of(a) == i
        bare = value[slice(*text.line_span(i))]
        assert "\n" not in bare and "\r" not in bare
        assert value[a + len(bare) : b] in ("", "\n", "\r", "\r\n")


@pytest.mark.parametrize("char", ["\f", "\v", "\x1c", "\x85", "\u2028", "\u2029"])
def test_what_python_takes_for_a_line_end_is_none(char: str) -> None:
    assert Text(f"a{char}b\nc").line_count == 2
    assert Text(f"a{char}b\nc").offset_at(Position(1, 0), "utf-16") == 4


@quick
@given(texts, st.data())
def test_whole_lines_hold_the_span_and_end_at_line_borders(value: str, data: st.DataObject) -> None:
    text = Text(value)
    start, end = sorted(data.draw(st.tuples(*[st.sampled_from(boundaries(value))] * 2)))
    first, last = text.whole_lines((start, end))
    assert first <= start <= end <= last or (end > start and last <= end)
    assert first in text.line_starts and (last in text.line_starts or last == len(value))


def changes(value: str, data: st.DataObject, encoding: Encoding) -> dict[str, Any]:
    start, end = sorted(data.draw(st.tuples(*[st.sampled_from(boundaries(value))] * 2)))
    new = data.draw(st.text(alphabet="x\n\r🙂\f", max_size=6))
    return {
        "range": {"start": position_at(value, start, encoding), "end": position_at(value, end, encoding)},
        "text": new,
    }


@quick
@given(texts, encodings, st.data())
def test_did_change_follows_an_editor(value: str, encoding: Encoding, data: st.DataObject) -> None:
    """Several changes in one message, each on the text that the one before left; the steps lead there too."""
    documents = Documents(encoding)
    documents.opened(types.TextDocumentItem("file:///a.py", types.LanguageKind.Python, 1, value))
    theirs, steps = value, []
    sent = []
    for _ in range(data.draw(st.integers(1, 4))):
        change = changes(theirs, data, encoding)
        theirs = apply_text_edits(theirs, [{"range": change["range"], "newText": change["text"]}], encoding)
        where = types.Range(types.Position(**change["range"]["start"]), types.Position(**change["range"]["end"]))
        sent.append(types.TextDocumentContentChangePartial(range=where, text=change["text"]))
    documents.on_changed.append(lambda changed: steps.extend(changed.steps))
    documents.changed(types.VersionedTextDocumentIdentifier(version=2, uri="file:///a.py"), sent)
    document = documents.open["file:///a.py"]
    assert (document.text.value, document.version) == (theirs, 2)
    replayed = value
    for step in steps:
        replayed = replayed[: step.start] + step.new + replayed[step.end :]
    assert replayed == theirs


@quick
@given(texts, texts)
def test_a_whole_text_is_the_smallest_change(before: str, after: str) -> None:
    """A client that syncs whole texts must not make every hunk stale."""
    documents = Documents()
    documents.opened(types.TextDocumentItem("file:///a.py", types.LanguageKind.Python, 1, before))
    steps: list[Replacement] = []
    documents.on_changed.append(lambda changed: steps.extend(changed.steps))
    documents.changed(
        types.VersionedTextDocumentIdentifier(version=2, uri="file:///a.py"),
        [types.TextDocumentContentChangeWholeDocument(text=after)],
    )
    (step,) = steps
    assert before[: step.start] + step.new + before[step.end :] == after == documents.open["file:///a.py"].text.value
    if before == after:
        assert step.new == "" and step.start == step.end


def test_a_version_that_falls_is_ignored() -> None:
    documents = Documents()
    documents.opened(types.TextDocumentItem("file:///a.py", types.LanguageKind.Python, 5, "new"))
    for version in (4, 0, -1):
        old = [types.TextDocumentContentChangeWholeDocument(text="old")]
        documents.changed(types.VersionedTextDocumentIdentifier(version=version, uri="file:///a.py"), old)
    documents.changed(types.VersionedTextDocumentIdentifier(version=9, uri="file:///never-opened.py"), [])
    assert documents.open["file:///a.py"].text.value == "new" and len(documents.open) == 1


@quick
@given(st.text(alphabet="ab\n", max_size=20), st.data())
def test_a_shifted_span_keeps_its_text(value: str, data: st.DataObject) -> None:
    ends = st.tuples(*[st.integers(0, len(value))] * 2).map(sorted)
    (start, end), (a, b) = data.draw(ends), data.draw(ends)
    change = Replacement(a, b, data.draw(st.text(alphabet="x\n", max_size=4)))
    after = value[:a] + change.new + value[b:]
    moved = shift((start, end), change)
    if moved is None:
        assert a < end and b > start, "only a change that reaches inside loses the span"
    else:
        assert after[moved[0] : moved[1]] == value[start:end]
