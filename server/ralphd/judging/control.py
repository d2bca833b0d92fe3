"""The control of a green: would the person's tests have noticed a fault? Faults are planted and the tests run on each.

Knows nothing of how faults are made: it is given texts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from ralphd.core.run import ControlReport, Unnoticed
from ralphd.judging.infrastructure import machine
from ralphd.judging.verdict import TestRun, cut_short
from ralphd.judging.workbench import Asked, Bounds, Plant, Workbench

SMALL_FAULTS = 8
_ENOUGH = 4
"""From as many small faults on, a green that notices none of them proves nothing."""
_LEAST_LIMIT_S, _TIMES_AS_LONG = 60.0, 10
"""By the clock, beside the clean tests: only what waits for ever reaches it, whatever else the machine does."""
_LEAST_BURN_S, _TIMES_THE_WORK = 5.0, 8
"""In processor time, beside the clean tests: a planted fault may make a loop endless. A run that has to build anew what
the clean one found built does not come near."""


class Planted(Protocol):
    """What is told of one planted fault."""

    @property
    def path(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def what(self) -> str: ...
    @property
    def text(self) -> str: ...


@dataclass(frozen=True)
class Plan:
    """What is planted in a green candidate."""

    body: Sequence[Planted]
    """The broken functions of one or more files, planted together."""
    faults: Sequence[Planted]
    only: Collection[str]
    """Ids of the tests that run on them; empty: all."""
    falsified: Plant | None = None
    """Tests whose expectation was made false: they run beside, and `Controlled.falsified` is how that ended."""


@dataclass(frozen=True)
class Controlled:
    report: ControlReport | None
    """None where it cannot be told whether the broken body was noticed."""
    why_none: str = ""
    falsified: TestRun | None = None


async def control(bench: Workbench, clean: TestRun, plan: Plan, share_s: float) -> Controlled:
    """Run the tests on the broken body and on each small fault, within `share_s` seconds but for the first control."""
    # Some runners take files alone: a test in them that is red anyway would end the run before the others.
    asked = Asked(only=tuple(sorted(plan.only)) or None, stop=not clean.bad)
    sure = [] if plan.falsified is None else [plan.falsified]
    if plan.body:
        sure.append(Plant({fault.path: fault.text for fault in plan.body}, asked))
    small = [Plant({fault.path: fault.text}, asked) for fault in plan.faults] if plan.body else []
    runs = await bench.run_planted([*sure, *small], bounds(clean, share_s, len(sure)))
    falsified = None if plan.falsified is None else runs[0]
    first = runs[len(sure) - 1] if plan.body else None
    if first is None:
        return Controlled(None, "nothing could be planted in what changed", falsified)
    if (seen := noticed(first, clean)) is None:
        return Controlled(None, f"its run was ended: {_ended(first)}", falsified)
    if not seen:
        return Controlled(ControlReport(first=False), falsified=falsified)
    return Controlled(_told(plan.faults, runs[len(sure) :], clean), falsified=falsified)


def bounds(clean: TestRun, share_s: float, sure: int = 1) -> Bounds:
    """Of runs on other texts than those that took as long as `clean`."""
    return Bounds(
        run_s=max(_LEAST_LIMIT_S, _TIMES_AS_LONG * clean.duration_s),
        burn_s=_LEAST_BURN_S + _TIMES_THE_WORK * clean.cpu_s,
        share_s=share_s,
        sure=sure,
    )


def _told(faults: Sequence[Planted], runs: Sequence[TestRun | None], clean: TestRun) -> ControlReport:
    """What the small faults showed; those whose run says nothing count as not tried."""
    seen = [(f, noticed(run, clean)) for f, run in zip(faults, runs, strict=True) if run is not None]
    tried = [(fault, was) for fault, was in seen if was is not None]
    missed = [fault for fault, was in tried if not was]
    return ControlReport(
        planted=len(tried),
        noticed=len(tried) - len(missed),
        first=True,
        skipped_for_time=len(faults) - len(tried),
        unnoticed=tuple(Unnoticed(fault.path, fault.line, fault.what) for fault in missed),
    )


def noticed(run: TestRun, clean: TestRun) -> bool | None:
    """Whether a test that passed on the clean candidate does not pass on the fault; None where the run was ended from
    outside, by the clock or for what it used of this machine: that says nothing about the tests."""
    if run.hung:
        return True  # it used many times the processor time, or no test ended for many times as long
    if _ended(run):
        return None
    if (run.report is None and run.expects_report) or (run.report is not None and run.report.void):
        return True
    passed = {name for name, case in clean.cases.items() if case.outcome == "passed"}
    if any(case.bad and (name in passed or case.outcome == "error") for name, case in run.cases.items()):
        return True
    return run.exit_code != 0 and (clean.exit_code == 0 or not run.cases)


def _ended(run: TestRun) -> str:
    return "the tests did not end within the time limit" if run.timed_out else machine(run) or cut_short(run)


def proves_nothing(report: ControlReport, what: str) -> str:
    """The sentence (without its full stop) of a control that the green did not stand; "" where it did."""
    if not report.first:
        return f"this green proves nothing about {what}: the tests pass with its body broken as well"
    if report.planted >= _ENOUGH and not report.noticed:
        return f"this green proves nothing about {what}: 0 of {report.planted} planted faults were noticed"
    return ""


def shown(report: ControlReport, what: str) -> str:
    """What the control showed, to follow "4 tests passed; "."""
    if report.planted:
        return f"they noticed {report.noticed} of {report.planted} faults planted in {what}"
    return f"they noticed that {what} was broken on purpose"
