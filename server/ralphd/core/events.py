"""What a run tells while it works. The LSP package and the shell turn these into what a person sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ralphd.core.findings import Finding
from ralphd.core.run import ControlReport, Cost, TestReport

Phase = Literal["baseline", "librarian", "artisan", "tests", "control", "critic", "chaos", "opinions"]


@dataclass(frozen=True)
class PhaseStarted:
    phase: Phase
    iteration: int


@dataclass(frozen=True)
class PhaseEnded:
    phase: Phase
    iteration: int


@dataclass(frozen=True)
class IterationStarted:
    iteration: int
    of: int


@dataclass(frozen=True)
class TestsEnded:
    __test__ = False

    iteration: int
    """0: the baseline."""
    tests: TestReport
    green: bool


@dataclass(frozen=True)
class ControlEnded:
    """Faults were planted in a green candidate, and its tests run on them."""

    iteration: int
    control: ControlReport


@dataclass(frozen=True)
class FindingAdded:
    finding: Finding


@dataclass(frozen=True)
class ModelChosen:
    role: str
    model: str


@dataclass(frozen=True)
class FellBack:
    role: str
    from_model: str
    to_model: str
    why: str


@dataclass(frozen=True)
class Retrying:
    role: str
    model: str
    attempt: int
    wait_ms: int
    why: str


@dataclass(frozen=True)
class CostChanged:
    cost: Cost
    usage: dict[str, int]
    tokens: dict[str, int]
    """By role."""


@dataclass(frozen=True)
class TextStreamed:
    phase: Phase
    iteration: int
    attempt: int
    delta: str


@dataclass(frozen=True)
class Note:
    """One sentence about what the run decided, for progress and the journal."""

    text: str


Event = (
    PhaseStarted
    | PhaseEnded
    | IterationStarted
    | TestsEnded
    | ControlEnded
    | FindingAdded
    | ModelChosen
    | FellBack
    | Retrying
    | CostChanged
    | TextStreamed
    | Note
)
Emit = Callable[[Event], None]


def ignore(event: Event) -> None:
    """For work that nobody watches."""
