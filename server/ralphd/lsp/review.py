"""Pending hunks: nothing is applied until the person accepts. They move with typing and go stale when touched.

A hunk is accepted when the synced text shows it, never because a client said `applied` (Neovim and Emacs say so of
edits they refused).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from ralphd.core.edits import hunks as hunks_between
from ralphd.core.latest import Latest
from ralphd.core.run import RunRequest
from ralphd.core.text import Replacement, Span, Text
from ralphd.lsp.documents import Changed
from ralphd.lsp.hunks import Hunk, HunkState, already_applied, applied, land, undone

_DOCUMENTS_KEPT = 500
SETTLED_KEPT = 50
"""Reviews in which nothing waits any more that live on, so that undoing an accepted change brings it back."""
TRIED_KEPT = 5
"""Of what was rejected on one document, the last ones are told to the next runs on it."""
REJECTED_HUNKS, REJECTED_LINES = 3, 8
"""How much is told of each."""
FAILURE_CHARACTERS = 400
MAX_DEPTH = 200
"""Characters of indentation that are looked at."""


ProofState = Literal["verified", "reproduces", "unverified", "pending", "broken", "stale"]
"""`reproduces`: a test of a finding, which fails until that is mended. `pending`: tests are about to say more. `broken`:
tests of just this set failed."""
Standing = Mapping[str, str]
"""The texts of the documents under review by URI, with every change that waits in them (`proof.standing`)."""


class NewText(NamedTuple):
    """What a run proposes for one file."""

    uri: str
    path: str
    before: str | None
    """None: the file is new."""
    after: str


@dataclass(frozen=True)
class Tested:
    """What the tests said of one set of texts. `beside`: hashes by path of the other files that it holds for."""

    texts: Standing
    beside: Mapping[str, str]
    state: ProofState
    sentence: str
    missing: tuple[str, ...] = ()
    """Ids of rejected changes without which it is not green."""
    evidence: str = ""
    """Where it is green or reproduces a finding: what is known, in a few words ("4 tests passed, 7 of 8 planted faults
    noticed")."""


@dataclass
class Review:
    """A person's review of what one run proposed."""

    review_id: str
    run_id: str
    request: RunRequest
    home: str
    """The document the run was on: new files are shown and accepted there."""
    hunks: list[Hunk] = field(default_factory=list)
    verified: bool = False
    """Its tests passed, those of the findings to fix among them."""
    bases: dict[str, str] = field(default_factory=dict)
    """The texts that the run worked on, by URI; new files have none."""
    tested: list[Tested] = field(default_factory=list)
    """What tests said, of all changes first (by the run), then of what the person made of them."""
    testing: str = ""
    """What tests are running on, or about to run on, as a sentence."""
    made_of_tests: bool = False
    """It proposes tests, which were tried one by one: the test command says nothing more of them."""
    doubted: bool = False
    """Its tests passed, and the run had a doubt about them that a run of the tests alone does not clear."""

    def of(self, uri: str) -> list[Hunk]:
        return [hunk for hunk in self.hunks if hunk.uri == uri]

    @property
    def pending(self) -> list[Hunk]:
        return [hunk for hunk in self.hunks if hunk.state == "pending"]

    @property
    def torn(self) -> bool:
        """Whether the person took a part of what a run tested: a text that it did not test."""
        states = {hunk.state for hunk in self.hunks}
        return bool(self.tested) and "accepted" in states and bool(states & {"rejected", "stale"})


def build(request: RunRequest, home: str, files: Iterable[NewText], target: Span | None = None) -> Review:
    """The hunks of new texts. Takes as long as their diffs do: for worker threads.

    Their order is the one in which they are shown and numbered everywhere: new files, then the request's own document,
    then the other files by path; in each by place.

    `target`: the part of the request's document that the person asked to change; None: all of it, or not known.
    """
    light = replace(request, buffers={})  # as large as all open documents
    review = Review(f"r{secrets.token_hex(6)}", request.run_id, light, home)
    for uri, path, before, after in sorted(files, key=lambda file: _rank(file, request.path)):
        created = before is None
        if before is not None:
            review.bases[uri] = before
        changes = [Replacement(0, 0, after)] if before is None else hunks_between(before, after)
        for change in changes:
            old = (before or "")[change.start : change.end]
            number, span = len(review.hunks) + 1, (change.start, change.end)
            hunk = Hunk(f"h{number}", uri, path, span, old, change.new, creates=created, origin=span)
            hunk.outside_target = created or path != request.path or not _within(before or "", change, target)
            _ = hunk.headline  # split into lines here, not on the event loop
            review.hunks.append(hunk)
    return review


def _rank(file: NewText, own: str) -> tuple[bool, bool, str]:
    return file.before is not None, file.path != own, file.path


_BELONGS_BELOW = re.compile(r"@|#|//|/\*|\*|--|<!--|\[\w")
"""How a line begins that belongs to what stands below it: a decorator, an attribute, a comment."""


def _within(before: str, change: Replacement, target: Span | None) -> bool:
    """Whether a change lies in the target, whose span ends before its last line end. What is inserted right above it does
    not, where it is more than decorators and comments (an import); nor what is inserted below it, where it is more than
    further lines of its body (another function)."""
    if target is None or target == (0, len(before)):
        return True
    start, end = target
    if change.start != change.end:
        return start <= change.start and change.end <= end + len("\r\n")
    added = [line for line in change.new.splitlines() if line.strip()]
    margin = start - before.rfind("\n", 0, start) - 1  # of a span that begins behind the indentation
    depth = margin + _depth(before[start : start + MAX_DEPTH])
    if change.start <= start:
        above = start - margin <= change.start
        return above and bool(added) and all(_BELONGS_BELOW.match(line.strip()) for line in added)
    below = not before[end : change.start].strip()
    return change.start <= end or (below and all(_depth(line) > depth for line in added))


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


class Reviews:
    """All live reviews of a connection. `on_changed` are told which review's hunks moved or changed state, and where.

    `keeps_settled`: whether a review lives on when everything in it was accepted, so that undoing an accepted change
    brings it back. Only clients that draw reviews themselves can show that.
    """

    def __init__(self, keeps_settled: Callable[[], bool] = lambda: False) -> None:
        self._keeps_settled = keeps_settled
        self.live: dict[str, Review] = {}
        self.on_changed: list[Callable[[Review, set[str]], None]] = []
        self._tried: Latest[str, list[str]] = Latest(_DOCUMENTS_KEPT)

    def add(self, review: Review) -> None:
        """A new proposal on a document under review replaces the old review."""
        uris = {hunk.uri for hunk in review.hunks}
        for old in [r for r in self.live.values() if uris & {hunk.uri for hunk in r.hunks}]:
            self.settle(old, old.pending, "rejected")
            self.live.pop(old.review_id, None)
        self.live[review.review_id] = review
        settled = [known for known in self.live.values() if not known.pending]
        for old in settled[:-SETTLED_KEPT]:
            del self.live[old.review_id]
        self.tell(review, uris)

    def find(self, review_id: object) -> Review | None:
        return self.live.get(str(review_id))

    def shown_in(self, uri: str) -> list[tuple[Review, Hunk]]:
        """What waits on a document, in the order of its text: its own hunks, and new files of runs that were on it."""
        found = []
        for review in [review for review in self.live.values() if review.pending]:
            for hunk in review.hunks:
                here = hunk.state == "pending" and review.home == uri if hunk.creates else hunk.uri == uri
                if here and hunk.state in ("pending", "stale"):
                    found.append((review, hunk))
        return sorted(found, key=lambda pair: pair[1].span)

    def settle(self, review: Review, chosen: Iterable[Hunk], state: HunkState) -> None:
        """Give `chosen` a state, tell, and forget the review when nothing of it waits any more."""
        uris = set()
        for hunk in chosen:
            hunk.state = state
            uris.add(hunk.uri)
        if not review.pending:
            uris |= {hunk.uri for hunk in review.hunks if hunk.state == "stale"}
            self._drop(review)
        if uris:
            self.tell(review, uris)

    # ---- what the person says of a proposal --------------------------------------------------------------------

    def remember_rejection(self, review: Review, chosen: Sequence[Hunk], reason: object) -> None:
        """What the person did not want, and why where it was said: the next runs on the document that the run was on are
        told, and those on the documents of the changes."""
        why = " ".join(reason.split()) if isinstance(reason, str) else ""
        if not chosen and not why:
            return
        shown = "\n".join(f"{hunk.path}\n{hunk.short_diff(REJECTED_LINES)}" for hunk in chosen[:REJECTED_HUNKS])
        said = "\n".join(filter(None, (f"Rejected by the author: {why}" if why else "Rejected by the author.", shown)))
        for uri in {review.home, *(hunk.uri for hunk in chosen)}:
            self._remember(uri, said)

    def remember_failure(self, uri: str, reason: str) -> None:
        """A run on the document ended with nothing to offer: the next one is told why."""
        self._remember(uri, f"A run ended without a change: {' '.join(reason.split())[:FAILURE_CHARACTERS]}")

    def _remember(self, uri: str, said: str) -> None:
        self._tried[uri] = [*(known for known in self.tried(uri) if known != said), said][-TRIED_KEPT:]

    def tried(self, uri: str) -> tuple[str, ...]:
        """What was tried on the document before, and what came of it."""
        return tuple(self._tried.get(uri, ()))

    # ---- the documents go on living ----------------------------------------------------------------------------

    def opened(self, uri: str, text: Text) -> None:
        """A document under review was opened: it may show the proposal already, or another text than the snapshot's."""
        for review in list(self.live.values()):
            for hunk in review.of(uri):
                if hunk.state == "accepted":
                    hunk.lost = hunk.lost or text.value[hunk.span[0] : hunk.span[1]] != hunk.new
                elif hunk.state == "rejected":
                    hunk.lost = hunk.lost or not hunk.stands_in(text)
            waiting = [hunk for hunk in review.of(uri) if hunk.state == "pending"]
            if waiting and waiting[0].creates:
                if text.value.rstrip("\r\n") == waiting[0].new.rstrip("\r\n"):
                    self.settle(review, waiting, "accepted")
            elif waiting:
                shown = already_applied(waiting, text)
                if shown:
                    land(shown)
                    self.settle(review, shown, "accepted")
                    continue
                for hunk in waiting:
                    if not hunk.stands_in(text):
                        hunk.give_up(text)
                self.tell(review, {uri})

    def follow(self, change: Changed) -> None:
        """Move the hunks of a changed document; recognise by the text it leaves what was accepted or undone."""
        if change.before.value == change.after.value:
            return
        for review in list(self.live.values()):
            here = [hunk for hunk in review.of(change.uri) if not hunk.creates or hunk.state == "pending"]
            waiting = [hunk for hunk in here if hunk.state == "pending"]
            tracks = self._keeps_settled() or review.torn
            settled = [hunk for hunk in here if hunk.state == "accepted"] if tracks else []
            if waiting or settled:
                self._follow(review, waiting, settled, change)

    def _follow(self, review: Review, waiting: list[Hunk], settled: list[Hunk], change: Changed) -> None:
        before, after = change.before.value, change.after.value
        places = {hunk.hunk_id: hunk.span for hunk in settled}
        back = undone(settled, before, after)
        accepted = [] if back else applied(waiting, before, after)
        # The text is what accepting or undoing leaves, whatever steps the client took to get there.
        exact = [hunk.replacement for hunk in accepted]
        exact += [Replacement(*places[hunk.hunk_id], hunk.old) for hunk in back]
        steps = tuple(sorted(exact, key=lambda step: (step.start, step.end), reverse=True)) or change.steps
        for hunk in review.of(change.uri):
            if hunk in accepted or hunk in back:
                continue
            if hunk.state in ("pending", "stale"):
                hunk.follow(steps, change.after)
            elif hunk in settled:
                hunk.track(steps, change.after)
            elif hunk.state == "rejected" and not hunk.creates:
                hunk.follow_aside(steps)
        if accepted:
            land(accepted)
            self.settle(review, accepted, "accepted")
            return
        if not review.pending:
            self._drop(review)
        self.tell(review, {change.uri})

    def _drop(self, review: Review) -> None:
        """Forget a review in which nothing waits, unless undoing could bring something back, or the part that was
        taken is not known to be green."""
        kept = self._keeps_settled() and any(hunk.state == "accepted" for hunk in review.hunks)
        if not kept and not review.torn:
            self.live.pop(review.review_id, None)

    def finish(self, review: Review, *, keep: bool) -> None:
        """The tests of what the person took have ended. `keep`: there is something left to do about it."""
        settled = self._keeps_settled() and any(hunk.state == "accepted" for hunk in review.hunks)
        if not review.pending and not settled and not keep:
            self.live.pop(review.review_id, None)
        self.tell(review, {review.home, *(hunk.uri for hunk in review.hunks)})

    def reopen(self, review: Review, chosen: Iterable[Hunk]) -> None:
        """Rejected changes wait again: the person wants them after all."""
        back = [hunk for hunk in chosen if hunk.state == "rejected"]
        if back:
            self.live[review.review_id] = review
            self.settle(review, back, "pending")

    def tell(self, review: Review, uris: set[str]) -> None:
        """Let everybody know how a review stands now."""
        for call in self.on_changed:
            call(review, uris)
