"""What the changes of a review are verified by, as the text is now: for clients that draw reviews themselves.

A run's tests held for one exact set of texts: the texts it began with, and all of its changes. Any other set was not
tested, whatever it looks like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ralphd.core.edits import apply
from ralphd.core.text import Replacement, Text
from ralphd.lsp.review import Review

ProofState = Literal["verified", "unverified", "pending", "broken", "stale"]
"""`pending`: a run is at work that will say more. `broken`: tests of just this set failed."""


@dataclass(frozen=True)
class Proof:
    state: ProofState
    sentence: str
    needs: tuple[str, ...] = ()
    """Ids of the changes that have to be accepted too before what was tested is what stands there."""

    def to_json(self) -> dict[str, Any]:
        return {"state": self.state, "sentence": self.sentence, "needs": list(self.needs)}


def proof_of(review: Review, texts: Mapping[str, Text], *, at_work: bool) -> Proof:
    """`texts`: the open documents. `at_work`: another run is live on the review's document."""
    missing = tuple(hunk.hunk_id for hunk in review.hunks if hunk.state != "accepted")
    if at_work:
        return Proof("pending", "Ralph is at work on this document again.", missing)
    if any(hunk.state == "stale" for hunk in review.hunks) or _edited(review, texts):
        return Proof("stale", "The text was edited since the tests ran. Run it again to have it tested.")
    if not review.verified:
        return Proof("unverified", "No test run has verified these changes.")
    if any(hunk.state == "rejected" for hunk in review.hunks):
        return Proof("unverified", "The tests passed with all of the changes, not with a part of them.", missing)
    return Proof("verified", "The tests passed with all of these changes.", missing)


def _edited(review: Review, texts: Mapping[str, Text]) -> bool:
    """Whether a document shows anything but the text that the run began with and the accepted changes."""
    for uri, base in review.bases.items():
        accepted = [
            Replacement(*hunk.origin, hunk.new)
            for hunk in review.of(uri)
            if hunk.state == "accepted" and not hunk.creates
        ]
        if uri in texts and _bare(texts[uri].value) != _bare(apply(base, accepted)):
            return True
    created = [hunk for hunk in review.hunks if hunk.creates and hunk.state == "accepted" and hunk.uri in texts]
    return any(_bare(texts[hunk.uri].value).rstrip("\n") != _bare(hunk.new).rstrip("\n") for hunk in created)


def _bare(text: str) -> str:
    """Line ends as they are normalised by clients."""
    return text.replace("\r\n", "\n")
