"""Pending hunks: nothing is applied until the person accepts. They move with typing and go stale when touched.

A hunk is accepted when the synced text shows it, never because a client said `applied` (Neovim and Emacs say so of
edits they refused).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from ralphd.core.edits import apply, hunks
from ralphd.core.run import RunRequest
from ralphd.core.text import Replacement, Text, shift
from ralphd.lsp.session import Changed

State = Literal["pending", "accepted", "rejected", "stale"]


@dataclass
class Hunk:
    """`span` lies in the document's current text; `creates`: a new file (the span is empty)."""

    hunk_id: str
    uri: str
    path: str
    span: tuple[int, int]
    old: str
    new: str
    state: State = "pending"
    creates: bool = False

    @property
    def replacement(self) -> Replacement:
        return Replacement(self.span[0], self.span[1], self.new)


@dataclass
class Review:
    review_id: str
    run_id: str
    request: RunRequest
    home: str
    """The document the run was on: new files are shown and accepted there."""
    hunks: list[Hunk] = field(default_factory=list)
    verified: bool = False
    """Its tests passed, those of the findings to fix among them."""

    def of(self, uri: str) -> list[Hunk]:
        return [hunk for hunk in self.hunks if hunk.uri == uri]

    @property
    def pending(self) -> list[Hunk]:
        return [hunk for hunk in self.hunks if hunk.state == "pending"]


def build(request: RunRequest, home: str, files: Iterable[tuple[str, str, str | None, str]]) -> Review:
    """`files`: (uri, path, text before or None for a new file, text after)."""
    review = Review(f"r{secrets.token_hex(6)}", request.run_id, request, home)
    for uri, path, before, after in files:
        if before is None:
            review.hunks.append(Hunk(f"h{len(review.hunks) + 1}", uri, path, (0, 0), "", after, creates=True))
            continue
        for change in hunks(before, after):
            old = before[change.start : change.end]
            review.hunks.append(
                Hunk(f"h{len(review.hunks) + 1}", uri, path, (change.start, change.end), old, change.new)
            )
    return review


class Reviews:
    """All live reviews of a connection. `on_changed(review, uris)` is told when hunks moved or changed state."""

    def __init__(self, on_changed: Callable[[Review, set[str]], None]) -> None:
        self.reviews: dict[str, Review] = {}
        self._on_changed = on_changed

    def add(self, review: Review) -> None:
        """A new proposal on a document under review replaces the old review."""
        uris = {hunk.uri for hunk in review.hunks}
        for old in [r for r in self.reviews.values() if uris & {hunk.uri for hunk in r.hunks}]:
            self.settle(old, old.pending, "rejected")
        self.reviews[review.review_id] = review
        self._on_changed(review, uris)

    def pending_in(self, uri: str) -> list[tuple[Review, Hunk]]:
        found = [
            (r, h)
            for r in self.reviews.values()
            for h in r.of(uri)
            if h.state in ("pending", "stale") and not h.creates
        ]
        found += [
            (r, h)
            for r in self.reviews.values()
            if r.home == uri
            for h in r.hunks
            if h.creates and h.state == "pending"
        ]
        return sorted(found, key=lambda pair: pair[1].span)

    def find(self, review_id: str) -> Review | None:
        return self.reviews.get(review_id)

    def settle(self, review: Review, chosen: Iterable[Hunk], state: State) -> None:
        """Give `chosen` a state, tell, and forget the review when nothing of it waits any more."""
        uris = set()
        for hunk in chosen:
            hunk.state = state
            uris.add(hunk.uri)
        if not review.pending:
            for hunk in review.hunks:
                if hunk.state == "stale":
                    uris.add(hunk.uri)
            self.reviews.pop(review.review_id, None)
        if uris:
            self._on_changed(review, uris)

    def opened(self, uri: str, text: Text) -> None:
        """A document under review was opened: it may show the proposal already, or another text than the snapshot's."""
        for review in list(self.reviews.values()):
            waiting = [hunk for hunk in review.of(uri) if hunk.state == "pending"]
            if not waiting:
                continue
            if waiting[0].creates:
                if text.value.rstrip("\r\n") == waiting[0].new.rstrip("\r\n"):
                    self.settle(review, waiting, "accepted")
                continue
            shown = [h for h in waiting if _stands(h, text, waiting)]
            if shown:
                self.settle(review, shown, "accepted")
                continue
            for hunk in waiting:
                if text.value[hunk.span[0] : hunk.span[1]] != hunk.old:
                    hunk.state, hunk.span = "stale", _clamp(hunk.span, len(text.value))
            self._on_changed(review, {uri})

    def follow(self, change: Changed) -> None:
        """Move the hunks of a changed document; recognise an accepted one by the text it leaves."""
        for review in list(self.reviews.values()):
            waiting = [hunk for hunk in review.of(change.uri) if hunk.state == "pending"]
            if waiting and change.before.value != change.after.value:
                self._follow(review, waiting, change)

    def _follow(self, review: Review, waiting: list[Hunk], change: Changed) -> None:
        before, after = change.before.value, change.after.value
        accepted = _accepted(waiting, before, after)
        steps: tuple[Replacement, ...] = change.steps
        if accepted:
            # The text is what accepting leaves, whatever steps the client took to get there.
            steps = tuple(h.replacement for h in sorted(accepted, key=lambda h: h.span, reverse=True))
        for hunk in review.of(change.uri):
            if hunk in accepted or hunk.state not in ("pending", "stale"):
                continue
            span: tuple[int, int] | None = hunk.span
            for step in steps:
                span = shift(span, step) if span is not None else None
            if span is None:
                hunk.state = "stale"
                hunk.span = _clamp(hunk.span, len(after))
            else:
                hunk.span = span
        if accepted:
            self.settle(review, accepted, "accepted")
        else:
            if not review.pending:
                self.reviews.pop(review.review_id, None)
            self._on_changed(review, {change.uri})


def _stands(hunk: Hunk, text: Text, waiting: list[Hunk]) -> bool:
    """Whether all of `waiting` are in `text` already: the client opened the file with the accepted edit in it."""
    moved = sum(len(h.new) - len(h.old) for h in waiting if h.span < hunk.span)
    start = hunk.span[0] + moved
    return hunk.old != hunk.new and text.value[start : start + len(hunk.new)] == hunk.new and bool(hunk.new)


def _clamp(span: tuple[int, int], size: int) -> tuple[int, int]:
    return min(span[0], size), min(span[1], size)


def _accepted(waiting: list[Hunk], before: str, after: str) -> list[Hunk]:
    """The hunks whose application explains the change from `before` to `after` exactly."""
    if any(before[h.span[0] : h.span[1]] != h.old for h in waiting):
        waiting = [h for h in waiting if before[h.span[0] : h.span[1]] == h.old]
    for hunk in waiting:
        if len(after) - len(before) == len(hunk.new) - len(hunk.old) and apply(before, [hunk.replacement]) == after:
            return [hunk]
    if len(waiting) > 1 and apply(before, [h.replacement for h in waiting]) == after:
        return waiting
    return []


def rebase(hunk: Hunk, steps: Iterable[Replacement], text: Text) -> Hunk:
    """`hunk` as it lies after `steps` (typing during the run); stale when they touched it or its text is not there."""
    span: tuple[int, int] | None = hunk.span
    for step in steps:
        span = shift(span, step) if span is not None else None
    if span is None or text.value[span[0] : span[1]] != hunk.old:
        return replace(hunk, state="stale", span=_clamp(hunk.span, len(text.value)))
    return replace(hunk, span=span)


def short_diff(hunk: Hunk, most: int = 12) -> str:
    """What a hunk does, as a person reads it in a diagnostic."""
    lines = [f"- {line}" for line in hunk.old.splitlines()] + [f"+ {line}" for line in hunk.new.splitlines()]
    if len(lines) > most:
        lines = [*lines[:most], f"… {len(lines) - most} more lines"]
    return "\n".join(lines)


def summary(hunk: Hunk) -> str:
    old, new = len(hunk.old.splitlines()), len(hunk.new.splitlines())
    if hunk.creates:
        return f"new file, {new} line{'s' if new != 1 else ''}"
    if not old:
        return f"adds {new} line{'s' if new != 1 else ''}"
    if not new:
        return f"removes {old} line{'s' if old != 1 else ''}"
    return f"replaces {old} line{'s' if old != 1 else ''} by {new}"
