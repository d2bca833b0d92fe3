"""Turns what a run found and proposes into what a person sees: diagnostics, pending hunks, the RunResult."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ralphd.core.findings import Finding
from ralphd.core.latest import Latest
from ralphd.core.result_json import finding_json, range_json, result_json
from ralphd.core.run import LEADING_ROLE, Command, RunResult
from ralphd.core.text import Text
from ralphd.core.wording import OWN_DEFECT
from ralphd.lsp import review
from ralphd.lsp.applying import Applying
from ralphd.lsp.diagnostics import Diagnostics, Origin, ShownFinding
from ralphd.lsp.endings import Endings
from ralphd.lsp.live_run import TITLES, LiveRun
from ralphd.lsp.outbox import Outbox
from ralphd.lsp.proof import of_result
from ralphd.lsp.result_actions import actions_for
from ralphd.lsp.review import NewText, Review, Reviews
from ralphd.lsp.unnoticed import UnnoticedFaults
from ralphd.lsp.workspace import Place, Workspace

JOURNALS_KEPT = 100
_NOTHING_CAME_OF_IT = frozenset({"stuck", "iteration_limit"})


def _looked_for_by(kind: str) -> tuple[Command, ...]:
    """The commands whose next look replaces a finding of this kind."""
    match kind:
        case "counterexample":
            return ("chaosTests",)
        case "opinion":
            return ("opinions", "critique")
        case _:
            return ("critique",)


class Publishing:
    def __init__(
        self,
        outbox: Outbox,
        workspace: Workspace,
        diagnostics: Diagnostics,
        reviews: Reviews,
        applying: Applying,
        unnoticed: UnnoticedFaults,
        endings: Endings,
    ) -> None:
        self._endings = endings
        self._outbox, self._workspace, self._diagnostics = outbox, workspace, diagnostics
        self._reviews, self._applying, self._unnoticed = reviews, applying, unnoticed
        self.journals: Latest[str, str] = Latest(JOURNALS_KEPT)
        """Paths of the last runs' journals, by run id."""

    # ---- findings ----------------------------------------------------------------------------------------------

    def show(self, run: LiveRun, finding: Finding) -> ShownFinding:
        """Publish a finding on its document (once); it is kept by fingerprint, so later evidence replaces it."""
        uri = self._uri(run, finding.path)
        shown = self._diagnostics.add(uri, finding, self._text(run, uri), Origin(run.uri, run.request))
        run.shown.add(shown.finding_id)
        return shown

    def finding_json(self, run: LiveRun, finding: Finding) -> dict[str, Any]:
        """A finding as JSON, with its place in the text as it is now; it is published where it was not yet."""
        shown = self.show(run, finding)
        text = self._text(run, shown.uri) or Text(run.request.text)
        return finding_json(finding, shown.finding_id, range_json(text, shown.span, self._workspace.client.encoding))

    def _uri(self, run: LiveRun, path: str) -> str:
        return run.uri if path == run.request.path else self._workspace.uri_of(Place(run.root, path))

    def _text(self, run: LiveRun, uri: str) -> Text | None:
        document = self._workspace.documents.get(uri)
        return document.text if document else Text(run.request.text) if uri == run.uri else None

    def _clear_old(self, run: LiveRun, result: RunResult, shown: Sequence[ShownFinding]) -> None:
        """A new look replaces the findings of the last one; a look whose model did not answer, or not legibly, does
        not. Other commands leave them, but for what they showed on the way, in candidates that are gone."""
        kept = {one.finding_id for one in shown}
        role = LEADING_ROLE[result.command]
        if role == "artisan":
            self._diagnostics.clear(run.uri, lambda s: s.finding_id in kept or s.finding_id not in run.shown)
        elif role in result.models and result.outcome in ("reviewed", "tests_proposed", "no_change"):
            self._diagnostics.clear(
                run.uri, lambda s: s.finding_id in kept or result.command not in _looked_for_by(s.finding.kind)
            )

    # ---- the end -----------------------------------------------------------------------------------------------

    async def publish(self, run: LiveRun, result: RunResult) -> dict[str, Any]:
        """Show everything that the run ends with, in the order that docs/protocol.md fixes; the RunResult as JSON."""
        made = None
        if result.edits:
            result, made = await self._propose(run, result)
        shown = [self.show(run, finding) for finding in result.findings]
        self._clear_old(run, result, shown)
        hunks = len(made.pending) if made else 0
        if hunks:
            waiting = f"{hunks} change{'s wait' if hunks > 1 else ' waits'} for your review"
            result = replace(result, reason=f"{waiting}; {result.reason}")
        elif result.outcome in _NOTHING_CAME_OF_IT:
            self._reviews.remember_failure(run.uri, result.reason)
        review_id = made.review_id if made and hunks else None
        self._remember_journal(result)
        answer = result_json(
            result,
            review_id=review_id,
            hunks=hunks,
            actions=actions_for(run, result, review_id, self._workspace, shown),
            findings=[self.finding_json(run, finding) for finding in result.findings],
            cost_shown=run.settings.shows_cost,
        )
        run.progress.end(result.reason)
        self._tell_ended(answer)
        return answer

    def _remember_journal(self, result: RunResult) -> None:
        if result.journal:
            self.journals[result.run_id] = result.journal

    def publish_defect(self, run: LiveRun) -> dict[str, Any]:
        """The end of a run whose result could not be published."""
        failed = RunResult(run.run_id, run.request.command, "internal_error", f"{OWN_DEFECT}.")
        run.progress.end(failed.reason)
        answer = result_json(failed, review_id=None, hunks=0, findings=[])
        self._tell_ended(answer)
        return answer

    def _tell_ended(self, answer: dict[str, Any]) -> None:
        if self._workspace.client.events:
            self._outbox.notify("ralph/runEnded", answer)
        else:
            self._endings.tell(answer)

    # ---- proposals ---------------------------------------------------------------------------------------------

    async def _propose(self, run: LiveRun, result: RunResult) -> tuple[RunResult, Review | None]:
        """Turn new texts into pending hunks on the documents as they are now; apply them where so configured."""
        files = [
            NewText(self._uri(run, path), path, result.base.get(path), after)
            for path, after in sorted(result.edits.items())
        ]
        made = await asyncio.to_thread(review.build, run.request, run.uri, files, result.target)
        made.verified = result.outcome == "proposed"
        made.doubted = result.outcome in ("proposed_suspect", "proposed_unverified")
        made.made_of_tests = result.outcome == "tests_proposed"
        target = run.request.buffers.get(run.request.path, run.request.text.encode("utf-8", "surrogatepass"))
        made.tested = of_result(made, result, target)
        for hunk in made.hunks:
            document = self._workspace.documents.get(hunk.uri)
            if document is not None and not hunk.creates:
                hunk.rebase(run.steps.get(hunk.uri, ()), document.text)
        if made.hunks and not made.pending:
            why = "Everything it would change was edited during the run. Run it again."
            return replace(result, outcome="stale", reason=why, edits={}), None
        if run.closed and run.uri.startswith("untitled:"):
            return replace(result, outcome="stale", reason="The document was closed during the run.", edits={}), None
        self._reviews.add(made)
        self._unnoticed.show(made, result)
        mode = run.settings.review
        if mode == "apply" and result.outcome == "proposed":
            if await self._applying.apply(made, made.pending, TITLES[result.command]):
                return result, None
        elif mode == "preview" and self._workspace.client.annotations:
            self._outbox.background(self._applying.preview(made))
        return result, made
