"""What is offered at a place: from memory only, no model, no disk, under 5 ms (VS Code asks on every cursor move)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsprotocol import types

from ralphd.core.text import Span, is_binary
from ralphd.lsp import convert
from ralphd.lsp.commands import PREFIX
from ralphd.lsp.diagnostics import Shown, finding_diagnostic, hunk_diagnostic
from ralphd.lsp.review import Hunk, Review
from ralphd.lsp.session import MAX_CHARACTERS

if TYPE_CHECKING:
    from ralphd.core.text import Document
    from ralphd.lsp.server import RalphServer

IMPLEMENT = "refactor.rewrite.ralph.implement"
RETRY = "refactor.rewrite.ralph.retry"
CRITIQUE, CHAOS, CANCEL = "ralph.critique", "ralph.chaosTests", "ralph.cancel"
FIX, DISMISS, PIN, ALLOW = "quickfix.ralph.fix", "quickfix.ralph.dismiss", "quickfix.ralph.pin", "quickfix.ralph.allow"
ACCEPT, REJECT = "quickfix.ralph.accept", "quickfix.ralph.reject"
ACCEPT_ALL, REJECT_ALL = "quickfix.ralph.acceptAll", "quickfix.ralph.rejectAll"
KINDS = (IMPLEMENT, RETRY, CRITIQUE, CHAOS, CANCEL, FIX, DISMISS, PIN, ALLOW, ACCEPT, REJECT, ACCEPT_ALL, REJECT_ALL)
CHAOS_LANGUAGES = (".py",)


def command(name: str, title: str, argument: dict[str, Any]) -> types.Command:
    return types.Command(title=title, command=PREFIX + name, arguments=[argument])


class CodeActions:
    def __init__(self, server: RalphServer) -> None:
        self._server = server

    def offer(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        server = self._server
        document = server.session.documents.get(params.text_document.uri)
        if document is None:
            return []
        span = convert.from_range(document.text, params.range, server.session.client.encoding)
        offered = [*self._hunks(document, span), *self._findings(document, span), *self._starts(document, params.range)]
        wanted = params.context.only
        if wanted:
            offered = [
                a
                for a in offered
                if any(_kind_matches(str(a.kind), str(w.value if hasattr(w, "value") else w)) for w in wanted)
            ]
        if not server.session.client.disabled_actions:
            offered = [action for action in offered if action.disabled is None]
        return offered

    def _starts(self, document: Document, where: types.Range) -> list[types.CodeAction]:
        argument = {"uri": document.uri, "version": document.version, "range": convert.range_json(where)}
        live = self._server.runs.on(document.uri)
        reason = self._why_not(document, live is not None)
        disabled = types.CodeActionDisabled(reason=reason) if reason else None
        actions = []
        if live is not None:
            actions.append(
                _action("Ralph: cancel run", CANCEL, command("cancel", "Ralph: cancel run", {"runId": live.run_id}))
            )
        for title, kind, name in (
            ("Ralph: implement", IMPLEMENT, "implement"),
            ("Ralph: critique", CRITIQUE, "critique"),
            ("Ralph: chaos tests", CHAOS, "chaosTests"),
        ):
            if name == "chaosTests" and not document.uri.endswith(CHAOS_LANGUAGES):
                continue
            action = _action(title, kind, command(name, title, argument))
            action.disabled = disabled
            actions.append(action)
        return actions

    def _why_not(self, document: Document, live: bool) -> str | None:
        if live:
            return "Ralph is at work on this document."
        if len(document.text.value) > MAX_CHARACTERS:
            return "The file is too big."
        if is_binary(document.text.value):
            return "The file is binary."
        if not document.uri.startswith("untitled:") and self._server.session.relative(document.uri) is None:
            return "The file is outside the workspace."
        return None

    def _hunks(self, document: Document, span: Span) -> list[types.CodeAction]:
        server, actions = self._server, []
        waiting = server.reviews.pending_in(document.uri)
        for review, hunk in waiting:
            at = (0, 0) if hunk.creates else hunk.span
            if _touch(document, at, span):
                actions += self._hunk(document, review, hunk)
        for review in {id(r): r for r, _ in waiting}.values():
            pending = [
                h for h in review.pending if h.uri == document.uri or (h.creates and review.home == document.uri)
            ]
            if pending:
                argument = {"reviewId": review.review_id}
                accept = _action(
                    "Ralph: accept all changes", ACCEPT_ALL, command("accepted", "Ralph: accept all changes", argument)
                )
                # Several files go one by one, each verified: most clients half-apply an edit of many.
                accept.edit = server.edits.workspace_edit(pending) if len({h.uri for h in pending}) == 1 else None
                if accept.edit is None:
                    accept.command = command("accept", "Ralph: accept all changes", argument)
                actions.append(accept)
                actions.append(
                    _action(
                        "Ralph: reject all changes",
                        REJECT_ALL,
                        command("reject", "Ralph: reject all changes", argument),
                    )
                )
                actions.append(_action("Ralph: try again", RETRY, command("retry", "Ralph: try again", argument)))
        return actions

    def _hunk(self, document: Document, review: Review, hunk: Hunk) -> list[types.CodeAction]:
        server = self._server
        argument = {"reviewId": review.review_id, "hunkId": hunk.hunk_id}
        accept = _action("Ralph: accept change", ACCEPT, command("accepted", "Ralph: accept change", argument))
        accept.diagnostics = [hunk_diagnostic(server.session, review, hunk, document.text)]
        if hunk.state == "stale":
            accept.disabled = types.CodeActionDisabled(reason="These lines were edited since.")
            accept.command = None
            return [accept]
        accept.edit = server.edits.workspace_edit([hunk])
        if accept.edit is None:
            accept.command = command("accept", "Ralph: accept change", argument)
        accept.is_preferred = True
        reject = _action("Ralph: reject change", REJECT, command("reject", "Ralph: reject change", argument))
        reject.diagnostics = accept.diagnostics
        return [accept, reject]

    def _findings(self, document: Document, span: Span) -> list[types.CodeAction]:
        return [
            a
            for shown in self._server.diagnostics.of(document.uri)
            if _touch(document, shown.span, span)
            for a in self._finding(document, shown)
        ]

    def _finding(self, document: Document, shown: Shown) -> list[types.CodeAction]:
        argument = {"uri": document.uri, "findingId": shown.finding_id}
        finding = shown.finding
        actions = []
        if finding.kind == "locked":
            actions.append(
                _action("Ralph: allow this edit", ALLOW, command("allow", "Ralph: allow this edit", argument))
            )
        else:
            short = finding.message if len(finding.message) <= 60 else finding.message[:59] + "…"
            actions.append(_action(f"Ralph: fix: {short}", FIX, command("fix", "Ralph: fix", argument)))
        if finding.kind == "counterexample":
            actions.append(
                _action(
                    "Ralph: pin counterexample as test",
                    PIN,
                    command("pin", "Ralph: pin counterexample as test", argument),
                )
            )
        actions.append(
            _action("Ralph: dismiss finding", DISMISS, command("dismiss", "Ralph: dismiss finding", argument))
        )
        related = [finding_diagnostic(self._server.session, shown, document.text)]
        for action in actions:
            action.diagnostics = related
        return actions


def _action(title: str, kind: str, what: types.Command) -> types.CodeAction:
    return types.CodeAction(title=title, kind=kind, command=what)


def _touch(document: Document, place: Span, span: Span) -> bool:
    """Whether a place and the cursor or selection share a line: clients send only what is under the cursor."""
    text = document.text
    size = len(text.value)
    first, last = text.line_of(min(place[0], size)), text.line_of(min(max(place[1] - 1, place[0]), size))
    return first <= text.line_of(span[1]) and text.line_of(span[0]) <= last


def _kind_matches(kind: str, wanted: str) -> bool:
    return wanted == "" or kind == wanted or kind.startswith(f"{wanted}.")
