"""Tells the client how its reviews stand: diagnostics, lenses, and `hunksChanged` to clients that take events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ralphd.core.latest import Latest
from ralphd.core.result_json import range_json
from ralphd.core.text import Text
from ralphd.lsp.diagnostics import Diagnostics
from ralphd.lsp.hunks import Hunk
from ralphd.lsp.live_run import LiveRun
from ralphd.lsp.outbox import Outbox
from ralphd.lsp.proof import Proof
from ralphd.lsp.review import Review
from ralphd.lsp.workspace import Workspace

_REVIEWS_KEPT = 50


class ReviewFeed:
    """Listens to `Reviews.on_changed`. `live`: the runs that are live, by id."""

    def __init__(
        self,
        outbox: Outbox,
        workspace: Workspace,
        diagnostics: Diagnostics,
        live: Mapping[str, LiveRun],
        proof: Callable[[Review], Proof],
    ) -> None:
        self._outbox, self._workspace, self._diagnostics, self._live = outbox, workspace, diagnostics, live
        self._proof = proof
        self._seq = 0
        self._told: Latest[str, object] = Latest(_REVIEWS_KEPT)
        """What a client that draws reviews was told last of each of the latest: states and proof."""

    def changed(self, review: Review, uris: set[str]) -> None:
        for uri in {*uris, review.home}:
            self._diagnostics.refresh(uri)
        if review.hunks and all(hunk.state == "accepted" for hunk in review.hunks):
            self._diagnostics.fixed(review.home, review.request.findings, verified=review.verified)
        self._outbox.refresh_lenses()
        if self._workspace.client.events:
            self._send(review)

    def _send(self, review: Review) -> None:
        hunks = [self._hunk_json(review, hunk) for hunk in review.hunks]
        payload: dict[str, Any] = {"type": "hunksChanged", "reviewId": review.review_id, "hunks": hunks}
        if self._workspace.client.review:
            payload["proof"] = self._proof(review).to_json()
            payload["home"] = review.home
            told = ([hunk.state for hunk in review.hunks], payload["proof"])
            if not review.pending and self._told.get(review.review_id) == told:
                return  # typing in a document whose review is settled
            self._told[review.review_id] = told
        run = self._live.get(review.run_id)
        if run is not None:
            run.progress.send_event(payload)
        else:
            self._seq += 1
            self._outbox.notify("ralph/event", {"runId": None, "seq": self._seq, **payload})

    def _hunk_json(self, review: Review, hunk: Hunk) -> dict[str, Any]:
        document = self._workspace.documents.get(hunk.uri)
        text = document.text if document else Text(review.bases.get(hunk.uri, ""))
        return {
            "hunkId": hunk.hunk_id,
            "uri": hunk.uri,
            "range": range_json(text, hunk.span, self._workspace.client.encoding),
            "newText": hunk.new,
            "oldText": hunk.old,
            "state": hunk.state,
            "outsideTarget": hunk.outside_target,
            "creates": hunk.creates,
        }
