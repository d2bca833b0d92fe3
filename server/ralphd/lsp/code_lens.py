"""Code lenses: accept and reject on each pending hunk, cancel on a live run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from ralphd.lsp.code_actions import command
from ralphd.lsp.convert import to_range

if TYPE_CHECKING:
    from ralphd.lsp.server import RalphServer


def lenses(server: RalphServer, uri: str) -> list[types.CodeLens]:
    document = server.session.documents.get(uri)
    if document is None:
        return []
    found = []
    if run := server.runs.on(uri):
        top = to_range(document.text, (0, 0), server.session.client.encoding)
        found.append(
            types.CodeLens(range=top, command=command("cancel", "■ Cancel Ralph's run", {"runId": run.run_id}))
        )
    seen: set[str] = set()
    for review, hunk in server.reviews.pending_in(uri):
        if hunk.state != "pending":
            continue
        start = 0 if hunk.creates else hunk.span[0]
        where = to_range(document.text, (start, start), server.session.client.encoding)
        one = {"reviewId": review.review_id, "hunkId": hunk.hunk_id}
        name = f" {hunk.path}" if hunk.creates else ""
        found.append(types.CodeLens(range=where, command=command("accept", f"✓ Accept{name}", one)))
        found.append(types.CodeLens(range=where, command=command("reject", f"✗ Reject{name}", one)))
        if review.review_id not in seen:
            seen.add(review.review_id)
            all_of = {"reviewId": review.review_id}
            found.append(types.CodeLens(range=where, command=command("accept", "✓ Accept all", all_of)))
            found.append(types.CodeLens(range=where, command=command("reject", "✗ Reject all", all_of)))
    return found
