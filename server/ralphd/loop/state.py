"""What a run has so far. Values of one run, changed by the loop only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ralphd.context.file_graph import FileGraph
from ralphd.core import events
from ralphd.core.findings import Finding
from ralphd.core.run import ChaosReport, ControlReport, TestReport
from ralphd.judging.comparing import Reach
from ralphd.judging.only_in_copy import Apart
from ralphd.judging.verdict import TestRun, Verdict


@dataclass
class Proof:
    """What a green is worth beyond its counts."""

    control: ControlReport | None = None
    shown: str = ""
    """What the control showed, or that none ran: a part of the sentence."""
    unproven: str = ""
    """Why the green proves nothing; empty: it stands."""
    suspicions: tuple[str, ...] = ()
    """What in the change may interfere with its own proof."""
    voted: str = ""
    """What versions that were written without seeing it say of it: a part of the sentence."""


@dataclass
class Trial:
    """One candidate that was tested (or could not be: no test command)."""

    texts: Mapping[str, str]
    run: TestRun | None
    verdict: Verdict | None
    report: TestReport | None
    answer: str = ""
    mended: tuple[str, ...] = ()
    """What had to be done to the answer to read it, a sentence each."""
    tried: str = ""
    """The small change that made it green, where that was found by trying and not written by a model."""
    proof: Proof = field(default_factory=Proof)

    @property
    def green(self) -> bool:
        return self.verdict is not None and self.verdict.green

    @property
    def passed(self) -> int:
        """Tests that passed; none where the report may not be believed."""
        void = self.run is not None and self.run.report is not None and self.run.report.void
        return self.report.passed if self.report and not void else 0


@dataclass
class State:
    """What a run has so far: the best attempt is kept, whatever ends the run."""

    iterations: int = 0
    announced: int = 0
    baseline: TestRun | None = None
    reach: Reach = field(default_factory=Reach)
    graph: FileGraph | None = None
    """Of the project's imports, where they are followed: what may decide something. None else."""
    used: frozenset[str] = frozenset()
    """The files that the baseline's verdict rests on: locked."""
    best: Trial | None = None
    green: Trial | None = None
    findings: list[Finding] = field(default_factory=list)
    chaos: ChaosReport | None = None
    attacked: str = ""
    """What the last attack in the loop was on, and what held: a sentence."""
    apart: tuple[Apart, ...] = ()
    """Tests of the baseline that fail for what the copy does not have."""
    notes: list[str] = field(default_factory=list)
    compared: bool = False
    """A green was compared with versions that were written without seeing it: that is done once in a run."""
    tested_s: float = 0.0
    """Seconds that the run's own tests took so far."""

    @property
    def passed_before(self) -> int:
        return self.baseline.count("passed") + self.baseline.count("xfailed") if self.baseline else 0

    def found(self, findings: Sequence[Finding], emit: events.Emit) -> None:
        """Keep `findings` and tell of each."""
        self.findings += findings
        for finding in findings:
            emit(events.FindingAdded(finding))

    def improvement(self) -> Trial | None:
        """The best attempt, where it passes more than the baseline did and breaks nothing that passed."""
        best = self.best
        if best is None or best.verdict is None or not best.texts or best.verdict.suspects:
            return None
        return best if best.passed > self.passed_before else None


@contextmanager
def phase(emit: events.Emit, name: events.Phase, iteration: int) -> Iterator[None]:
    """Brackets a phase with its two events, however it ends."""
    emit(events.PhaseStarted(name, iteration))
    try:
        yield
    finally:
        emit(events.PhaseEnded(name, iteration))
