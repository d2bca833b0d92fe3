"""Green or not: exit code, counts and cases, never a word of a model. Pure.

The rule is docs/protocol.md, "Green": exit code 0, at least one test ran, none that passed before fails or is gone,
nothing newly skipped. Tests that were red before and do not reach the target do not stand in the way.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ralphd.core.run import TestReport
from ralphd.judging.reports import Report, TestCase

_STOPPED = re.compile(r"\[stopped: ([^\n\]]*)\]\s*$")
"""The sandbox's own last line, where it ended the command (a flood of output, a full disk)."""
_KILLED = 128 + signal.SIGKILL


@dataclass(frozen=True)
class TestRun:
    """One run of the test command on one content of the shadow copy."""

    __test__ = False

    command: tuple[str, ...]
    exit_code: int
    output: str = ""
    timed_out: bool = False
    hung: str = ""
    """The test that was running when the run was ended because no test had ended for too long."""
    not_found: bool = False
    duration_s: float = 0.0
    cpu_s: float = 0.0
    """Processor time of all its processes, as last seen before its end."""
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
    unproven: str = ""
    """Why a green says nothing about the target, as a sentence without its full stop."""


def frames_in(run: TestRun, nodeid: str, root: str) -> set[str]:
    """Workspace paths that a failure's traceback passes through."""
    case = run.cases.get(nodeid)
    found = set()
    for path, _ in case.frames if case else ():
        relative = os.path.relpath(path, root) if os.path.isabs(path) else path
        if not relative.startswith(".."):
            found.add(relative.replace(os.sep, "/"))
    return found


def _passed(run: TestRun) -> set[str]:
    return {name for name, case in run.cases.items() if case.outcome in ("passed", "xfailed")}


def judge(
    run: TestRun,
    baseline: TestRun | None,
    reaching: Collection[str],
    flaky: Collection[str] = (),
    unknown: Collection[str] = (),
) -> Verdict:
    """`reaching`: ids that were red before and reach the target; `unknown`: red before, and nobody knows whether they do;
    `flaky`: suspects that passed when run alone."""
    if early := _unusable(run) or _less_than_before(run, baseline):
        return Verdict(False, early)
    before = _passed(baseline) if baseline else set()
    red_before = {case.nodeid for case in baseline.bad} if baseline else set()
    already = tuple(sorted(c.nodeid for c in run.bad if c.nodeid in red_before and c.nodeid not in reaching))
    failing = tuple(c for c in run.bad if c.nodeid not in already and c.nodeid not in flaky)
    suspects = tuple(c.nodeid for c in failing if c.nodeid in before)
    if failing:
        return Verdict(False, f"{_tests(len(failing))} failing", failing, already, suspects)
    if baseline and (missing := _missing(run, baseline, reaching)):
        return Verdict(False, missing, (), already)
    if why := _too_little(run, baseline, flaky):
        return Verdict(False, why, (), already)
    if run.exit_code != 0 and not (run.bad and (already or flaky)):
        return Verdict(False, f"the test command ended with exit code {run.exit_code}", (), already)
    unproven = _unproven(already, reaching, unknown)
    return Verdict(True, _green(run, already, flaky, unknown), (), already, unproven=unproven)


def _unproven(already: Collection[str], reaching: Collection[str], unknown: Collection[str]) -> str:
    """Why red tests of which nobody knows whether they reach the target leave a green without proof; "" where they do not.

    Where tests of a file became green by the change, the file has to do with the target: so may its other ones.
    """
    red = sorted(name for name in unknown if name in already)
    if red and not reaching and len(red) == len(unknown):
        passing = "no test that failed before passes now"
    else:
        mended = {_place(name) for name in unknown if name not in already}
        red = [name for name in red if _place(name) in mended]
        passing = "other tests beside them pass now"
    return (
        f"{passing}, and whether {_some(red)} reach{'es' if len(red) == 1 else ''} the target is not known"
        if red
        else ""
    )


def _place(name: str) -> str:
    """The file of a test's id, or the class or package before its name."""
    return name.split("::")[0] if "::" in name else name.rpartition(".")[0]


def cut_short(run: TestRun) -> str:
    """Why the run was ended from outside before it could say all; "" where it ended by itself or at its time limit."""
    if run.exit_code == 0 or run.timed_out:
        return ""
    if stopped := _STOPPED.search(run.output[-300:]):
        return stopped[1]
    if run.exit_code == _KILLED and (run.report is None or run.report.void):
        return "it was killed from outside (signal 9), most often because the machine's memory is used up"
    return ""


def _unusable(run: TestRun) -> str | None:
    if run.not_found:
        return f"the test command {run.command[0]!r} was not found"
    if run.hung:
        return f"no test ended for far longer than all of them took before; {run.hung} was running"
    if run.timed_out:
        return "the tests did not end within the time limit"
    if why := cut_short(run):
        return f"the test command was stopped: {why}"
    if run.report is None:
        if run.expects_report:
            return "the test process ended before its runner wrote its report"
        return "no test ran" if _says_no_tests(run.output) else None
    if run.report.void:
        return run.report.void
    if not run.report.present:
        return "no test was collected"
    return None


_NO_TESTS = re.compile(
    r"^(?:Ran 0 tests\b|NO TESTS RAN|# tests 0$|1\.\.0$|no tests ran\b|collected 0 items)"
    r"|\[no test files\]|\bNo tests? (?:files? )?found\b|^[ \t]*0 passing\b",
    re.MULTILINE | re.IGNORECASE,
)
_SOME_TESTS = re.compile(
    r"^(?:Ran [1-9]|# tests [1-9]|1\.\.[1-9]|(?-i:ok)\s)|\b[1-9]\d{0,8} (?:passed|passing|tests? passed)\b",
    re.MULTILINE | re.IGNORECASE,
)


def says_some_tests(output: str) -> bool:
    """Whether the closing lines of a runner without a report say that a test ran."""
    return bool(_SOME_TESTS.search(output[-20_000:]))


def _says_no_tests(output: str) -> bool:
    """Whether the closing lines of a runner without a report say that there was no test. Only then text is looked at."""
    return bool(_NO_TESTS.search(output[-20_000:])) and not says_some_tests(output)


def nothing_collected(run: TestRun) -> bool:
    """Whether the runner itself says that there was no test, whatever its exit code."""
    if run.timed_out or run.cases or run.count("passed") or run.count("failed"):
        return False
    return (run.exit_code == 5 and run.expects_report) or _says_no_tests(run.output)


def _less_than_before(run: TestRun, baseline: TestRun | None) -> str | None:
    """A weaker kind of evidence than the baseline had."""
    if baseline is not None and baseline.report is not None and run.report is None:
        return "the test runner left no report, as it did before the change: its process ended early"
    return None


def _missing(run: TestRun, baseline: TestRun, reaching: Collection[str]) -> str | None:
    """The first kind of test of the baseline that is not there any more, or no longer passes, with its ids."""
    if not baseline.cases:
        return None
    lost: dict[str, list[str]] = {}
    for case in sorted(baseline.cases.values(), key=lambda case: (case.nodeid not in reaching, case.nodeid)):
        if how := _lost(case, run):
            past = "passed before" if case.outcome in ("passed", "xfailed") else "failed before" if case.bad else ""
            lost.setdefault(f"{past and f'that {past} '}{how}", []).append(case.nodeid)
    if not lost:
        return None
    how, names = next(iter(lost.items()))
    return f"{_tests(len(names))} {how}: {_some(names)}"


def _lost(case: TestCase, run: TestRun) -> str:
    """What became of a test of the baseline, where it does not count as passed; "" where it does."""
    now = run.cases.get(case.nodeid)
    if now is None:
        # A file that could not be collected has become its tests.
        inside = (
            [c for n, c in run.cases.items() if n.startswith(case.nodeid + "::")] if case.outcome == "error" else []
        )
        return "" if any(c.outcome == "passed" for c in inside) else "did not run"
    if now.outcome == "skipped" and case.outcome != "skipped":
        return "was skipped"
    if now.outcome == "xfailed" and case.outcome not in ("xfailed", "skipped"):
        return "was marked as expected to fail"
    if case.part_skips is not None and (now.part_skips or 0) > case.part_skips:
        return "skipped more of its sub-tests than before"
    return ""


def _too_little(run: TestRun, baseline: TestRun | None, flaky: Collection[str]) -> str | None:
    if run.report is None:
        return None
    if run.count("passed") + run.count("xfailed") == 0:
        if broken := [case.nodeid for case in run.bad if case.outcome == "error"]:
            return f"no test ran: {_some(broken)} could not be collected"
        return "every test was skipped" if run.count("skipped") else "no test ran"
    if baseline and baseline.report and baseline.report.canaries and run.report.canaries is None:
        return "the candidate interferes with the test runner: tests of ralphd's own could not be run"
    if run.count("passed") == 0:
        return "no test passed but those that are expected to fail" if not (baseline and _passed(baseline)) else None
    if baseline and run.count("passed") < baseline.count("passed") and not flaky:
        return f"fewer tests pass than before ({run.count('passed')} of {baseline.count('passed')})"
    if run.report.unrun and not run.bad:
        return f"{_tests(len(run.report.unrun))} collected and not run: {_some(sorted(run.report.unrun))}"
    return None


def _green(run: TestRun, already: Collection[str], flaky: Collection[str], unknown: Collection[str]) -> str:
    parts = [
        f"{_tests(run.count('passed'))} passed" if run.report and run.report.present else "the test command succeeded"
    ]
    if flaky:
        parts.append(f"flaky: {_some(sorted(flaky))} failed once and passed when run alone")
    elsewhere = [name for name in already if name not in unknown]
    if elsewhere:
        parts.append(
            f"{_tests(len(elsewhere))} failed before the run too and do not reach the target: {_some(elsewhere)}"
        )
    if doubtful := [name for name in already if name in unknown]:
        parts.append(f"{_tests(len(doubtful))} failed before the run too: {_some(doubtful)}")
    return "; ".join(parts)


def _tests(count: int) -> str:
    return f"{count} test{'' if count == 1 else 's'}"


def _some(names: list[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _still_expected(run: TestRun, baseline: TestRun | None) -> int:
    """Tests that fail as expected, and did so at the baseline: one that is newly marked so did not pass."""
    marked = {name for name, case in run.cases.items() if case.outcome == "xfailed"}
    return len(marked if baseline is None else {n for n in marked if n in _passed(baseline)})


def to_report(run: TestRun, baseline: TestRun | None, verdict: Verdict, flaky: Collection[str] = ()) -> TestReport:
    return TestReport(
        command=run.command,
        exit_code=run.exit_code,
        passed=run.count("passed") + _still_expected(run, baseline),
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
