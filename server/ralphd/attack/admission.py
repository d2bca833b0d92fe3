"""What the gate says of a module of hostile tests. Values only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from ralphd.core.run import ChaosReport

Reason = Literal[
    "does not collect",
    "import error",
    "flaky",
    "time-out",
    "kills nothing",
    "fails for another reason",
    "touches the network",
    "writes files",
    "starts a process",
    "crashes",
    "claims what the code does not say",
    "most inputs break it",
]


@dataclass(frozen=True)
class Dropped:
    test: str
    reason: Reason
    detail: str = ""
    """For the one repair: what went wrong, in words that are the same every time."""


@dataclass(frozen=True)
class Admitted:
    test: str
    kills: tuple[str, ...]
    """Descriptions of the mutants it catches."""


@dataclass(frozen=True)
class Counterexample:
    """A property that the code breaks, with the smallest input that was found."""

    test: str
    claim: str
    """The test's docstring."""
    input: str
    """`x=0, y=''`; for a test without Hypothesis the statement that failed."""
    exception: str
    trace: str
    line: int | None
    """Of the target, from 1: where the trace leaves it last; None where the code returned a wrong value."""
    pinned: str
    """A module of this test alone that tries the input first."""
    share: float = 0.0
    """Of random inputs, those that break it too; 0 where that cannot be told (no Hypothesis, no time)."""


@dataclass(frozen=True)
class Admission:
    generated: int = 0
    admitted: tuple[Admitted, ...] = ()
    counterexamples: tuple[Counterexample, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    mutants: int = 0
    """That ran: those that break the import, or that time did not suffice for, do not count."""
    killed: int = 0
    module: str = ""
    """The admitted tests with what they need, each with the mutants it kills; empty where there is none."""

    def report(self) -> ChaosReport:
        return ChaosReport(
            generated=self.generated,
            admitted=len(self.admitted),
            dropped=dict(sorted(Counter(d.reason for d in self.dropped).items())),
            counterexamples=len(self.counterexamples),
            mutants=self.mutants,
            killed=self.killed,
        )
