"""Planted faults that the tests did not notice, as Hints at their lines: what a person learns about their tests.

A fault stands in the proposed text. While its change waits, the hint is at the change; when the person accepted it, at
the very line. It goes away when that line or change is edited or rejected, and when the next run begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lsprotocol import types

from ralphd.core.run import RunResult
from ralphd.core.text import Span, Text, shift
from ralphd.lsp.client_capabilities import ClientCapabilities
from ralphd.lsp.convert import to_range
from ralphd.lsp.documents import Changed
from ralphd.lsp.hunks import Hunk
from ralphd.lsp.review import Review

SOURCE, CODE = "ralph", "ralph.unnoticed"


@dataclass
class Fault:
    """`hunk`: the change that it lies in, `start` and `end` being offsets of its line in the change's new text; without
    one they are those in the document."""

    home: str
    uri: str
    what: str
    hunk: Hunk | None
    start: int
    end: int
    span: Span | None = None
    """Where its line stands in the document; None while its change waits."""

    @property
    def stands(self) -> bool:
        """Whether the line that it was planted in is in the document."""
        return self.span is not None or (self.hunk is not None and self.hunk.state == "accepted")

    def place(self) -> Span | None:
        """In the document as it is now; None where it is gone."""
        if self.span is not None:
            return self.span
        if self.hunk is None or self.hunk.state not in ("pending", "accepted"):
            return None
        if self.hunk.state == "accepted":
            return self.hunk.span[0] + self.start, self.hunk.span[0] + self.end
        return (0, 0) if self.hunk.creates else self.hunk.span


class UnnoticedFaults:
    """`refresh` publishes the diagnostics of a document anew; `client`: its capabilities, known after the handshake."""

    def __init__(self, client: Callable[[], ClientCapabilities], refresh: Callable[[str], None]) -> None:
        self._client, self._refresh = client, refresh
        self._faults: list[Fault] = []

    def show(self, review: Review, result: RunResult) -> None:
        """What the control of a run did not find noticed."""
        control = result.tests.control if result.tests else None
        uris = {hunk.path: hunk.uri for hunk in review.hunks}
        for one in control.unnoticed if control else ():
            if one.path in uris:
                text = Text(result.edits[one.path])
                start = text.line_starts[min(one.line - 1, text.line_count - 1)]
                line = text.value[start:].split("\n", 1)[0].rstrip("\r")
                start += len(line) - len(line.lstrip())
                self._faults.append(_located(review, uris[one.path], one.what, start, len(line.strip())))
        for uri in {fault.uri for fault in self._faults}:
            self._refresh(uri)

    def clear(self, home: str) -> None:
        """The next run on the document began."""
        gone = [fault for fault in self._faults if fault.home == home]
        self._faults = [fault for fault in self._faults if fault.home != home]
        for uri in {fault.uri for fault in gone}:
            self._refresh(uri)

    def follow(self, change: Changed) -> None:
        """After `Reviews.follow`. What was just accepted is placed; what stood already moves with typing."""
        kept = []
        for fault in self._faults:
            if fault.uri == change.uri:
                self._move(fault, change)
                if fault.place() is None:
                    continue
            kept.append(fault)
        self._faults = kept

    def _move(self, fault: Fault, change: Changed) -> None:
        if fault.hunk is not None and fault.hunk.state == "pending":
            fault.span = None
        elif fault.span is None:
            fault.span = fault.place()
        else:
            span: Span | None = fault.span
            for step in change.steps:
                span = shift(span, step) if span is not None else None
            fault.span = span
            if span is None:
                fault.hunk = None  # edited: what was planted there says nothing about what stands there now

    def on(self, uri: str) -> Iterator[tuple[Fault, Span]]:
        for fault in self._faults:
            if fault.uri == uri and (place := fault.place()) is not None:
                yield fault, place

    def items(self, uri: str, text: Text | None) -> list[types.Diagnostic]:
        """For `Diagnostics.sources`."""
        return [] if text is None else [self.diagnostic(fault, place, text) for fault, place in self.on(uri)]

    def diagnostic(self, fault: Fault, place: Span, text: Text) -> types.Diagnostic:
        size = len(text.value)
        where = (min(place[0], size), min(place[1], size))
        message = f"The tests pass with this fault planted {'here' if fault.stands else 'in the change'}: {fault.what}."
        return types.Diagnostic(
            range=to_range(text, where, self._client().encoding),
            message=message,
            severity=types.DiagnosticSeverity.Hint,
            source=SOURCE,
            code=CODE,
        )


def _located(review: Review, uri: str, what: str, start: int, length: int) -> Fault:
    """The fault in the line at `start` of the proposed text, in the change that the line belongs to."""
    grown = 0
    for hunk in sorted(review.of(uri), key=lambda hunk: hunk.origin):
        begin = hunk.origin[0] + grown
        if start < begin:
            break
        if start < begin + len(hunk.new):
            return Fault(review.home, uri, what, hunk, start - begin, start - begin + length)
        grown += len(hunk.new) - (hunk.origin[1] - hunk.origin[0])
    there = start - grown
    return Fault(review.home, uri, what, None, there, there + length, (there, there + length))
