"""Commands on findings: dismiss one for good, list those, let one be shown again; pin its input as a test, show the
versions that voted on it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pygls.exceptions import JsonRpcInvalidParams

from ralphd.core.run import RunRequest
from ralphd.core.runner import Runner
from ralphd.errors import RalphError
from ralphd.lsp import review
from ralphd.lsp.commands.table import ServerCommand
from ralphd.lsp.convert import path_to_uri
from ralphd.lsp.diagnostics import Diagnostics, ShownFinding
from ralphd.lsp.features.virtual_documents import versions_uri
from ralphd.lsp.outbox import Outbox
from ralphd.lsp.proof import of_finding
from ralphd.lsp.refusals import failed
from ralphd.lsp.review import NewText, Reviews
from ralphd.lsp.workspace import Place, Workspace

_KEYS = frozenset({"uri", "findingId"})


class Findings:
    def __init__(
        self,
        outbox: Outbox,
        workspace: Workspace,
        diagnostics: Diagnostics,
        reviews: Reviews,
        runner: Callable[[], Runner],
    ) -> None:
        self._outbox, self._workspace, self._runner = outbox, workspace, runner
        self._diagnostics, self._reviews = diagnostics, reviews

    def commands(self) -> list[ServerCommand]:
        return [
            ServerCommand("dismiss", _KEYS, self._dismiss),
            ServerCommand("dismissals", frozenset(), self._dismissals),
            ServerCommand("undismiss", frozenset({"fingerprint"}), self._undismiss),
            ServerCommand("pin", _KEYS, self._pin),
            ServerCommand("showVersions", _KEYS, self._show_versions),
        ]

    async def _dismiss(self, argument: dict[str, Any]) -> dict[str, Any]:
        shown = self._diagnostics.required(argument)
        finding = shown.finding
        self._diagnostics.remove(shown)
        said = f"{finding.path}: {finding.message}"
        try:
            await self._runner().dismiss(shown.root, finding.fingerprint, said)
        except RalphError as error:
            raise failed(str(error)) from None
        return {"dismissed": True}

    async def _dismissals(self, argument: dict[str, Any]) -> dict[str, Any]:
        """Of all folders of the workspace."""
        known = {
            fingerprint: text
            for root in self._workspace.roots
            for fingerprint, text in (await self._runner().dismissed(root)).items()
        }
        found = [{"fingerprint": fingerprint, "text": text} for fingerprint, text in known.items()]
        return {"dismissals": sorted(found, key=lambda one: (one["text"], one["fingerprint"]))}

    async def _undismiss(self, argument: dict[str, Any]) -> dict[str, Any]:
        fingerprint = argument.get("fingerprint")
        if not isinstance(fingerprint, str) or not fingerprint:
            raise JsonRpcInvalidParams("fingerprint must be one of ralph.server.dismissals.")
        if not any([await self._runner().undismiss(root, fingerprint) for root in self._workspace.roots]):
            raise failed("No finding with this fingerprint was dismissed.")
        return {"undismissed": True}

    async def _pin(self, argument: dict[str, Any]) -> dict[str, Any]:
        """The finding's test as a change to accept: a new file of the project."""
        shown = self._diagnostics.required(argument)
        test, path = shown.finding.test, shown.finding.test_path
        if not test or not path:
            raise failed("There is no test to pin for this finding.")
        place = Place(shown.root, path)
        if await asyncio.to_thread(os.path.lexists, place.absolute):
            raise failed(f"{path} exists already; nothing was overwritten.")
        document = self._workspace.documents.get(shown.uri)
        request = RunRequest("pin", "fix", shown.root, shown.finding.path, document.text.value if document else "")
        made = review.build(
            replace(request, run_id=f"pin-{shown.finding_id}"),
            shown.uri,
            [NewText(self._workspace.uri_of(place), path, None, test)],
        )
        made.made_of_tests, made.tested = True, of_finding(made, shown.finding)
        self._reviews.add(made)
        return {"reviewId": made.review_id}

    def _show_versions(self, argument: dict[str, Any]) -> dict[str, Any]:
        """As a document of ours where the client shows those, else as a private file."""
        shown = self._diagnostics.required(argument)
        votes = shown.finding.votes
        if votes is None:
            raise failed("No versions voted on this finding.")
        self._outbox.background(self._open_versions(shown, votes.shown))
        return {"uri": versions_uri(shown)}

    async def _open_versions(self, shown: ShownFinding, text: str) -> None:
        if self._workspace.client.text_document_content:
            await self._outbox.open_document(versions_uri(shown), take_focus=True)
            return
        report = await self._runner().to_read(shown.root, "versions.py", text)
        if not await self._outbox.open_document(path_to_uri(report.path), take_focus=True):
            self._outbox.show(f"The versions stand in {report.path}")
