"""One proposed change of a text: its place, its state, how it moves with typing, and how it is told to a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from ralphd.core.edits import apply
from ralphd.core.text import Replacement, Span, Text, common_prefix, common_suffix, shift

HunkState = Literal["pending", "accepted", "rejected", "stale"]
SHOWN_LINES = 12


@dataclass
class Hunk:
    """`old` and `new` never change; `span` lies in the document's current text and moves with it."""

    hunk_id: str
    uri: str
    path: str
    span: Span
    old: str
    new: str
    state: HunkState = "pending"
    creates: bool = False
    """A new file; `span` is empty then."""
    origin: Span = (0, 0)
    """The place in the text that the run worked on."""
    outside_target: bool = False
    """It changes other code than the person asked for."""
    lost: bool = False
    """Accepted or rejected, and edited since in a way that leaves no place of its own in the text."""

    @property
    def replacement(self) -> Replacement:
        return Replacement(self.span[0], self.span[1], self.new)

    @cached_property
    def lines(self) -> list[str]:
        """The removed and added lines, as a diff marks them."""
        return [f"- {line}" for line in self.old.splitlines()] + [f"+ {line}" for line in self.new.splitlines()]

    def short_diff(self, most: int = SHOWN_LINES) -> str:
        """What the hunk does, at most `most` lines of it."""
        hidden = len(self.lines) - most
        return "\n".join(self.lines if hidden <= 0 else [*self.lines[:most], f"… {hidden} more lines"])

    @cached_property
    def headline(self) -> str:
        """What the hunk does, in a few words."""
        new = sum(line.startswith("+") for line in self.lines)
        old = len(self.lines) - new
        if self.creates:
            return f"new file, {_count(new)}"
        if not old:
            return f"adds {_count(new)}"
        return f"removes {_count(old)}" if not new else f"replaces {_count(old)} by {new}"

    def follow(self, steps: Iterable[Replacement], text: Text) -> None:
        """Move over `steps`, which led to `text`; stale when one of them touched the inside."""
        span: Span | None = self.span
        for step in steps:
            span = shift(span, step) if span is not None else None
        if span is None:
            self.give_up(text)
        else:
            self.span = span

    def rebase(self, steps: Iterable[Replacement], text: Text) -> None:
        """As `follow`; stale also when the text that it replaces is not there (typing during the run)."""
        self.follow(steps, text)
        if self.state != "stale" and not self.stands_in(text):
            self.give_up(text)

    def follow_aside(self, steps: Iterable[Replacement]) -> None:
        """Move a rejected hunk, which the person may want after all, as long as what it replaces is not touched."""
        span: Span | None = self.span
        for step in steps:
            span = shift(span, step) if span is not None else None
        self.lost = self.lost or span is None
        self.span = span or self.span

    def track(self, steps: Iterable[Replacement], text: Text) -> None:
        """Move an accepted hunk, whose `span` is that of its new text: it grows and shrinks with edits inside.

        Where the old text stands there again (the person undid step by step), the hunk waits once more.
        """
        start, end = self.span
        for step in steps:
            grown = len(step.new) - (step.end - step.start)
            if step.end <= start:
                start, end = start + grown, end + grown
            elif start <= step.start and step.end <= end:
                end += grown
            elif step.start < end:
                self.lost = True
        size = len(text.value)
        self.span = (min(start, size), min(end, size))
        if not self.lost and self.old != self.new and self.stands_in(text):
            self.state = "pending"

    def opposite(self) -> Hunk:
        """The change that takes this one, which stands in the text, back."""
        return replace(self, old=self.new, new=self.old)

    def stands_in(self, text: Text) -> bool:
        """Whether the text that the hunk replaces is at its place."""
        return text.value[self.span[0] : self.span[1]] == self.old

    def give_up(self, text: Text) -> None:
        size = len(text.value)
        self.state, self.span = "stale", (min(self.span[0], size), min(self.span[1], size))


def _count(lines: int) -> str:
    return f"{lines} line{'s' if lines != 1 else ''}"


def applied(waiting: Sequence[Hunk], before: str, after: str) -> list[Hunk]:
    """The hunks whose application explains the change from `before` to `after` exactly: one of them, or all."""
    waiting = [hunk for hunk in waiting if hunk.stands_in(Text(before))]
    same_start, same_end = common_prefix(before, after), common_suffix(before, after)
    for hunk in waiting:
        start, end = hunk.span
        if (
            len(after) - len(before) == len(hunk.new) - len(hunk.old)
            and same_start >= start
            and same_end >= len(before) - end
            and after[start : start + len(hunk.new)] == hunk.new
        ):
            return [hunk]
    if len(waiting) > 1 and apply(before, [hunk.replacement for hunk in waiting]) == after:
        return list(waiting)
    return []


def land(accepted: Iterable[Hunk]) -> None:
    """Give hunks that were applied together the spans of their new texts."""
    moved = 0
    for hunk in sorted(accepted, key=lambda h: h.span):
        start = hunk.span[0] + moved
        moved += len(hunk.new) - len(hunk.old)
        hunk.span = (start, start + len(hunk.new))


def undone(accepted: Sequence[Hunk], before: str, after: str) -> list[Hunk]:
    """Those of the accepted hunks whose taking back explains the change from `before` to `after` exactly.

    They wait again, at the places of their old texts.
    """
    opposites = [hunk.opposite() for hunk in accepted if not hunk.lost]
    found = {opposite.hunk_id for opposite in applied(opposites, before, after)}
    land(opposite for opposite in opposites if opposite.hunk_id in found)
    places = {opposite.hunk_id: opposite.span for opposite in opposites}
    back = [hunk for hunk in accepted if hunk.hunk_id in found]
    for hunk in back:
        hunk.state, hunk.span = "pending", places[hunk.hunk_id]
    return back


def already_applied(waiting: Sequence[Hunk], text: Text) -> list[Hunk]:
    """Those of `waiting` whose new text stands at its place when all of them are in `text`.

    A client may open a file with the accepted edit in it.
    """
    found = []
    moved = 0
    for hunk in sorted(waiting, key=lambda h: h.span):
        start = hunk.span[0] + moved
        moved += len(hunk.new) - len(hunk.old)
        if hunk.new and hunk.old != hunk.new and text.value[start : start + len(hunk.new)] == hunk.new:
            found.append(hunk)
    return found
