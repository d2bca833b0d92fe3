"""The registry of runs: one per document at most, each ends exactly once, whatever happens to its task.

The order at the end of a run is fixed: diagnostics, progress end, `ralph/runEnded`, the answer of `ralph/run`.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ralphd.core import events
from ralphd.core.run import RunRequest, RunResult
from ralphd.core.runner import Decision, Question, Runner
from ralphd.core.wording import OWN_DEFECT
from ralphd.lsp import buffers
from ralphd.lsp.convert import same_uri
from ralphd.lsp.documents import Changed
from ralphd.lsp.live_run import TITLES, LiveRun
from ralphd.lsp.outbox import Outbox
from ralphd.lsp.progress import ProgressReporter
from ralphd.lsp.publishing import Publishing
from ralphd.lsp.workspace import DocumentSnapshot, Place, Workspace

log = logging.getLogger("ralphd.lsp")

_LATE: Mapping[Decision, str] = {
    "once": "The run had ended before you answered. The next one may run the command; start it again.",
    "always": "The run had ended before you answered. From now on the command may run; start it again.",
    "never": "The run had ended before you answered. The command will not be asked about again; `ralphd trust list` "
    "shows it.",
}
"""Told when a question about a command is answered after its time was over."""


class Runs:
    def __init__(
        self,
        outbox: Outbox,
        workspace: Workspace,
        publishing: Publishing,
        runner: Callable[[], Runner],
        configured: Callable[[], Awaitable[None]],
    ) -> None:
        """`configured`: waits until the client's settings, where they are just being asked for, are known."""
        self._configured = configured
        self._outbox, self._workspace, self._publishing, self._runner = outbox, workspace, publishing, runner
        self.live: dict[str, LiveRun] = {}
        self.on_live: list[Callable[[str], None]] = []
        """Told the document of each run that began or ended."""
        self._work: dict[str, asyncio.Task[RunResult]] = {}
        self._supervisors: set[asyncio.Task[None]] = set()
        workspace.documents.on_changed.append(self._follow)
        workspace.documents.on_closed.append(self._closed)

    def on(self, uri: str) -> LiveRun | None:
        """The run that is live on a document."""
        return next((run for run in self.live.values() if same_uri(run.uri, uri)), None)

    def start(self, request: RunRequest, uri: str) -> LiveRun:
        """Start and register; the work itself begins in the next turn of the event loop.

        The request's buffers are filled in then: what is open at this moment, as the bytes that saving would write.
        """
        loop = asyncio.get_running_loop()
        progress = ProgressReporter(
            self._outbox,
            self._workspace.client,
            request.run_id,
            TITLES[request.command],
            lambda event: self._publishing.finding_json(run, event.finding),
        )
        known = self._workspace.settings_of(Place(request.root, request.path))
        run = LiveRun(request.run_id, uri, request, progress, loop.create_future(), known)
        self.live[run.run_id] = run
        self._work[run.run_id] = loop.create_task(self._run(run, self._snapshots(request, uri)))
        supervisor = loop.create_task(self._supervise(run))
        self._supervisors.add(supervisor)
        supervisor.add_done_callback(self._supervisors.discard)
        progress.begin()
        self._tell_live(uri)
        return run

    def _tell_live(self, uri: str) -> None:
        self._outbox.refresh_lenses()
        for call in self.on_live:
            call(uri)

    def _snapshots(self, request: RunRequest, uri: str) -> list[DocumentSnapshot]:
        """The open documents of the request's workspace folder; the one that the run is on comes last, so it counts
        where its file is open under two names."""
        if request.untitled:
            return []
        uris = sorted(self._workspace.documents.open, key=lambda known: same_uri(known, uri))
        return [found for known in uris if (found := self._workspace.snapshot(known)) is not None]

    async def _run(self, run: LiveRun, snapshots: list[DocumentSnapshot]) -> RunResult:
        run.request = request = await self._saved(run.request, snapshots)
        await self._configured()
        runner = self._runner()  # not before: by now its modules were loaded beside the event loop
        settings = await runner.editor_settings(request.root, request.path)
        run.settings = self._workspace.settings[request.root, os.path.dirname(request.path)] = settings
        run.progress.shows_cost = run.settings.shows_cost
        return await runner.run(request, lambda event: self._emit(run, event), partial(self._ask, run))

    async def with_buffers(self, request: RunRequest, uri: str) -> RunRequest:
        """`request` with what is open in the editor now, as the bytes that saving would write."""
        return await self._saved(request, self._snapshots(request, uri))

    async def _saved(self, request: RunRequest, snapshots: list[DocumentSnapshot]) -> RunRequest:
        for snapshot in snapshots:
            await self._workspace.locate(snapshot.uri)
        placed = [(self._workspace.place_of(snapshot.uri), snapshot.document) for snapshot in snapshots]
        here = [(place, document) for place, document in placed if place is not None and place.root == request.root]
        return replace(request, buffers=await asyncio.to_thread(buffers.saved_as, here))

    async def _ask(self, run: LiveRun, question: Question) -> Decision | None:
        run.asked_digest = question.digest or run.asked_digest

        def late(decision: Decision) -> None:
            if question.kind == "command":  # what was decided about a cost belongs to that one run
                self._outbox.background(self._late(question.digest, decision))

        return await self._outbox.ask(question, late)

    async def _late(self, digest: str, decision: Decision) -> None:
        if await self._runner().decide(digest, decision):
            self._outbox.show(_LATE[decision])

    def _emit(self, run: LiveRun, event: events.Event) -> None:
        if isinstance(event, events.FindingAdded):
            self._publishing.show(run, event.finding)
        run.progress.emit(event)

    # ---- the end -----------------------------------------------------------------------------------------------

    async def _supervise(self, run: LiveRun) -> None:
        """Waits for the work without being cancelled with it: an ending is always published."""
        work = self._work[run.run_id]
        await asyncio.wait({work})
        try:
            answer = await self._publishing.publish(run, _result_of(run, work))
        except Exception:
            log.exception("publishing run %s", run.run_id)
            answer = self._publishing.publish_defect(run)
        del self.live[run.run_id], self._work[run.run_id]
        self._tell_live(run.uri)
        if not run.ended.done():
            run.ended.set_result(answer)

    # ---- cancel: every route ends here -------------------------------------------------------------------------

    def cancel(self, run: LiveRun) -> None:
        if (work := self._work.get(run.run_id)) is not None:
            work.cancel()

    def cancel_token(self, token: int | str) -> None:
        """The person cancelled a progress report."""
        for run in self.live.values():
            if run.progress.token == token:
                self.cancel(run)
                return

    async def cancel_all(self, timeout_s: float) -> None:
        for run in list(self.live.values()):
            self.cancel(run)
        if self._supervisors:
            await asyncio.wait(self._supervisors, timeout=timeout_s)

    # ---- the documents go on living ----------------------------------------------------------------------------

    def _follow(self, change: Changed) -> None:
        for run in self.live.values():
            run.steps.setdefault(change.uri, []).extend(change.steps)

    def _closed(self, uri: str) -> None:
        for run in self.live.values():
            run.closed = run.closed or run.uri == uri


def _result_of(run: LiveRun, work: asyncio.Task[Any]) -> RunResult:
    command = run.request.command
    if work.cancelled():  # a task that is cancelled before its first step never reaches its own handlers
        return RunResult(run.run_id, command, "cancelled", "The run was cancelled.")
    error = work.exception()
    if error is not None:
        log.error("run %s", run.run_id, exc_info=error)
        return RunResult(run.run_id, command, "internal_error", f"{OWN_DEFECT}.")
    result: RunResult = work.result()
    return result
