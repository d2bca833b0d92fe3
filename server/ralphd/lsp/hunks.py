"""One proposed change of a text: its place, its state, how it moves with typing, and how it is told to a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
