"""A part of a proposal that is not green without the rest, for clients that do not draw reviews: a warning where the
part stands, and an action that takes what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lsprotocol import types

from ralphd.core.text import Span, Text
from ralphd.lsp.client_capabilities import ClientCapabilities
from ralphd.lsp.convert import to_range
from ralphd.lsp.proof import Proof
from ralphd.lsp.review import Review, Reviews

SOURCE, CODE = "ralph", "ralph.proof"


class BrokenProofs:
    """`client`: its capabilities, known after the handshake."""

    def __init__(
        self, reviews: Reviews, client: Callable[[], ClientCapabilities], proof: Callable[[Review], Proof]
    ) -> None:
        self._reviews, self._client, self._proof = reviews, client, proof

    def on(self, uri: str) -> Iterator[tuple[Proof, Span]]:
        """The broken proofs of reviews on a document, with the place of their first change there."""
        for review in self._reviews.live.values():
            here = [hunk for hunk in review.of(uri) if hunk.state in ("accepted", "pending") and not hunk.creates]
            if here and review.tested and (proof := self._proof(review)).state == "broken":
                yield proof, min(hunk.span for hunk in here)

    def items(self, uri: str, text: Text | None) -> list[types.Diagnostic]:
        """For `Diagnostics.sources`. A proposal that never was green says so in its run's ending already."""
        if text is None or self._client().review:
            return []
        return [self.diagnostic(proof, span, text) for proof, span in self.on(uri) if proof.action is not None]

    def diagnostic(self, proof: Proof, span: Span, text: Text) -> types.Diagnostic:
        return types.Diagnostic(
            range=to_range(text, span, self._client().encoding),
            message=proof.sentence,
            severity=types.DiagnosticSeverity.Warning,
            source=SOURCE,
            code=CODE,
        )
