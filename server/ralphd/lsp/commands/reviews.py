"""Commands on a review: accept, the bookkeeping after an accept action, reject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pygls.exceptions import JsonRpcInvalidParams

from ralphd.lsp.applying import Applying
from ralphd.lsp.commands.table import ServerCommand
from ralphd.lsp.convert import same_uri
from ralphd.lsp.hunks import Hunk
from ralphd.lsp.outbox import Outbox
from ralphd.lsp.refusals import failed, outdated
from ralphd.lsp.review import Review, Reviews
from ralphd.lsp.workspace import Workspace


class ReviewCommands:
    def __init__(self, outbox: Outbox, workspace: Workspace, reviews: Reviews, applying: Applying) -> None:
        self._outbox, self._workspace, self._reviews, self._applying = outbox, workspace, reviews, applying

    def commands(self) -> list[ServerCommand]:
        return [
            ServerCommand("accept", frozenset({"reviewId", "hunkId", "hunkIds", "uri", "reason"}), self._accept),
            ServerCommand("accepted", frozenset({"reviewId", "hunkId"}), self._accepted),
            ServerCommand("reject", frozenset({"reviewId", "hunkId", "uri", "reason"}), self._reject),
        ]

    def _chosen(self, argument: Mapping[str, Any]) -> tuple[Review, list[Hunk]]:
        """The hunks that the argument means: one, or without a hunkId all that wait, of one file where it names one."""
        review = self._reviews.find(argument.get("reviewId"))
        wanted, uri = argument.get("hunkId"), argument.get("uri")
        if review is None or (wanted is None and not review.pending):
            raise failed("This review is over.")
        if wanted is None:
            chosen = [hunk for hunk in review.pending if uri is None or same_uri(hunk.uri, str(uri))]
            if not chosen:
                raise failed("No change waits in this file.")
            return review, chosen
        hunk = next((hunk for hunk in review.hunks if hunk.hunk_id == wanted), None)
        if hunk is None:
            raise failed(f"There is no change {wanted!r} in this review.")
        if hunk.state == "stale":
            raise outdated("These lines were edited since; this change is stale. Run it again.")
        if hunk.state != "pending":
            raise failed(f"This change was {hunk.state} already.")
        return review, [hunk]

    def _several(self, argument: Mapping[str, Any]) -> tuple[Review, list[Hunk]]:
        """The hunks of `hunkIds`; those among them that the person rejected before wait again."""
        review, wanted = self._reviews.find(argument.get("reviewId")), argument.get("hunkIds")
        if review is None:
            raise failed("This review is over.")
        if not isinstance(wanted, list) or not wanted:
            raise JsonRpcInvalidParams("hunkIds must be a list of hunkId.")
        chosen = [hunk for hunk in review.hunks if hunk.hunk_id in wanted]
        if len(chosen) != len(set(map(str, wanted))):
            raise failed("There is no such change in this review.")
        if any(hunk.state == "stale" or (hunk.state == "rejected" and hunk.lost) for hunk in chosen):
            raise outdated("These lines were edited since; this change is stale. Run it again.")
        self._reviews.reopen(review, chosen)
        return review, [hunk for hunk in chosen if hunk.state == "pending"]

    def _accept(self, argument: dict[str, Any]) -> dict[str, Any]:
        if not self._workspace.client.apply_edit:
            raise failed("This editor does not let a server edit: use the code action instead.")
        review, chosen = self._several(argument) if "hunkIds" in argument else self._chosen(argument)
        self._outbox.background(self._applying.apply(review, chosen, "Ralph: accept change"))
        return {"accepted": True}

    def _accepted(self, argument: dict[str, Any]) -> dict[str, Any]:
        """After an accept action, whose edit the client applied itself: believed when the text shows it."""
        review = self._reviews.find(argument.get("reviewId"))
        if review is not None:
            wanted = argument.get("hunkId")
            chosen = [hunk for hunk in review.pending if wanted in (None, hunk.hunk_id)]
            self._outbox.background(self._applying.confirm(review, chosen))
        return {"accepted": True}

    def _reject(self, argument: dict[str, Any]) -> dict[str, Any]:
        review, chosen = self._chosen(argument)
        self._reviews.remember_rejection(review, chosen, argument.get("reason"))
        self._reviews.settle(review, chosen, "rejected")
        return {"rejected": True}
