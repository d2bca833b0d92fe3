"""The control of a green: would the person's tests have noticed a fault? Faults are planted and the tests run on each.

Knows nothing of how faults are made: it is given texts, the first of which has the whole body broken.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from ralphd.core.run import ControlReport, Unnoticed
from ralphd.judging.verdict import TestRun
from ralphd.judging.workbench import Workbench

SMALL_FAULTS = 8
_ENOUGH = 4
"""From as many small faults on, a green that notices none of them proves nothing."""
LEAST_LIMIT_S = 10.0
TIMES_AS_LONG = 4
"""As the clean tests took: a planted fault may make a loop endless."""


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


async def control(
    bench: Workbench,
    clean: TestRun,
    body: Sequence[Planted],
    faults: Sequence[Planted],
    only: Collection[str],
    share_s: float,
) -> ControlReport:
    """Run the tests `only` (empty: all) on the broken body, and where they notice that, on each small fault.

    `body`: the broken functions of one or more files, planted together.
    """
    limit_s = max(LEAST_LIMIT_S, TIMES_AS_LONG * clean.duration_s)
    names = sorted(only)
    # Some runners take files alone: a test in them that is red anyway would end the run before the others.
    stop = not clean.bad
    first = (await bench.run_planted([{fault.path: fault.text for fault in body}], names, limit_s, 0.0, stop=stop))[0]
    assert first is not None  # the first always runs
    left_s = share_s - first.duration_s
    if not noticed(first, clean):
        return ControlReport(first=False)
    if not faults or left_s <= 0:
        return ControlReport(first=True, skipped_for_time=len(faults))
    runs = await bench.run_planted([{fault.path: fault.text} for fault in faults], names, limit_s, left_s, stop=stop)
    ran = [(fault, run) for fault, run in zip(faults, runs, strict=True) if run is not None]
    missed = [fault for fault, run in ran if not noticed(run, clean)]
    return ControlReport(
        planted=len(ran),
        noticed=len(ran) - len(missed),
        first=True,
        skipped_for_time=len(faults) - len(ran),
        unnoticed=tuple(Unnoticed(fault.path, fault.line, fault.what) for fault in missed),
    )


def noticed(run: TestRun, clean: TestRun) -> bool:
    """Whether a test that passed on the clean candidate does not pass on the fault."""
    if run.timed_out or (run.report is None and run.expects_report) or (run.report is not None and run.report.void):
        return True
    passed = {name for name, case in clean.cases.items() if case.outcome == "passed"}
    if any(case.bad and (name in passed or case.outcome == "error") for name, case in run.cases.items()):
        return True
    return run.exit_code != 0 and (clean.exit_code == 0 or not run.cases)


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
