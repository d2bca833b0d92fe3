"""The registry of runs: one per document at most, each ends exactly once, whatever happens to its task.

The order at the end of a run is fixed: diagnostics, progress end, `ralph/runEnded`, the answer of `ralph/run`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ralphd.core import events
from ralphd.core.result_json import finding_json, range_json, result_json
from ralphd.core.run import LEADING_ROLE, RunRequest, RunResult
from ralphd.core.runner import Decision, Question
from ralphd.core.text import Replacement, Text
from ralphd.core.wording import OWN_DEFECT
from ralphd.lsp import convert, review
from ralphd.lsp.progress import Progress
from ralphd.lsp.session import Changed

if TYPE_CHECKING:
    from ralphd.lsp.server import RalphServer

log = logging.getLogger("ralphd.lsp")

TITLES = {
    "implement": "Ralph: implement",
    "critique": "Ralph: critique",
    "chaosTests": "Ralph: chaos tests",
    "fix": "Ralph: fix",
}


@dataclass
class Run:
    run_id: str
    uri: str
    root: str
    request: RunRequest
    progress: Progress
    work: asyncio.Task[RunResult]
    ended: asyncio.Future[dict[str, Any]]
    steps: dict[str, list[Replacement]] = field(default_factory=dict)
    """Typing during the run, by document: what a proposal is rebased over."""
    closed: bool = False
    cancelled: bool = False
    shown: set[str] = field(default_factory=set)
    """Ids of the findings that this run showed so far."""


class Runs:
    def __init__(self, server: RalphServer) -> None:
        self._server = server
        self.live: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def on(self, uri: str) -> Run | None:
        return next((run for run in self.live.values() if convert.same_uri(run.uri, uri)), None)

    def start(self, request: RunRequest, uri: str) -> Run:
        """Start and register; the work itself begins in the next turn of the loop."""
        server = self._server
        runner = server.runner()
        progress = Progress(
            server,
            request.run_id,
            TITLES[request.command],
            runner.shows_cost(request.root, request.path),
            lambda e: self._finding_json(run, e),
        )
        loop = asyncio.get_running_loop()
        work = loop.create_task(
            runner.run(request, lambda event: self._emit(run, event), lambda question: self._ask(run, question))
        )
        run = Run(request.run_id, uri, request.root, request, progress, work, loop.create_future())
        self.live[run.run_id] = run
        server.last_request[request.root] = (request, uri)
        task = loop.create_task(self._supervise(run))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        progress.begin()
        server.refresh_lenses()
        return run

    async def _supervise(self, run: Run) -> None:
        """Waits for the work without being cancelled with it: an ending is always published."""
        await asyncio.wait({run.work})
        try:
            result = self._result_of(run)
            answer = await self._publish(run, result)
        except Exception:
            log.exception("publishing run %s", run.run_id)
            failed = RunResult(run.run_id, run.request.command, "internal_error", f"{OWN_DEFECT}.")
            run.progress.end(f"{OWN_DEFECT}.")
            answer = result_json(failed, review_id=None, hunks=0, findings=[])
            self._tell_ended(answer)
        self.live.pop(run.run_id, None)
        self._server.refresh_lenses()
        if not run.ended.done():
            run.ended.set_result(answer)

    def _result_of(self, run: Run) -> RunResult:
        if run.work.cancelled():  # a task that is cancelled before its first step never reaches its own handlers
            return RunResult(run.run_id, run.request.command, "cancelled", "The run was cancelled.")
        error = run.work.exception()
        if error is not None:
            log.error("run %s", run.run_id, exc_info=error)
            return RunResult(run.run_id, run.request.command, "internal_error", f"{OWN_DEFECT}.")
        return run.work.result()

    async def _publish(self, run: Run, result: RunResult) -> dict[str, Any]:
        server, session = self._server, self._server.session
        made = None
        if result.edits:
            result, made = await self._propose(run, result)
        fresh = [self._show(run, finding) for finding in result.findings]
        kept = {shown.finding_id for shown in fresh if shown}
        asked = None if LEADING_ROLE[result.command] == "artisan" else LEADING_ROLE[result.command]
        looked = asked in result.models and result.outcome in ("reviewed", "tests_proposed", "no_change")
        if looked:  # a new look replaces the last one; one whose model did not answer, or not legibly, does not
            server.diagnostics.clear(
                run.uri, lambda s: s.finding_id in kept or self._other_command(s.finding.kind, result.command)
            )
        elif asked is None:  # what was found on the way, in candidates that are gone
            server.diagnostics.clear(run.uri, lambda s: s.finding_id in kept or s.finding_id not in run.shown)
        listed = []
        for shown, finding in zip(fresh, result.findings, strict=True):
            text = (
                session.documents[shown.uri].text.value
                if shown and shown.uri in session.documents
                else run.request.text
            )
            listed.append(
                finding_json(
                    finding,
                    shown.finding_id if shown else "",
                    range_json(Text(text), shown.span if shown else (0, 0), session.client.encoding),
                )
            )
        shows_cost = server.runner().shows_cost(run.root, run.request.path)
        hunks = len(made.pending) if made else 0
        if hunks:
            waiting = f"{hunks} change{'s wait' if hunks > 1 else ' waits'} for your review"
            result = replace(result, reason=f"{waiting}; {result.reason}")
        answer = result_json(
            result,
            review_id=made.review_id if made and hunks else None,
            hunks=hunks,
            findings=listed,
            cost_shown=shows_cost,
        )
        run.progress.end(answer["reason"])
        failed = ("misconfigured", "untrusted", "provider_failed", "budget_exceeded", "internal_error")
        if result.outcome in failed and not session.client.events:  # who takes runEnded shows it there
            server.show_message(result.reason, error=result.outcome != "untrusted")
        self._tell_ended(answer)
        return answer

    @staticmethod
    def _other_command(kind: str, command: str) -> bool:
        """Findings of another kind of run stay: a critique does not wipe counterexamples."""
        return (kind == "counterexample") != (command == "chaosTests")

    def _tell_ended(self, answer: dict[str, Any]) -> None:
        if self._server.session.client.events:
            self._server.notify("ralph/runEnded", answer)

    async def _propose(self, run: Run, result: RunResult) -> tuple[RunResult, review.Review | None]:
        """Turn new texts into pending hunks on the documents as they are now; apply them where so configured."""
        server, session = self._server, self._server.session
        files = []
        for path, after in sorted(result.edits.items()):
            uri = run.uri if path == run.request.path else server.uri_in(run.root, path)
            files.append((uri, path, result.base.get(path), after))
        made = review.build(run.request, run.uri, files)
        made.verified = result.outcome == "proposed"
        rebased = []
        for hunk in made.hunks:
            document = session.documents.get(hunk.uri)
            if document is not None and not hunk.creates:
                hunk = review.rebase(hunk, run.steps.get(hunk.uri, ()), document.text)
            rebased.append(hunk)
        made.hunks = rebased
        if made.hunks and not made.pending:
            why = "Everything it would change was edited during the run. Run it again."
            return replace(result, outcome="stale", reason=why, edits={}), None
        if run.closed and run.uri.startswith("untitled:"):
            return replace(result, outcome="stale", reason="The document was closed during the run.", edits={}), None
        server.reviews.add(made)
        mode = server.runner().review_mode(run.root, run.request.path)
        if mode == "apply" and result.outcome == "proposed":
            if await server.applying.apply(made, made.pending, f"{TITLES[result.command]}"):
                return result, None
        elif mode == "preview" and session.client.annotations:
            server.background(server.applying.preview(made))
        return result, made

    def _emit(self, run: Run, event: events.Event) -> None:
        if isinstance(event, events.FindingAdded):
            self._show(run, event.finding)
        run.progress.emit(event)

    def _show(self, run: Run, finding: Any) -> Any:
        """Publish a finding on its document (once); it is kept by fingerprint, so later evidence replaces it."""
        server = self._server
        uri = run.uri if finding.path == run.request.path else server.uri_in(run.root, finding.path)
        document = server.session.documents.get(uri)
        existing = next((s for s in server.diagnostics.of(uri) if s.finding == finding), None)
        if existing is not None:
            return existing
        text = document.text if document else (Text(run.request.text) if uri == run.uri else None)
        shown = server.diagnostics.add(uri, run.root, finding, text)
        run.shown.add(shown.finding_id)
        return shown

    def _finding_json(self, run: Run, event: events.FindingAdded) -> dict[str, Any]:
        shown = self._show(run, event.finding)
        document = self._server.session.documents.get(shown.uri)
        text = document.text.value if document else run.request.text
        return finding_json(
            event.finding, shown.finding_id, range_json(Text(text), shown.span, self._server.session.client.encoding)
        )

    async def _ask(self, run: Run, question: Question) -> Decision:
        return await self._server.ask(question)

    # ---- cancel: every route ends here -------------------------------------------------------------------------

    def cancel(self, run: Run) -> None:
        run.cancelled = True
        run.work.cancel()

    def cancel_token(self, token: int | str) -> None:
        for run in self.live.values():
            if run.progress.token == token:
                self.cancel(run)
                return

    async def cancel_all(self, timeout_s: float) -> None:
        for run in list(self.live.values()):
            self.cancel(run)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)

    # ---- the documents go on living ----------------------------------------------------------------------------

    def follow(self, change: Changed) -> None:
        for run in self.live.values():
            run.steps.setdefault(change.uri, []).extend(change.steps)

    def closed(self, uri: str) -> None:
        for run in self.live.values():
            if run.uri == uri:
                run.closed = True
