"""Has the tests run again on what a person made of a proposal: one run at a time, in the background, newest text only.

Nothing is asked and no model is called: the runner runs the command that was allowed for the proposal's own run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from ralphd.core.run import Judgement
from ralphd.core.runner import Runner
from ralphd.lsp import buffers
from ralphd.lsp.documents import Changed
from ralphd.lsp.hunks import Hunk, HunkState
from ralphd.lsp.judged_files import JudgedFiles
from ralphd.lsp.live_run import LiveRun
from ralphd.lsp.outbox import Outbox
from ralphd.lsp.progress import ProgressReporter
from ralphd.lsp.proof import Fits, Proof, is_edited, match, part, proof_of, same_texts, standing, tested_again
from ralphd.lsp.review import Review, Reviews, Standing, Tested
from ralphd.lsp.workspace import Workspace

log = logging.getLogger("ralphd.lsp")

AFTER_DECISION_S = 0.3
AFTER_TYPING_S = 1.5
"""How long the person has to be quiet before tests run."""
MOST_ALONE = 4
"""Rejected changes that are tried one by one to find what is missing; then all of them together."""
KEPT = 12
"""Verdicts kept for one review, the run's own among them."""


Mark = tuple[tuple[HunkState, str | None], ...]


@dataclass
class _Waiting:
    review: Review
    texts: Standing
    due: float


class Retesting:
    """`live`: the runs that are live, by id."""

    def __init__(
        self,
        outbox: Outbox,
        workspace: Workspace,
        reviews: Reviews,
        live: Mapping[str, LiveRun],
        runner: Callable[[], Runner],
    ) -> None:
        self._outbox, self._workspace, self._reviews = outbox, workspace, reviews
        self._live, self._runner = live, runner
        self._files = JudgedFiles(outbox, workspace, self._known)
        self._waiting: dict[str, _Waiting] = {}
        self._worker: asyncio.Task[None] | None = None
        self._now: tuple[_Waiting, asyncio.Task[None]] | None = None
        self._progress: ProgressReporter | None = None
        self._states: dict[str, list[HunkState]] = {}
        """States of a review's hunks when it was looked at last: what changed them was a decision."""
        self._marks: dict[str, Mark] = {}
        """What had become of each hunk when the tests ran last."""
        reviews.on_changed.append(self._changed)
        workspace.documents.on_opened.append(self._opened)
        workspace.documents.on_changed.append(self._edited)
        workspace.documents.on_closed.append(self._files.look)

    def proof(self, review: Review) -> Proof:
        return proof_of(review, self._standing(review), at_work=self._at_work(review), fits=self._fits(review))

    def _fits(self, review: Review) -> Fits:
        return lambda hashes: self._files.fits(review.request.root, hashes)

    def _standing(self, review: Review, also: tuple[Hunk, ...] = ()) -> dict[str, str]:
        texts = {uri: document.text for uri, document in self._workspace.documents.open.items()}
        return standing(review, texts, also)

    def _at_work(self, review: Review) -> bool:
        home = self._workspace.documents.spelled(review.home)
        return any(run.uri == home and run.run_id != review.run_id for run in self._live.values())

    # ---- when ----------------------------------------------------------------------------------------------------

    def _changed(self, review: Review, uris: set[str]) -> None:
        """A hunk moved or changed its state."""
        states = [hunk.state for hunk in review.hunks]
        decided = self._states.get(review.review_id) not in (None, states)
        if review.review_id not in self._states:
            for uri in self._workspace.documents.open:  # what do they hold that its verdict is for?
                self._opened(uri)
        self._states[review.review_id] = states
        for known in (self._states, self._marks):
            for gone in known.keys() - self._reviews.live.keys():
                del known[gone]
        texts = self._standing(review)
        testing = self._now[0] if self._now is not None and self._now[0].review is review else None
        if self._now is not None and testing is not None and not same_texts(review, testing.texts, texts):
            self._now[1].cancel()
        if not self._wants(review, texts):
            self._waiting.pop(review.review_id, None)
            if testing is None:
                review.testing = ""
        elif testing is None or not same_texts(review, testing.texts, texts):
            self._put(review, texts, decided)

    def _wants(self, review: Review, texts: Standing) -> bool:
        """Whether nobody knows about a text that the person is still deciding on, or got by deciding."""
        kept = any(hunk.state in ("pending", "accepted") for hunk in review.hunks)
        if not kept or not review.tested or review.made_of_tests or self._at_work(review):
            return False
        if self._reviews.find(review.review_id) is None:
            return False
        known = match(review, texts, self._fits(review))
        if known is not None:
            return bool(review.pending) and not self._fits(review)(known.beside)
        if review.pending:
            return True
        # Everything is decided: what the person goes on typing elsewhere is work of their own, unless it mends a red.
        broken = len(review.tested) > 1 and review.tested[-1].state == "broken"
        return broken or self._mark(review) != self._marks.get(review.review_id, _untouched(review))

    def _mark(self, review: Review) -> Mark:
        """What became of each hunk: its state, and the text that stands in an accepted one's place."""
        found: list[tuple[HunkState, str | None]] = []
        for hunk in review.hunks:
            document = self._workspace.documents.get(hunk.uri)
            if hunk.state != "accepted" or hunk.creates or document is None:
                found.append((hunk.state, hunk.new if hunk.state == "accepted" else ""))
            else:
                found.append((hunk.state, None if hunk.lost else document.text.value[hunk.span[0] : hunk.span[1]]))
        return tuple(found)

    def _put(self, review: Review, texts: Standing, decided: bool) -> None:
        loop = asyncio.get_running_loop()
        before = self._waiting.get(review.review_id)
        if before is not None and same_texts(review, before.texts, texts):
            return
        due = loop.time() + (AFTER_DECISION_S if decided else AFTER_TYPING_S)
        self._waiting[review.review_id] = _Waiting(review, texts, due)
        review.testing = f"Testing {part(review)}." if decided else ""
        if self._worker is None or self._worker.done():
            self._worker = loop.create_task(self._work())

    def _opened(self, uri: str) -> None:
        if any(self._holds_for(review, uri) for review in self._reviews.live.values()):
            self._files.look(uri)

    def _edited(self, change: Changed) -> None:
        self._opened(change.uri)
        if self._now is not None and self._holds_for(self._now[0].review, change.uri):
            self._now[1].cancel()

    def _holds_for(self, review: Review, uri: str) -> bool:
        place = self._workspace.place_of(uri)
        return place is not None and any(place.path in tested.beside for tested in review.tested)

    def _known(self, uri: str) -> None:
        """It is known what another document holds: a verdict may have become stale, or hold again."""
        for review in list(self._reviews.live.values()):
            if self._holds_for(review, uri):
                self._reviews.tell(review, {review.home})

    def run_changed(self, uri: str) -> None:
        """A run on this document began or ended."""
        for review in list(self._reviews.live.values()):
            if self._workspace.documents.spelled(review.home) == uri:
                if self._at_work(review) and self._now is not None and self._now[0].review is review:
                    self._now[1].cancel()
                self._reviews.tell(review, {review.home})

    # ---- cancel ---------------------------------------------------------------------------------------------------

    def cancel(self) -> None:
        """The person wants no test run now: what was about to be tested stays untested until the next change."""
        now = [self._now[0]] if self._now is not None else []
        for one in [*self._waiting.values(), *now]:
            self._remember(one.review, Tested(one.texts, {}, "unverified", "Not tested: the test run was cancelled."))
        self._waiting.clear()
        if self._now is not None:
            self._now[1].cancel()

    def cancel_token(self, token: int | str) -> None:
        if self._progress is not None and self._progress.token == token:
            self.cancel()

    async def end(self) -> None:
        """The connection ends: no test run is left."""
        self._waiting.clear()
        tasks = [task for task in (self._worker, self._now[1] if self._now else None) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- work -----------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            first = min(self._waiting.values(), key=lambda one: one.due)
            if (left := first.due - loop.time()) > 0:
                await asyncio.sleep(left)
                continue
            del self._waiting[first.review.review_id]
            task = loop.create_task(self._test(first))
            self._now = (first, task)
            try:
                await asyncio.wait({task})
            finally:
                self._now = None
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("testing a part of %s", first.review.run_id, exc_info=error)
            if first.review.review_id not in self._waiting:
                first.review.testing = ""
                self._reviews.finish(first.review, keep=self.proof(first.review).state == "broken")

    async def _test(self, one: _Waiting) -> None:
        review = one.review
        review.testing = f"Testing {part(review)}."
        edited = is_edited(review, one.texts)
        self._marks[review.review_id] = self._mark(review)
        self._reviews.tell(review, {review.home})
        title = "Ralph: testing what you made of the proposal"
        self._progress = progress = ProgressReporter(
            self._outbox, self._workspace.client, review.run_id, title, lambda event: {}
        )
        progress.begin()
        sentence = "Not tested."
        try:
            judged, missing = await self._judge(review, one.texts)
            tested = tested_again(review, one.texts, judged, missing, edited=edited)
            sentence = tested.sentence
            if not self._fits(review)(tested.beside):  # no hash that a document could have: never ask again for it
                tested = replace(tested, beside={})
            self._remember(review, tested)
        finally:
            self._progress = None
            progress.end(sentence)

    async def _judge(self, review: Review, texts: Standing) -> tuple[Judgement, tuple[Hunk, ...]]:
        """The verdict on `texts`; where it is red, the rejected changes without which it is."""
        judged = await self._ask(review, texts)
        if judged.state != "red":
            return judged, ()
        for also in _ways_back(review):
            whole = self._standing(review, also)
            known = match(review, whole, self._fits(review))
            state = known.state if known is not None else (await self._ask(review, whole)).state
            if state in ("verified", "green"):
                return judged, also
        return judged, ()

    async def _ask(self, review: Review, texts: Standing) -> Judgement:
        root = review.request.root
        here = self._workspace.documents_in(root)
        saved = await asyncio.to_thread(buffers.saved_as, here)
        paths = {hunk.uri: hunk.path for hunk in review.hunks}
        return await self._runner().judge(review.run_id, saved, {paths[uri]: text for uri, text in texts.items()})

    def _remember(self, review: Review, tested: Tested) -> None:
        own, later = review.tested[:1], [t for t in review.tested[1:] if not same_texts(review, t.texts, tested.texts)]
        review.tested = [*own, *later[-(KEPT - 2) :], tested]


def _untouched(review: Review) -> Mark:
    """The mark of a review that was accepted as it was."""
    return tuple(("accepted", hunk.new) for hunk in review.hunks)


def _ways_back(review: Review) -> Iterator[tuple[Hunk, ...]]:
    """Rejected changes to take after all: one by one, then all."""
    rejected = tuple(hunk for hunk in review.hunks if hunk.state == "rejected" and not hunk.lost)
    if len(rejected) <= MOST_ALONE:
        yield from ((hunk,) for hunk in rejected)
    if len(rejected) > 1:
        yield rejected
