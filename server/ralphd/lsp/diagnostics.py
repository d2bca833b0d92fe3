"""Everything ralphd publishes on a document, as one list with the document's current version: pending hunks, findings,
problems of a configuration file. Published anew after each change, because clients drop or misplace old positions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lsprotocol import types

from ralphd.core.findings import Finding
from ralphd.core.run import RunRequest
from ralphd.core.runner import ConfigProblem
from ralphd.core.text import Span, Text, shift
from ralphd.lsp.client_capabilities import ClientCapabilities
from ralphd.lsp.convert import path_to_uri, to_range
from ralphd.lsp.documents import Changed
from ralphd.lsp.hunks import Hunk
from ralphd.lsp.outbox import Outbox
from ralphd.lsp.refusals import failed
from ralphd.lsp.review import Review, Reviews
from ralphd.lsp.workspace import Workspace

SOURCE = "ralph"
_SEVERITY = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "info": types.DiagnosticSeverity.Information,
}

_CODES = {"counterexample": "ralph.chaos.counterexample", "opinion": "ralph.opinion", "locked": "ralph.locked"}
"""Of the kinds of findings that are not the Critic's."""


@dataclass(frozen=True)
class Origin:
    """The run that made a finding: what to start again when the person allows what it was refused."""

    uri: str
    """The document that the run was on."""
    request: RunRequest


@dataclass
class ShownFinding:
    """A finding on a document. `touched`: its quote was edited; it goes when the document is saved so."""

    finding_id: str
    uri: str
    finding: Finding
    span: Span
    origin: Origin
    touched: bool = False

    @property
    def root(self) -> str:
        return self.origin.request.root

    @property
    def fixable(self) -> bool:
        """Whether a change of code deals with it; a refused edit only the person can allow."""
        return self.finding.kind != "locked"


class Diagnostics:
    def __init__(self, outbox: Outbox, workspace: Workspace, reviews: Reviews) -> None:
        self._outbox, self._workspace, self._reviews = outbox, workspace, reviews
        self._findings: dict[str, list[ShownFinding]] = {}
        self._problems: dict[str, Sequence[ConfigProblem]] = {}
        self._published: set[str] = set()
        self.sources: list[Callable[[str, Text | None], list[types.Diagnostic]]] = []
        """Others that have something to say about a document (its URI, and its text where it is open)."""
        self._next = 0

    def add(self, uri: str, finding: Finding, text: Text | None, origin: Origin) -> ShownFinding:
        """Show a finding (once: a confirmed one replaces its quoted self)."""
        origin = replace(origin, request=replace(origin.request, buffers={}))  # as large as all open documents
        known = self._findings.setdefault(uri, [])
        for shown in known:
            if shown.finding == finding:
                shown.origin = origin
                return shown
        known[:] = [shown for shown in known if shown.finding.fingerprint != finding.fingerprint]
        self._next += 1
        given = (finding.start, finding.end)
        span = _reanchor(finding, text, given) if text is not None else given
        shown = ShownFinding(f"f{self._next}", uri, finding, span or given, origin, touched=span is None)
        known.append(shown)
        self.refresh(uri)
        return shown

    def clear(self, uri: str, keep: Callable[[ShownFinding], bool]) -> None:
        """Take away those that `keep` does not want."""
        if shown := self._findings.pop(uri, []):
            if kept := [one for one in shown if keep(one)]:
                self._findings[uri] = kept
            self.refresh(uri)

    def remove(self, shown: ShownFinding) -> None:
        self.clear(shown.uri, lambda other: other is not shown)

    def find(self, finding_id: str) -> ShownFinding | None:
        return next((s for shown in self._findings.values() for s in shown if s.finding_id == finding_id), None)

    def required(self, argument: Mapping[str, Any]) -> ShownFinding:
        """The finding that a command's argument names; refused where it is gone."""
        shown = self.find(str(argument.get("findingId")))
        if shown is None:
            raise failed("This finding is not there any more.")
        return shown

    def of(self, uri: str) -> list[ShownFinding]:
        return self._findings.get(uri, [])

    def follow(self, change: Changed) -> None:
        """Move findings with typing; one that was touched becomes a hint until its quote is back."""
        for shown in self.of(change.uri):
            span: Span | None = shown.span
            for step in change.steps:
                span = shift(span, step) if span is not None else None
            intact = span is not None and change.after.value[span[0] : span[1]] == shown.finding.quote
            found = span if intact else _reanchor(shown.finding, change.after, shown.span)
            shown.touched = found is None
            size = len(change.after.value)
            shown.span = found or span or (min(shown.span[0], size), min(shown.span[1], size))
        self.refresh(change.uri)

    def fixed(self, uri: str, findings: Sequence[Finding], *, verified: bool) -> None:
        """A fix was accepted, all of it: what its tests proved is dealt with, and what no longer stands in the text."""
        document = self._workspace.documents.get(uri)
        proven = {f.fingerprint for f in findings if verified and f.evidence == "confirmed"}
        gone = proven | {f.fingerprint for f in findings if document and f.quote not in document.text.value}
        self.clear(uri, lambda shown: shown.finding.fingerprint not in gone)

    def saved(self, uri: str) -> None:
        """What was edited away and saved is taken as dealt with."""
        self.clear(uri, lambda shown: not shown.touched)

    def set_problems(self, uri: str, problems: Sequence[ConfigProblem]) -> None:
        self._problems[uri] = problems
        self.refresh(uri)
        if not problems:
            del self._problems[uri]

    def refresh(self, uri: str) -> None:
        document = self._workspace.documents.get(uri)
        text = document.text if document else None
        items = [
            *self._hunk_items(uri, text),
            *self._finding_items(uri, text),
            *(diagnostic for _, diagnostic in self.problems(uri)),
        ]
        items += [item for source in self.sources for item in source(uri, text)]
        if not items and uri not in self._published:
            return
        (self._published.add if items else self._published.discard)(uri)
        version = document.version if document else None
        params = types.PublishDiagnosticsParams(uri=uri, version=version, diagnostics=items)
        self._outbox.notify(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, params)

    def _hunk_items(self, uri: str, text: Text | None) -> list[types.Diagnostic]:
        if text is None or self._workspace.client.review:  # it draws them itself, from `hunksChanged`
            return []
        return [
            hunk_diagnostic(self._workspace.client, review, hunk, text) for review, hunk in self._reviews.shown_in(uri)
        ]

    def _finding_items(self, uri: str, text: Text | None) -> list[types.Diagnostic]:
        return [
            finding_diagnostic(self._workspace.client, shown, text)
            for shown in self.of(uri)
            if text is not None or shown.finding.kind == "locked"
        ]

    def problems(self, uri: str) -> list[tuple[ConfigProblem, types.Diagnostic]]:
        """The problems of a configuration file, each with its diagnostic in the text as it is now."""
        encoding = self._workspace.client.encoding
        document = self._workspace.documents.get(uri)
        items = []
        for problem in self._problems.get(uri, ()):
            start = types.Position(line=problem.line, character=problem.start)
            end = types.Position(line=problem.line, character=problem.end)
            if document is not None and problem.line < document.text.line_count:
                begin = document.text.line_starts[problem.line]
                whole = to_range(document.text, (begin + problem.start, begin + problem.end), encoding)
                start, end = whole.start, whole.end
            diagnostic = types.Diagnostic(
                range=types.Range(start=start, end=end),
                message=problem.message,
                severity=_SEVERITY[problem.severity],
                source=SOURCE,
                code=problem.code,
            )
            items.append((problem, diagnostic))
        return items


def _reanchor(finding: Finding, text: Text, near: Span) -> Span | None:
    """The place of the finding's quote nearest to where it was; None when it is gone."""
    if not finding.quote:
        return (0, 0)
    places: list[Span] = []
    at = text.value.find(finding.quote)
    while at != -1 and len(places) < 100:
        places.append((at, at + len(finding.quote)))
        at = text.value.find(finding.quote, at + 1)
    return min(places, key=lambda span: abs(span[0] - near[0]), default=None)


def hunk_diagnostic(client: ClientCapabilities, review: Review, hunk: Hunk, text: Text) -> types.Diagnostic:
    stale = hunk.state == "stale"
    where = (0, 0) if hunk.creates else hunk.span
    head = (
        "Ralph's change is stale: these lines were edited since."
        if stale
        else f"Ralph proposes {hunk.path}, {hunk.headline}:"
        if hunk.creates
        else f"Ralph {hunk.headline}:"
    )
    return types.Diagnostic(
        range=to_range(text, where, client.encoding),
        message=head if stale else f"{head}\n{hunk.short_diff()}",
        severity=types.DiagnosticSeverity.Information,
        source=SOURCE,
        code="ralph.change",
        data={"reviewId": review.review_id, "hunkId": hunk.hunk_id},
    )


def finding_diagnostic(client: ClientCapabilities, shown: ShownFinding, text: Text | None) -> types.Diagnostic:
    finding = shown.finding
    code = _CODES.get(finding.kind, f"ralph.critic.{finding.kind}")
    tags = [types.DiagnosticTag.Unnecessary] if shown.touched and client.unnecessary_tag else None
    related = None
    if finding.related and client.related_information:
        related = [
            types.DiagnosticRelatedInformation(
                location=types.Location(
                    uri=path_to_uri(f"{shown.root}/{item.path}"),
                    range=types.Range(start=types.Position(item.line, 0), end=types.Position(item.line, 0)),
                ),
                message=item.message,
            )
            for item in finding.related
        ]
    message = finding.message if not finding.scenario else f"{finding.message}\n{finding.scenario}"
    zero = types.Position(line=0, character=0)
    return types.Diagnostic(
        range=to_range(text, shown.span, client.encoding) if text is not None else types.Range(start=zero, end=zero),
        message=message,
        severity=types.DiagnosticSeverity.Hint if shown.touched else _SEVERITY[finding.severity],
        source=SOURCE,
        code=code,
        tags=tags,
        related_information=related,
        data={"findingId": shown.finding_id, "evidence": finding.evidence},
    )
