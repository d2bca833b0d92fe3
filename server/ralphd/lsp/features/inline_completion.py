"""Inline completion: only what a run left as a pure insertion at the cursor; asking never starts anything."""

from __future__ import annotations

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from ralphd.lsp import convert
from ralphd.lsp.review import Reviews
from ralphd.lsp.workspace import Workspace


def register(server: LanguageServer, workspace: Workspace, reviews: Reviews) -> None:
    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION)
    def inline_completion(params: types.InlineCompletionParams) -> list[types.InlineCompletionItem]:
        snapshot = workspace.snapshot(params.text_document.uri)
        if snapshot is None:
            return []
        at = snapshot.document.text.offset_at(convert.from_position(params.position), snapshot.client.encoding)
        waiting = [hunk for _, hunk in reviews.shown_in(snapshot.uri) if hunk.state == "pending" and not hunk.creates]
        return [types.InlineCompletionItem(insert_text=hunk.new) for hunk in waiting if hunk.span == (at, at)]
