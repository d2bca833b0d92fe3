"""What a review says about a piece of code."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "logic", "edge-case", "security", "performance", "concurrency", "api", "test", "style", "counterexample", "locked"
]
KINDS: tuple[str, ...] = ("logic", "edge-case", "security", "performance", "concurrency", "api", "test", "style")
Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
Evidence = Literal["confirmed", "quoted"]
"""confirmed: a test of it was run and failed on the code; quoted: the quote stands in the file, no more."""


@dataclass(frozen=True)
class Related:
    """A place that a finding's scenario comes from."""

    path: str
    line: int
    """0-based."""
    message: str


@dataclass(frozen=True)
class Finding:
    """One finding, anchored by the code it quotes (never by a model's line numbers)."""

    path: str
    """Relative to the workspace, with forward slashes."""
    quote: str
    start: int
    end: int
    """Offsets of the quote in the text that was reviewed, in code points."""
    kind: Kind
    severity: Severity
    message: str
    scenario: str
    evidence: Evidence = "quoted"
    test: str | None = None
    """A whole test module that fails exactly if this is true, where there is one."""
    test_path: str = ""
    """Where that module would stand in the project's own layout."""
    fix: str | None = None
    trace: str = ""
    related: tuple[Related, ...] = field(default=())

    @property
    def fingerprint(self) -> str:
        """Stable over runs and moves: what a dismissal remembers."""
        said = self.message if self.kind == "counterexample" else ""
        parts = (self.path, self.kind, " ".join(self.quote.split()), said)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
