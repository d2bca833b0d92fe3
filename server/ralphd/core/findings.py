"""What a review says about a piece of code."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal[
    "logic", "edge-case", "security", "performance", "concurrency", "api", "test", "style", "counterexample", "opinion",
    "locked",
]  # fmt: skip
KINDS: tuple[str, ...] = ("logic", "edge-case", "security", "performance", "concurrency", "api", "test", "style")
Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
Evidence = Literal["confirmed", "quoted", "voted"]
"""confirmed: a test of it was run and failed on the code; quoted: the quote stands in the file, no more; voted: versions
that were written without seeing the code agree on another result."""


@dataclass(frozen=True)
class Related:
    """A place that a finding's scenario comes from."""

    path: str
    line: int
    """0-based."""
    message: str


@dataclass(frozen=True)
class Votes:
    """What independent versions of a function gave on one input."""

    versions: int
    """Those that were asked to vote: they can be imported, and pass the person's tests."""
    agree: int
    input: str
    """The call, as a person writes it."""
    expected: str
    """What those that agree did: "gives 0.0"."""
    got: str
    """What the code did."""
    shown: str = ""
    """The versions as one text to read, each with what it gave."""

    def to_json(self) -> dict[str, Any]:
        return {
            "versions": self.versions,
            "agree": self.agree,
            "input": self.input,
            "expected": self.expected,
            "got": self.got,
        }


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
    votes: Votes | None = None
    """Of an `opinion`."""

    fingerprint: str = ""
    """Stable over runs and moves: what a dismissal remembers. It is made of the whole texts when the finding is made, and
    kept: what is shown of them later has its keys masked."""

    def __post_init__(self) -> None:
        if not self.fingerprint:
            said = self.message if self.kind == "counterexample" else self.votes.input if self.votes else ""
            parts = (self.path, self.kind, " ".join(self.quote.split()), said)
            digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
            object.__setattr__(self, "fingerprint", digest[:16])
