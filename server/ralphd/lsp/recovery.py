"""Reviews and runs over the end of a server: what waits is kept outside it, and offered again by the next one.

A review is written down when one of its changes takes another state, and taken up after `initialized` where all of
its changes still fit the texts. A run that was cut short is told with what it had cost, and can be run again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ralphd.core import foreign_json
from ralphd.core.encodings import decoded
from ralphd.core.regular_files import read_regular
from ralphd.core.result_json import Action, range_json, result_json
from ralphd.core.run import Command, Cost, RunResult
from ralphd.core.runner import CutShort, Question, Runner
from ralphd.core.text import Text, difference
from ralphd.core.wording import money
from ralphd.lsp import convert
from ralphd.lsp.command_ids import PREFIX
from ralphd.lsp.commands.starting import Starting
from ralphd.lsp.live_run import TITLES, LiveRun
from ralphd.lsp.outbox import Outbox
from ralphd.lsp.review import Review, Reviews
from ralphd.lsp.workspace import Place, Workspace
from ralphd.lsp.workspace_edits import occupied

log = logging.getLogger("ralphd.lsp")

VERSION = 1
MAX_BYTES = 4_000_000


@dataclass
class Kept:
    """A review as it is written down, with the texts that its places lie in, by URI."""

    version: int
    review: Review
    texts: dict[str, str] = field(default_factory=dict)


@cache
def _adapter() -> TypeAdapter[Kept]:
    return TypeAdapter(Kept)


class Recovery:
    def __init__(
        self, outbox: Outbox, workspace: Workspace, reviews: Reviews, starting: Starting, runner: Callable[[], Runner]
    ) -> None:
        self._outbox, self._workspace, self._reviews = outbox, workspace, reviews
        self._starting, self._runner = starting, runner
        self._written: dict[str, tuple[str, ...]] = {}
        """The states of each review's changes as they were written last."""
        self._waiting: dict[str, tuple[str, dict[str, Any] | None]] = {}
        """By review: its root, and what is to be written; None: it is settled."""
        self._writing = asyncio.Lock()

    # ---- keeping -----------------------------------------------------------------------------------------------

    def changed(self, review: Review, uris: set[str]) -> None:
        """Told by `Reviews`. Typing that only moves changes writes nothing: the places are found again by the texts."""
        states = tuple(hunk.state for hunk in review.hunks)
        live = self._reviews.find(review.review_id) is review and bool(review.pending)
        if not live and self._written.pop(review.review_id, None) is None:
            return
        if live:
            if self._written.get(review.review_id) == states:
                return
            self._written[review.review_id] = states
        kept = _adapter().dump_python(self._kept(review)) if live else None
        self._waiting[review.review_id] = (review.request.root, kept)
        self._outbox.background(self.write())

    def _kept(self, review: Review) -> Kept:
        open_ = self._workspace.documents.open
        texts = {uri: open_[uri].text.value if uri in open_ else base for uri, base in review.bases.items()}
        return Kept(VERSION, review, texts)

    async def write(self) -> None:
        """Write what waits; at the end of the server too, so that the last state is there."""
        async with self._writing:
            while self._waiting:
                review_id, (root, kept) = self._waiting.popitem()
                text = None if kept is None else await asyncio.to_thread(json.dumps, kept)
                await self._runner().keep_review(root, review_id, text)

    # ---- taking up ---------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """After `initialized`, when the runner is loaded."""
        for root in list(self._workspace.roots):
            left = await self._runner().take_over(root)
            for text in left.reviews:
                await self._offer(root, text)
            for run in left.cut_short:
                self._tell(root, run)

    async def _offer(self, root: str, text: str) -> None:
        try:
            kept = await asyncio.to_thread(lambda: _adapter().validate_python(foreign_json.parse(text)))
        except (ValueError, ValidationError, RecursionError) as error:
            log.warning("a review that was kept cannot be read: %s", str(error).splitlines()[0])
            return
        review = kept.review
        waited = review.pending
        new = [hunk for hunk in waited if hunk.creates]
        taken = await asyncio.to_thread(occupied, new)
        on_disk = {uri: await asyncio.to_thread(_read, convert.uri_to_path(uri)) for uri in kept.texts}
        self._spell(kept)
        for hunk in new:
            if hunk.uri in taken:
                hunk.state = "stale"
        for uri, was in kept.texts.items():  # from here on nothing is waited for: a document may open at any moment
            document = self._workspace.documents.get(uri)
            _fit(review, uri, was, document.text.value if document else on_disk.get(uri))
        busy = {hunk.uri for live in self._reviews.live.values() for hunk in live.hunks}
        fits = bool(waited) and all(hunk.state == "pending" for hunk in waited)  # it was tested as a whole
        if fits and not busy & {hunk.uri for hunk in review.hunks}:
            self._reviews.add(review)
            return
        log.warning("the review %s of %s is not offered again: its text changed", review.review_id, review.request.path)
        await self._runner().keep_review(root, review.review_id, None)

    def _spell(self, kept: Kept) -> None:
        """URIs as the client spells them now."""
        spelled = self._workspace.documents.spelled
        kept.review.home = spelled(kept.review.home)
        for hunk in kept.review.hunks:
            hunk.uri = spelled(hunk.uri)
        kept.texts = {spelled(uri): text for uri, text in kept.texts.items()}
        kept.review.bases = {spelled(uri): text for uri, text in kept.review.bases.items()}
        for number, tested in enumerate(kept.review.tested):
            texts = {spelled(uri): text for uri, text in tested.texts.items()}
            kept.review.tested[number] = replace(tested, texts=texts)

    # ---- runs that were cut short ------------------------------------------------------------------------------

    def _tell(self, root: str, run: CutShort) -> None:
        cost = Cost(dict(run.usd))
        spent = f"It had cost at most {money(cost)}." if any(run.usd.values()) else "It had cost nothing yet."
        reason = (
            f"{TITLES[run.command]} on {run.path} was cut short when its server ended; nothing was changed. {spent}"
        )
        log.warning("%s", reason)
        argument = self._argument(root, run)
        if not self._workspace.client.events:
            self._outbox.background(self._ask(run.command, argument, reason))
            return
        total = {"totalTokens": sum(run.tokens.values())}
        usage = {"promptTokens": 0, "completionTokens": 0, "cachedTokens": 0, "calls": 0, **total}
        ended = RunResult(run.run_id, run.command, "cancelled", reason, cost=cost, usage=usage, journal=run.journal)
        again = [] if argument is None else [Action("tryAgain", "Run it again", f"{PREFIX}{run.command}", (argument,))]
        self._outbox.notify("ralph/runEnded", result_json(ended, review_id=None, hunks=0, findings=(), actions=again))

    def _argument(self, root: str, run: CutShort) -> Mapping[str, Any] | None:
        """For the command that starts it again; a fix is started at its finding, which is gone."""
        if run.command == "fix":
            return None
        uri = self._workspace.uri_of(Place(root, run.path))
        argument: dict[str, Any] = {"uri": uri}
        document = self._workspace.documents.get(uri)
        if run.span is not None and document is not None:
            size = len(document.text.value)
            span = (min(run.span[0], size), min(run.span[1], size))
            argument["range"] = range_json(document.text, span, self._workspace.client.encoding)
        if run.instruction:
            argument["instruction"] = run.instruction
        return argument

    async def _ask(self, command: Command, argument: Mapping[str, Any] | None, text: str) -> None:
        if argument is None or not self._workspace.client.message_request:
            self._outbox.show(text)
            return
        question = Question("again", "", text, (("Run it again", "once"), ("Leave it", "never")))
        if await self._outbox.ask(question, lambda decision: None) == "once":
            started: LiveRun | Coroutine[Any, Any, LiveRun] = self._starting.start(command, argument)
            if not isinstance(started, LiveRun):
                await started


def _fit(review: Review, uri: str, was: str, now: str | None) -> None:
    """Move the changes of a document from the text that they were kept with to the one that is there now."""
    text = Text(now or "")
    steps = [] if now is None or now == was else [difference(was, now)]
    for hunk in [hunk for hunk in review.of(uri) if not hunk.creates]:
        if now is None:
            hunk.give_up(text)
        elif hunk.state == "pending":
            hunk.rebase(steps, text)
        elif hunk.state == "accepted":
            hunk.track(steps, text)
        elif hunk.state == "rejected":
            hunk.follow_aside(steps)
        else:
            hunk.follow(steps, text)


def _read(path: str | None) -> str | None:
    """A file as an editor would show it; None where there is none."""
    data = read_regular(path, MAX_BYTES) if path is not None else None
    try:
        return decoded(data) if data is not None else None
    except UnicodeError:
        return None
