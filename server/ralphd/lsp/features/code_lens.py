"""Code lenses: accept and reject on each pending hunk, cancel on a live run."""

from __future__ import annotations

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from ralphd.core.text import Text
from ralphd.lsp.command_ids import command
from ralphd.lsp.convert import to_range
from ralphd.lsp.review import Reviews
from ralphd.lsp.runs import Runs
from ralphd.lsp.workspace import Workspace


class CodeLenses:
    def __init__(self, workspace: Workspace, runs: Runs, reviews: Reviews) -> None:
        self._workspace, self._runs, self._reviews = workspace, runs, reviews

    def register(self, server: LanguageServer) -> None:
        @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
        def code_lens(params: types.CodeLensParams) -> list[types.CodeLens]:
            return self.lenses(params.text_document.uri)

    def lenses(self, uri: str) -> list[types.CodeLens]:
        document = self._workspace.documents.get(uri)
        if document is None or self._workspace.client.review:  # it draws them itself, from `hunksChanged`
            return []
        found = []
        if run := self._runs.on(uri):
            cancel = command("cancel", "■ Cancel Ralph's run", {"runId": run.run_id})
            found.append(types.CodeLens(range=self._at(document.text, 0), command=cancel))
        seen: set[str] = set()
        for review, hunk in self._reviews.shown_in(uri):
            if hunk.state != "pending":
                continue
            one = {"reviewId": review.review_id, "hunkId": hunk.hunk_id}
            name = f" {hunk.path}" if hunk.creates else ""
            commands = [command("accept", f"✓ Accept{name}", one), command("reject", f"✗ Reject{name}", one)]
            if review.review_id not in seen:
                seen.add(review.review_id)
                all_of = {"reviewId": review.review_id}
                commands += [command("accept", "✓ Accept all", all_of), command("reject", "✗ Reject all", all_of)]
            where = self._at(document.text, 0 if hunk.creates else hunk.span[0])
            found += [types.CodeLens(range=where, command=one_of) for one_of in commands]
        return found

    def _at(self, text: Text, offset: int) -> types.Range:
        return to_range(text, (offset, offset), self._workspace.client.encoding)
