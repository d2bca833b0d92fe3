"""`ralph:` documents: `ralph:/<reviewId>/<hunkId>` is what a hunk proposes, `ralph:/<reviewId>` the whole review,
`ralph:/requests.md` the request log, `ralph:/runs/<runId>.md` the record of a run, `ralph:/versions/<findingId>/versions_of_<file>` the versions that voted on a finding."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Mapping
from urllib.parse import quote

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from ralphd.lsp.diagnostics import Diagnostics, ShownFinding
from ralphd.lsp.request_log_view import RequestLogView
from ralphd.lsp.review import Reviews
from ralphd.lsp.run_record_view import read_record

SCHEME = "ralph"
REQUEST_LOG = f"{SCHEME}:/requests.md"
"""Its name tells clients that it is Markdown."""
RECORDS = f"{SCHEME}:/runs/"
VERSIONS = f"{SCHEME}:/versions/"
MOST_LINES = 1000
NO_RECORD = "The record of this run was removed.\n"


def register(
    server: LanguageServer,
    reviews: Reviews,
    log: RequestLogView,
    diagnostics: Diagnostics,
    journals: Mapping[str, str],
) -> None:
    """`journals`: paths by run id."""

    @server.feature(types.WORKSPACE_TEXT_DOCUMENT_CONTENT)
    async def content(params: types.TextDocumentContentParams) -> types.TextDocumentContentResult:
        if params.uri == REQUEST_LOG:
            text = await log.text()
        elif params.uri.startswith(RECORDS):
            text = await _record(journals.get(params.uri.removeprefix(RECORDS).removesuffix(".md")))
        elif params.uri.startswith(VERSIONS):
            text = _versions(params.uri.removeprefix(VERSIONS).partition("/")[0], diagnostics)
        else:
            text = text_of(params.uri, reviews)
        return types.TextDocumentContentResult(text=text)


def versions_uri(shown: ShownFinding) -> str:
    """Its last part is what an editor shows of it, and by what it knows the language."""
    return f"{VERSIONS}{shown.finding_id}/versions_of_{quote(posixpath.basename(shown.finding.path))}"


async def _record(path: str | None) -> str:
    try:
        return await asyncio.to_thread(read_record, path) if path is not None else NO_RECORD
    except OSError:
        return NO_RECORD


def _versions(finding_id: str, diagnostics: Diagnostics) -> str:
    shown = diagnostics.find(finding_id)
    votes = shown.finding.votes if shown else None
    return votes.shown if votes else "# This finding is not there any more.\n"


def text_of(uri: str, reviews: Reviews) -> str:
    review_id, _, hunk_id = uri.removeprefix(f"{SCHEME}:").strip("/").partition("/")
    review = reviews.find(review_id)
    if review is None:
        return "This review is over.\n"
    chosen = [hunk for hunk in review.hunks if hunk_id in ("", hunk.hunk_id)]
    return "\n\n".join(f"{hunk.path} ({hunk.state})\n{hunk.short_diff(MOST_LINES)}" for hunk in chosen) + "\n"
