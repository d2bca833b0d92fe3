"""Green or not: exit code, counts and cases, never a word of a model. Pure.

The rule is docs/protocol.md, "Green": exit code 0, at least one test ran, none that passed before fails or is gone,
nothing newly skipped. Tests that were red before and do not reach the target do not stand in the way.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ralphd.core.run import TestReport
from ralphd.judging.reports import Report, TestCase

_STOPPED = re.compile(r"\[(stopped: [^\n\]]*)\]\s*$")
"""The sandbox's own last line, where it ended the command (a flood of output, a full disk)."""


@dataclass(frozen=True)
class TestRun:
    """One run of the test command on one content of the shadow copy."""

    __test__ = False

    command: tuple[str, ...]
    exit_code: int
    output: str = ""
    timed_out: bool = False
    not_found: bool = False
    duration_s: float = 0.0
    report: Report | None = None
    expects_report: bool = False
    """pytest was seen at work: without its report the run proves nothing."""
    sandbox: str = "bwrap"
    hashes: Mapping[str, str] = field(default_factory=dict)

    @property
    def cases(self) -> Mapping[str, TestCase]:
        return self.report.cases if self.report else {}

    def count(self, outcome: str) -> int:
        if not self.cases and self.report and self.report.counts:
            passed, failed, skipped = self.report.counts
            return {"passed": passed, "failed": failed, "skipped": skipped}.get(outcome, 0)
        return sum(1 for case in self.cases.values() if case.outcome == outcome)

    @property
    def bad(self) -> list[TestCase]:
        return sorted((case for case in self.cases.values() if case.bad), key=lambda case: case.nodeid)


@dataclass(frozen=True)
class Verdict:
    green: bool
    why: str
    """One sentence for a person; when not green it says what is missing."""
    failing: tuple[TestCase, ...] = ()
    """What must be mended, sorted; empty when green."""
    already_failing: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()
    """Tests that fail now and passed before: run once more alone before they are blamed."""


def _passed(run: TestRun) -> set[str]:
    return {name for name, case in run.cases.items() if case.outcome in ("passed", "xfailed")}


def judge(run: TestRun, baseline: TestRun | None, reaching: Collection[str], flaky: Collection[str] = ()) -> Verdict:
    """`reaching`: ids that were red before and reach the target; `flaky`: suspects that passed when run alone."""
    early = _unusable(run)
    if early:
        return Verdict(False, early)
    before = _passed(baseline) if baseline else set()
    red_before = {case.nodeid for case in baseline.bad} if baseline else set()
    already = tuple(sorted(c.nodeid for c in run.bad if c.nodeid in red_before and c.nodeid not in reaching))
    failing = tuple(c for c in run.bad if c.nodeid not in already and c.nodeid not in flaky)
    suspects = tuple(c.nodeid for c in failing if c.nodeid in before)
    if failing:
        return Verdict(False, f"{_tests(len(failing))} failing", failing, already, suspects)
    gone = sorted(before - set(run.cases)) if run.cases else []
    if gone:
        return Verdict(False, f"{_tests(len(gone))} that passed before did not run: {_some(gone)}", (), already)
    known_skips = {n for n, c in baseline.cases.items() if c.outcome == "skipped"} if baseline else set()
    skipped = sorted(
        n
        for n, c in run.cases.items()
        if c.outcome == "skipped" and n not in known_skips and (n in before | red_before)
    )
    if skipped:
        return Verdict(False, f"{_tests(len(skipped))} newly skipped: {_some(skipped)}", (), already)
    if run.report and run.report.present:
        if run.count("passed") + run.count("xfailed") == 0:
            return Verdict(False, "no test ran" if not run.count("skipped") else "every test was skipped", (), already)
        if baseline and run.count("passed") < baseline.count("passed") and not flaky:
            return Verdict(
                False,
                f"fewer tests pass than before ({run.count('passed')} of {baseline.count('passed')})",
                (),
                already,
            )
    if run.exit_code != 0 and not (run.bad and (already or flaky)):
        return Verdict(False, f"the test command ended with exit code {run.exit_code}", (), already)
    return Verdict(True, _green(run, already, flaky), (), already)


def _unusable(run: TestRun) -> str | None:
    if run.not_found:
        return f"the test command {run.command[0]!r} was not found"
    if run.timed_out:
        return "the tests did not end within the time limit"
    if run.exit_code != 0 and (stopped := _STOPPED.search(run.output[-300:])):
        return f"the test command was {stopped[1]}"
    if run.expects_report and not (run.report and run.report.present) and run.exit_code != 5:
        return "the test process ended before pytest wrote its report"
    if run.expects_report and not (run.report and run.report.present):
        return "no test was collected"
    return None


def _green(run: TestRun, already: Collection[str], flaky: Collection[str]) -> str:
    parts = [
        f"{_tests(run.count('passed'))} passed" if run.report and run.report.present else "the test command succeeded"
    ]
    if flaky:
        parts.append(f"flaky: {_some(sorted(flaky))} failed once and passed when run alone")
    if already:
        parts.append(
            f"{_tests(len(already))} failed before the run too and do not reach the target: {_some(list(already))}"
        )
    return "; ".join(parts)


def _tests(count: int) -> str:
    return f"{count} test{'' if count == 1 else 's'}"


def _some(names: list[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def to_report(run: TestRun, baseline: TestRun | None, verdict: Verdict, flaky: Collection[str] = ()) -> TestReport:
    return TestReport(
        command=run.command,
        exit_code=run.exit_code,
        passed=run.count("passed") + run.count("xfailed"),
        failed=run.count("failed"),
        errors=run.count("error"),
        skipped=run.count("skipped"),
        baseline_passed=len(_passed(baseline)) if baseline else 0,
        duration_s=run.duration_s,
        sandbox=run.sandbox,
        already_failing=verdict.already_failing,
        hashes=run.hashes,
        flaky=tuple(sorted(flaky)),
    )
