"""`ralph:` documents: `ralph:/<reviewId>/<hunkId>` is what a hunk proposes, `ralph:/<reviewId>` the whole review."""

from __future__ import annotations

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from ralphd.lsp.review import Reviews

SCHEME = "ralph"
MOST_LINES = 1000


def register(server: LanguageServer, reviews: Reviews) -> None:
    @server.feature(types.WORKSPACE_TEXT_DOCUMENT_CONTENT)
    def content(params: types.TextDocumentContentParams) -> types.TextDocumentContentResult:
        return types.TextDocumentContentResult(text=text_of(params.uri, reviews))


def text_of(uri: str, reviews: Reviews) -> str:
    review_id, _, hunk_id = uri.removeprefix(f"{SCHEME}:").strip("/").partition("/")
    review = reviews.find(review_id)
    if review is None:
        return "This review is over.\n"
    chosen = [hunk for hunk in review.hunks if hunk_id in ("", hunk.hunk_id)]
    return "\n\n".join(f"{hunk.path} ({hunk.state})\n{hunk.short_diff(MOST_LINES)}" for hunk in chosen) + "\n"
