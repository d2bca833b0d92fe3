"""What is offered at a place: from memory, without any model, in under 5 ms (VS Code asks on every cursor move).

The disk is looked at, in a thread, in two rare cases: the document's place in the workspace is not known yet, or a new
file waits for acceptance and may have come to exist meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Iterable
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from ralphd.core.run import offers_chaos, offers_opinions
from ralphd.core.text import Span, Text, is_binary
from ralphd.lsp import convert
from ralphd.lsp.broken_proofs import BrokenProofs
from ralphd.lsp.command_ids import command
from ralphd.lsp.diagnostics import Diagnostics, ShownFinding, finding_diagnostic, hunk_diagnostic
from ralphd.lsp.hunks import Hunk
from ralphd.lsp.review import Review, Reviews
from ralphd.lsp.runs import Runs
from ralphd.lsp.unnoticed import UnnoticedFaults
from ralphd.lsp.workspace import DocumentSnapshot, Workspace
from ralphd.lsp.workspace_edits import WorkspaceEdits, occupied

IMPLEMENT = "refactor.rewrite.ralph.implement"
RETRY = "refactor.rewrite.ralph.retry"
CRITIQUE, CHAOS, OPINIONS, CANCEL = "ralph.critique", "ralph.chaosTests", "ralph.opinions", "ralph.cancel"
VERSIONS = "quickfix.ralph.versions"
FIX_ALL = "quickfix.ralph.fixAll"
"""Not below `source.fixAll`: editors run that by themselves on saving, and a run costs money."""
ATTACK = "quickfix.ralph.attack"
SETTING = "quickfix.ralph.setting"
FIX, DISMISS, PIN, ALLOW = "quickfix.ralph.fix", "quickfix.ralph.dismiss", "quickfix.ralph.pin", "quickfix.ralph.allow"
ACCEPT, REJECT = "quickfix.ralph.accept", "quickfix.ralph.reject"
ACCEPT_WITH = "quickfix.ralph.acceptWith"
ACCEPT_ALL, REJECT_ALL = "quickfix.ralph.acceptAll", "quickfix.ralph.rejectAll"
KINDS = (
    IMPLEMENT,
    RETRY,
    CRITIQUE,
    CHAOS,
    OPINIONS,
    VERSIONS,
    CANCEL,
    SETTING,
    FIX,
    FIX_ALL,
    DISMISS,
    PIN,
    ALLOW,
    ACCEPT,
    REJECT,
    ACCEPT_WITH,
    ACCEPT_ALL,
    REJECT_ALL,
)
MAX_CHARACTERS = 1_000_000


class CodeActions:
    def __init__(
        self,
        workspace: Workspace,
        runs: Runs,
        diagnostics: Diagnostics,
        reviews: Reviews,
        edits: WorkspaceEdits,
        broken: BrokenProofs,
        unnoticed: UnnoticedFaults,
    ) -> None:
        self._workspace, self._runs, self._edits = workspace, runs, edits
        self._diagnostics, self._reviews = diagnostics, reviews
        self._broken, self._unnoticed = broken, unnoticed

    def register(self, server: LanguageServer) -> None:
        @server.feature(types.TEXT_DOCUMENT_CODE_ACTION)
        def code_action(params: types.CodeActionParams) -> Any:
            return self.answer(params)

    def answer(
        self, params: types.CodeActionParams
    ) -> list[types.CodeAction] | Coroutine[Any, Any, list[types.CodeAction]]:
        """At once, or with a coroutine where the disk has to be looked at first."""
        uri = params.text_document.uri
        self._workspace.documents.last_uri = uri
        created = [hunk for _, hunk in self._reviews.shown_in(uri) if hunk.creates]
        if created or not self._workspace.is_placed(uri):
            return self._answer_later(params, created)
        return self._offer(params, ())

    async def _answer_later(self, params: types.CodeActionParams, created: list[Hunk]) -> list[types.CodeAction]:
        await self._workspace.locate(params.text_document.uri)
        return self._offer(params, await asyncio.to_thread(occupied, created))

    def _offer(self, params: types.CodeActionParams, taken: Collection[str]) -> list[types.CodeAction]:
        """`taken`: URIs of proposed new files that exist meanwhile."""
        snapshot = self._workspace.snapshot(params.text_document.uri)
        if snapshot is None:
            return []
        span = convert.from_range(snapshot.document.text, params.range, snapshot.client.encoding)
        offered = [
            *self._on_hunks(snapshot, span, taken),
            *self._on_proofs(snapshot),
            *self._on_findings(snapshot, span),
            *self._on_faults(snapshot, span),
            *self._on_problems(snapshot, span),
            *self._on_document(snapshot, params.range),
        ]
        if params.context.only:
            offered = [action for action in offered if _wanted(str(action.kind), params.context.only)]
        if not snapshot.client.disabled_actions:
            offered = [action for action in offered if action.disabled is None]
        return offered

    # ---- runs --------------------------------------------------------------------------------------------------

    def _on_document(self, snapshot: DocumentSnapshot, where: types.Range) -> list[types.CodeAction]:
        document, live = snapshot.document, self._runs.on(snapshot.uri)
        argument = {"uri": document.uri, "version": document.version, "range": convert.range_json(where)}
        reason = "Ralph is at work on this document." if live is not None else _why_not(snapshot)
        actions = []
        if live is not None:
            actions.append(_action("Ralph: cancel run", CANCEL, "cancel", {"runId": live.run_id}))
        actions.append(_action("Ralph: implement", IMPLEMENT, "implement", argument, reason))
        actions.append(_action("Ralph: critique", CRITIQUE, "critique", argument, reason))
        if offers_chaos(document.uri):
            actions.append(_action("Ralph: chaos tests", CHAOS, "chaosTests", argument, reason))
        if offers_opinions(document.uri):
            actions.append(_action("Ralph: second opinions", OPINIONS, "opinions", argument, reason))
        return actions

    # ---- reviews -----------------------------------------------------------------------------------------------

    def _on_hunks(self, snapshot: DocumentSnapshot, span: Span, taken: Collection[str]) -> list[types.CodeAction]:
        text, actions = snapshot.document.text, []
        waiting = self._reviews.shown_in(snapshot.uri)
        for review, hunk in waiting:
            if _touch(text, (0, 0) if hunk.creates else hunk.span, span):
                actions += self._on_hunk(snapshot, review, hunk, taken)
        for review in {id(review): review for review, _ in waiting}.values():
            actions += self._on_review(snapshot, review, taken)
        return actions

    def _on_review(
        self, snapshot: DocumentSnapshot, review: Review, taken: Collection[str]
    ) -> Iterable[types.CodeAction]:
        uri = snapshot.uri
        pending = [hunk for hunk in review.pending if hunk.uri == uri or (hunk.creates and review.home == uri)]
        if not pending:
            return
        argument = {"reviewId": review.review_id}
        # Several files go one by one, each verified: most clients half-apply an edit of many.
        edit = self._edits.edit(pending, taken) if len({hunk.uri for hunk in pending}) == 1 else None
        yield _accepting("Ralph: accept all changes", ACCEPT_ALL, argument, edit)
        yield _action("Ralph: reject all changes", REJECT_ALL, "reject", argument)
        yield _action("Ralph: try again", RETRY, "retry", argument)

    def _on_hunk(
        self, snapshot: DocumentSnapshot, review: Review, hunk: Hunk, taken: Collection[str]
    ) -> list[types.CodeAction]:
        argument = {"reviewId": review.review_id, "hunkId": hunk.hunk_id}
        diagnostics = [hunk_diagnostic(snapshot.client, review, hunk, snapshot.document.text)]
        if hunk.state == "stale":
            disabled = types.CodeActionDisabled(reason="These lines were edited since.")
            title = "Ralph: accept change"
            return [types.CodeAction(title=title, kind=ACCEPT, diagnostics=diagnostics, disabled=disabled)]
        accept = _accepting("Ralph: accept change", ACCEPT, argument, self._edits.edit([hunk], taken))
        accept.is_preferred = True
        reject = _action("Ralph: reject change", REJECT, "reject", argument)
        accept.diagnostics = reject.diagnostics = diagnostics
        return [accept, reject]

    def _on_proofs(self, snapshot: DocumentSnapshot) -> Iterable[types.CodeAction]:
        """Takes what a part is not green without, wherever the cursor is: the missing change may stand far away."""
        if not snapshot.client.apply_edit:
            return
        for proof, span in self._broken.on(snapshot.uri):
            if proof.action is not None:
                title = f"Ralph: {proof.action.title[:1].lower()}{proof.action.title[1:]}"
                action = _action(title, ACCEPT_WITH, "accept", dict(proof.action.arguments[0]))
                if not snapshot.client.review:
                    action.diagnostics = [self._broken.diagnostic(proof, span, snapshot.document.text)]
                yield action

    def _on_faults(self, snapshot: DocumentSnapshot, span: Span) -> Iterable[types.CodeAction]:
        """Where the tests did not notice a planted fault: chaos tests for what it was planted in."""
        if not offers_chaos(snapshot.uri) or self._runs.on(snapshot.uri) is not None:
            return
        document, encoding = snapshot.document, snapshot.client.encoding
        here = [(f, p) for f, p in self._unnoticed.on(snapshot.uri) if f.stands and _touch(document.text, p, span)]
        if here:
            place = here[0][1]
            where = convert.range_json(convert.to_range(document.text, (place[0], place[0]), encoding))
            argument = {"uri": document.uri, "version": document.version, "range": where}
            action = _action("Ralph: attack here", ATTACK, "chaosTests", argument)
            action.diagnostics = [self._unnoticed.diagnostic(fault, at, document.text) for fault, at in here]
            yield action

    # ---- settings --------------------------------------------------------------------------------------------------

    def _on_problems(self, snapshot: DocumentSnapshot, span: Span) -> Iterable[types.CodeAction]:
        """What was probably meant, where something in `ralph.config.yaml` comes near to it."""
        text = snapshot.document.text
        for problem, diagnostic in self._diagnostics.problems(snapshot.uri):
            place = convert.from_range(text, diagnostic.range, snapshot.client.encoding)
            if problem.instead and _touch(text, place, span):
                change = types.TextEdit(range=diagnostic.range, new_text=problem.instead)
                yield types.CodeAction(
                    title=f"Ralph: write `{problem.instead}`",
                    kind=SETTING,
                    diagnostics=[diagnostic],
                    is_preferred=True,
                    edit=self._edits.in_one(snapshot.uri, snapshot.document.version, change),
                )

    # ---- findings ----------------------------------------------------------------------------------------------

    def _on_findings(self, snapshot: DocumentSnapshot, span: Span) -> list[types.CodeAction]:
        text = snapshot.document.text
        here = [shown for shown in self._diagnostics.of(snapshot.uri) if _touch(text, shown.span, span)]
        actions = [action for shown in here for action in _on_finding(snapshot, shown)]
        fixable = [shown for shown in self._diagnostics.of(snapshot.uri) if shown.fixable]
        if len(fixable) > 1 and any(shown.fixable for shown in here):
            fix_all = _action(
                f"Ralph: fix all {len(fixable)} findings in this file", FIX_ALL, "fix", {"uri": snapshot.uri}
            )
            fix_all.diagnostics = [finding_diagnostic(snapshot.client, shown, text) for shown in here if shown.fixable]
            actions.append(fix_all)
        return actions


def _on_finding(snapshot: DocumentSnapshot, shown: ShownFinding) -> list[types.CodeAction]:
    argument = {"uri": snapshot.uri, "findingId": shown.finding_id}
    message, kind = shown.finding.message, shown.finding.kind
    actions = []
    if not shown.fixable:
        actions.append(_action("Ralph: allow this edit", ALLOW, "allow", argument))
    else:
        short = message if len(message) <= 60 else message[:59] + "…"
        fix = _action(f"Ralph: fix: {short}", FIX, "fix", argument)
        fix.command = command("fix", "Ralph: fix", argument)
        actions.append(fix)
    if kind == "counterexample":
        actions.append(_action("Ralph: pin counterexample as test", PIN, "pin", argument))
    elif kind == "opinion":
        if shown.finding.test:
            actions.append(_action("Ralph: pin as test", PIN, "pin", argument))
        actions.append(_action("Ralph: show the versions", VERSIONS, "showVersions", argument))
    actions.append(_action("Ralph: dismiss finding", DISMISS, "dismiss", argument))
    for action in actions:
        action.diagnostics = [finding_diagnostic(snapshot.client, shown, snapshot.document.text)]
    return actions


def _why_not(snapshot: DocumentSnapshot) -> str | None:
    """Why no run can work on the document; None where one can."""
    text = snapshot.document.text.value
    if len(text) > MAX_CHARACTERS:
        return "The file is too big."
    if is_binary(text):
        return "The file is binary."
    if snapshot.place is None and not snapshot.untitled:
        return "The file is outside the workspace."
    return None


def _action(
    title: str, kind: str, name: str, argument: dict[str, Any], disabled: str | None = None
) -> types.CodeAction:
    action = types.CodeAction(title=title, kind=kind, command=command(name, title, argument))
    if disabled:
        action.disabled = types.CodeActionDisabled(reason=disabled)
    return action


def _accepting(title: str, kind: str, argument: dict[str, Any], edit: types.WorkspaceEdit | None) -> types.CodeAction:
    """With an edit that the client applies itself, and `accepted` for the books; without one the server sends it."""
    action = _action(title, kind, "accept" if edit is None else "accepted", argument)
    action.edit = edit
    return action


def _touch(text: Text, place: Span, span: Span) -> bool:
    """Whether a place and the cursor or selection share a line: clients send only what is under the cursor."""
    size = len(text.value)
    first, last = text.line_of(min(place[0], size)), text.line_of(min(max(place[1] - 1, place[0]), size))
    return first <= text.line_of(span[1]) and text.line_of(span[0]) <= last


def _wanted(kind: str, only: Iterable[types.CodeActionKind | str]) -> bool:
    """Whether the client asked for this kind of action: kinds are a hierarchy, parted by dots."""
    asked = [str(one.value if isinstance(one, types.CodeActionKind) else one) for one in only]
    return any(one == "" or kind == one or kind.startswith(f"{one}.") for one in asked)
