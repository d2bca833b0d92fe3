"""Test runners' own reports -> test cases. Pure: knows neither processes nor verdicts.

pytest, unittest and Node's runner through our plugins inside them, go through `-json`, cargo through its closing lines
(libtest's JSON is unstable). Anything else has an exit code and no cases. What comes out of a test process is not
believed to have any shape: it is validated, and what does not fit is no report.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

CaseOutcome = Literal["passed", "failed", "error", "skipped", "xfailed"]
MAX_TESTS = 200_000
_SEVERITY: Mapping[CaseOutcome, int] = {"passed": 0, "xfailed": 1, "skipped": 2, "failed": 3, "error": 4}


@dataclass(frozen=True)
class TestCase:
    """One test as its runner reported it."""

    __test__ = False

    nodeid: str
    outcome: CaseOutcome
    detail: str = ""
    """The failure as the runner words it, unnormalised."""
    frames: tuple[tuple[str, int], ...] = ()
    """(path as reported, 0-based line) of the failure's traceback."""
    reached: bool | None = None
    """Whether it entered the target's file, where that was measured; None: not known."""
    seconds: float | None = None
    """How long it took, where its runner says so."""
    part_skips: int | None = None
    """How many of its sub-tests were skipped; None where no sub-test of it was seen."""

    @property
    def bad(self) -> bool:
        return self.outcome in ("failed", "error")


@dataclass(frozen=True)
class Report:
    cases: Mapping[str, TestCase] = field(default_factory=dict)
    counts: tuple[int, int, int] | None = None
    """(passed, failed, skipped) where a runner tells only sums."""
    void: str = ""
    """Why the report proves nothing, as the end of a sentence; empty: it may be believed."""
    unrun: tuple[str, ...] = ()
    """Tests that were collected and never ran."""
    collected: tuple[str, ...] = ()
    """Ids, where the runner was asked for these alone."""
    canaries: bool | None = None
    """Whether our own tests among the person's ended as they must; None where none could be run."""

    @property
    def present(self) -> bool:
        return bool(self.cases) or self.counts is not None


class _Test(BaseModel):
    nodeid: Annotated[str, Field(min_length=1, max_length=4000)]
    outcome: CaseOutcome
    longrepr: str = ""
    frames: list[tuple[str, int]] = []
    sections: list[tuple[str, str]] = []
    reached: bool | None = None
    seconds: float | None = None
    part_skips: int | None = None

    def case(self) -> TestCase:
        shown = "".join(f"\n--- {name} ---\n{body}" for name, body in self.sections if "call" in name)
        return TestCase(
            self.nodeid,
            self.outcome,
            self.longrepr + shown,
            tuple(self.frames),
            self.reached,
            self.seconds,
            self.part_skips,
        )


class _CollectError(BaseModel):
    nodeid: str
    longrepr: str
    frames: list[tuple[str, int]] = []


class _Session(BaseModel):
    """What one session of a test runner sent: the JSON of `runner_plugins/`."""

    tests: Annotated[list[_Test], Field(max_length=MAX_TESTS)]
    errors: Annotated[list[_CollectError], Field(max_length=MAX_TESTS)] = []
    unrun: Annotated[list[str], Field(max_length=MAX_TESTS)] = []
    collected: Annotated[list[str], Field(max_length=MAX_TESTS)] = []
    canaries: bool | None = None
    left: bool = False
    exit: int | None = None


def parse_sessions(texts: Iterable[bytes], silent: int) -> Report | None:
    """Join the reports of all sessions of one command; of a test that ran in several the worst outcome counts.

    `silent`: sessions that began and sent nothing: their process ended early. None where no session was seen.
    """
    cases: dict[str, TestCase] = {}
    sessions: list[_Session] = []
    for text in texts:
        try:
            sessions.append(_Session.model_validate_json(text))
        except ValidationError:
            silent += 1
    for session in sessions:
        for test in (entry.case() for entry in session.tests):
            known = cases.get(test.nodeid)
            if known is None or _SEVERITY[test.outcome] > _SEVERITY[known.outcome]:
                cases[test.nodeid] = test
        for error in session.errors:
            cases[error.nodeid] = TestCase(error.nodeid, "error", error.longrepr, tuple(error.frames))
    if not sessions and not silent:
        return None
    return Report(
        cases,
        void=_void(sessions, silent),
        unrun=tuple(name for session in sessions for name in session.unrun),
        collected=tuple(name for session in sessions for name in session.collected),
        canaries=_canaries(sessions),
    )


def _void(sessions: Iterable[_Session], silent: int) -> str:
    if silent:
        return "the test process ended before its runner wrote its report"
    if any(session.canaries is False for session in sessions):
        return "the candidate interferes with the test runner: tests of ralphd's own were reported wrongly"
    if any(session.left and session.exit == 0 for session in sessions):
        return "the test runner was told to stop before all tests had run"
    return ""


def _canaries(sessions: Iterable[_Session]) -> bool | None:
    told = [session.canaries for session in sessions if session.canaries is not None]
    return all(told) if told else None


_GO_COVERED = re.compile(r"coverage: (\d+(?:\.\d+)?)% of statements in ")
_GO_OUTCOMES: Mapping[str, CaseOutcome] = {"pass": "passed", "fail": "failed", "skip": "skipped"}


class _GoEvent(BaseModel):
    """A line of `go test -json`, or one that looks like it: what a test writes past its runner is among them."""

    Action: str = ""
    Package: str = ""
    Test: str = ""
    Output: str = ""


class _GoPackage:
    """What the events of one package said."""

    def __init__(self) -> None:
        self.outcomes: dict[str, CaseOutcome] = {}
        self.details: dict[str, list[str]] = {}
        self.running: dict[str, None] = {}
        """Tests that began and did not end, in this order."""
        self.reached: bool | None = None

    def take(self, event: _GoEvent) -> None:
        test, action = event.Test, event.Action
        if action == "output":
            if not test and (covered := _GO_COVERED.match(event.Output)):
                self.reached = float(covered[1]) > 0
            self.details.setdefault(test, []).append(event.Output)
        elif test and action in _GO_OUTCOMES:
            self.outcomes[test] = _GO_OUTCOMES[action]
            self.running.pop(test, None)
        elif test and action == "run":
            self.running[test] = None
        elif not test and action == "fail" and self.running:
            self.outcomes[next(reversed(self.running))] = "error"  # its process ended: a panic, or the time limit
        elif not test and action == "fail" and not self.outcomes:
            self.outcomes[""] = "error"

    def case(self, name: str, test: str) -> TestCase:
        outcome = self.outcomes[test]
        detail = "".join(self.details.get(test, ())) if outcome in ("failed", "error") else ""
        return TestCase(name, outcome, detail, reached=self.reached)


def parse_go(output: str) -> Report | None:
    """`go test -json`: one event a line. With `-coverpkg` of the target's package, whether each package's tests enter it."""
    packages: dict[str, _GoPackage] = {}
    for line in output.splitlines():
        if line.startswith("{"):
            try:
                event = _GoEvent.model_validate_json(line)
            except ValidationError:
                continue
            packages.setdefault(event.Package, _GoPackage()).take(event)
    named = {f"{name}.{test}" if test else name: (of, test) for name, of in packages.items() for test in of.outcomes}
    return Report({name: of.case(name, test) for name, (of, test) in named.items()}) if named else None


_CARGO_TEST = re.compile(
    r"^test (\S+)(?: - (\S+) \(line (\d{1,9})\))?(?: - should panic| - compile fail| - compile)? \.\.\. (ok|FAILED|ignored)",
    re.MULTILINE,
)
"""A test, or an example in a comment: `src/lib.rs - slug (line 3)`."""
_CARGO_SUM = re.compile(r"^test result: \w+\. (\d{1,9}) passed; (\d{1,9}) failed; (\d{1,9}) ignored", re.MULTILINE)


def parse_cargo(output: str) -> Report | None:
    sums = _CARGO_SUM.findall(output)
    if not sums:
        return None
    words: Mapping[str, CaseOutcome] = {"ok": "passed", "FAILED": "failed", "ignored": "skipped"}
    details = _cargo_details(output)
    told = _CARGO_TEST.findall(output)
    cases = {name: TestCase(name, words[word], details.get(name, "")) for name, _, line, word in told if not line}
    count = Counter[str]()
    for name, item, line, word in sorted((one for one in told if one[2]), key=lambda one: int(one[2])):
        count[f"{name} - {item}"] += 1  # by its number, since lines move
        example = f"{name} - {item} (example {count[f'{name} - {item}']})"
        detail = details.get(f"{name} - {item} (line {line})", "")
        cases[example] = TestCase(example, words[word], detail)
    passed, failed, skipped = (sum(int(row[i]) for row in sums) for i in range(3))
    return Report(cases, (passed, failed, skipped))


_STILL_RUNNING = re.compile(r"^test (\S+) has been running for over 60 seconds$", re.MULTILINE)


def still_running(output: str) -> str:
    """The test that cargo said last to be running for too long; "" where it said nothing."""
    found = _STILL_RUNNING.findall(output[-20_000:])
    return found[-1] if found else ""


_CARGO_DETAIL = re.compile(r"^---- (.{1,400}?) stdout ----$")


def _cargo_details(output: str) -> Mapping[str, str]:
    """What each failing test printed, by its name: one pass over the output, whatever its size."""
    details: dict[str, list[str]] = {}
    inside: list[str] | None = None
    for line in output.splitlines(keepends=True):
        if header := _CARGO_DETAIL.match(line.rstrip()):
            inside = details.setdefault(header[1], [])
        elif line.startswith(("failures:", "test result:")):
            inside = None
        elif inside is not None:
            inside.append(line)
    return {name: "".join(lines) for name, lines in details.items()}
