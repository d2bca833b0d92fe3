"""A run: what was asked, how it ended, and what it found. Values only."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ralphd.core.findings import Finding
from ralphd.core.mends import Mend
from ralphd.core.text import Span

Command = Literal["implement", "critique", "chaosTests", "opinions", "fix"]
COMMANDS: tuple[Command, ...] = ("implement", "critique", "chaosTests", "opinions", "fix")
Role = Literal["librarian", "artisan", "critic", "chaos"]
ROLES: tuple[Role, ...] = ("librarian", "artisan", "critic", "chaos")
"""The agents, in the order in which a run asks them."""
LEADING_ROLE: Mapping[Command, Role] = {
    "implement": "artisan",
    "critique": "critic",
    "chaosTests": "chaos",
    "opinions": "critic",
    "fix": "artisan",
}
"""The role that a command cannot do without: its model is checked before the run, and its answer is what counts."""
Outcome = Literal[
    "proposed",
    "proposed_unverified",
    "proposed_suspect",
    "proposed_failing",
    "reviewed",
    "tests_proposed",
    "no_change",
    "stuck",
    "iteration_limit",
    "budget_exceeded",
    "cancelled",
    "stale",
    "untrusted",
    "misconfigured",
    "provider_failed",
    "internal_error",
]
EXIT_CODES: dict[str, int] = {
    "proposed": 0,
    "reviewed": 0,
    "tests_proposed": 0,
    "no_change": 0,
    "misconfigured": 2,
    "budget_exceeded": 3,
    "provider_failed": 4,
    "untrusted": 5,
    "cancelled": 130,
}
"""Of `ralphd run`; every other outcome is 1."""


_WITH_CHAOS = (".py",)
"""Ends of the names of files whose language has an adapter for hostile tests (`attack/adapters.py`)."""


def offers_chaos(path: str) -> bool:
    """Whether chaos tests can be asked for on this file (a path or a URI)."""
    return path.endswith(_WITH_CHAOS)


_WITH_OPINIONS = (".py",)
"""Ends of the names of files whose functions independent versions can be written of (`phases/opinions.py`)."""


def offers_opinions(path: str) -> bool:
    """Whether second opinions can be asked for on this file (a path or a URI)."""
    return path.endswith(_WITH_OPINIONS)


def new_run_id() -> str:
    return f"run-{secrets.token_hex(6)}"


@dataclass(frozen=True)
class RunRequest:
    """A snapshot of what the person asked for; nothing in it changes while the run lives."""

    run_id: str
    command: Command
    root: str
    """Absolute path of the workspace folder."""
    path: str
    """Of the target file, relative to `root`, with forward slashes."""
    text: str
    """The document as the editor showed it (not the disk)."""
    span: tuple[int, int] | None = None
    """The selection as code point offsets; equal ends: the cursor; None: the whole file."""
    instruction: str = ""
    buffers: Mapping[str, bytes] = field(default_factory=dict)
    """Unsaved documents by relative path, as the bytes that saving them would write."""
    findings: tuple[Finding, ...] = ()
    """For `fix`: the findings to repair."""
    sample: int = 0
    """Number of a deliberate fresh sample ("try again"): part of the cache key."""
    tried: tuple[str, ...] = ()
    """What was tried before on the document and what came of it: each a sentence, below which the change may stand."""
    allowed: tuple[str, ...] = ()
    """Locked or control files that the person allowed this run to edit."""
    untitled: bool = False
    folder: str = ""
    """Where its tests run, relative to `root`: that of the file's own package. The service finds it."""


@dataclass(frozen=True)
class Unnoticed:
    """A planted fault that no test noticed. `line` counts from 1."""

    path: str
    line: int
    what: str


@dataclass(frozen=True)
class ControlReport:
    """Whether the tests of a green notice faults that are planted in what changed."""

    planted: int = 0
    """Small faults that the tests ran on."""
    noticed: int = 0
    first: bool = False
    """Whether they noticed that the whole body was broken."""
    skipped_for_time: int = 0
    unnoticed: tuple[Unnoticed, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "planted": self.planted,
            "noticed": self.noticed,
            "first": self.first,
            "skippedForTime": self.skipped_for_time,
            "unnoticed": [{"path": u.path, "line": u.line, "what": u.what} for u in self.unnoticed],
        }


@dataclass(frozen=True)
class ChangedTests:
    """Test files that the person let be changed, and what the old ones say of the rest of the change."""

    paths: tuple[str, ...]
    old_green: bool
    old: str
    """The end of a sentence, without its full stop: "2 tests failing (…)"."""

    def to_json(self) -> dict[str, Any]:
        return {"paths": list(self.paths), "oldGreen": self.old_green, "old": self.old}


@dataclass(frozen=True)
class TestReport:
    """What one run of the test command showed. Times never reach a prompt."""

    __test__ = False

    command: tuple[str, ...]
    exit_code: int
    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    baseline_passed: int = 0
    duration_s: float = 0.0
    sandbox: str = "bwrap"
    already_failing: tuple[str, ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)
    flaky: tuple[str, ...] = ()
    control: ControlReport | None = None
    """None: no control ran."""
    changed: ChangedTests | None = None
    """None: no test was changed."""

    def to_json(self) -> dict[str, Any]:
        return {
            "command": list(self.command),
            "passed": self.passed,
            "failed": self.failed,
            "errors": self.errors,
            "skipped": self.skipped,
            "exitCode": self.exit_code,
            "baselinePassed": self.baseline_passed,
            "durationS": round(self.duration_s, 3),
            "sandbox": self.sandbox,
            "alreadyFailing": list(self.already_failing),
            "hashes": dict(self.hashes),
            "control": self.control.to_json() if self.control else None,
            "changedTests": self.changed.to_json() if self.changed else None,
        }


@dataclass(frozen=True)
class Judgement:
    """What the tests say of what a person made of a run's proposal.

    `unproven`: they pass, but that says nothing about the target; `unknown`: they were not run.
    """

    state: Literal["green", "unproven", "red", "unknown"]
    why: str
    """The end of a sentence, without its full stop: "4 tests passed"."""
    failing: tuple[str, ...] = ()
    """Ids of the tests that fail."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """By path: the files that this holds for."""


@dataclass(frozen=True)
class Cost:
    """USD by role; None as soon as one used model has no known price (an unknown is never zero)."""

    by_role: Mapping[str, float] = field(default_factory=dict)
    unpriced: tuple[str, ...] = ()

    @property
    def usd(self) -> float | None:
        return None if self.unpriced else sum(self.by_role.values())

    def to_json(self) -> dict[str, Any]:
        return {
            "usd": self.usd,
            "unpriced": sorted(self.unpriced),
            "byRole": {role: self.by_role.get(role, 0.0) for role in ROLES},
        }


@dataclass(frozen=True)
class ChaosReport:
    generated: int = 0
    admitted: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    counterexamples: int = 0
    mutants: int = 0
    killed: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "generated": self.generated,
            "admitted": self.admitted,
            "dropped": dict(sorted(self.dropped.items())),
            "counterexamples": self.counterexamples,
            "mutants": self.mutants,
            "killed": self.killed,
        }


@dataclass(frozen=True)
class RunResult:
    """How a run ended. `edits` maps relative paths to new text; the person's files are as they were."""

    run_id: str
    command: Command
    outcome: Outcome
    reason: str
    iterations: int = 0
    edits: Mapping[str, str] = field(default_factory=dict)
    base: Mapping[str, str | None] = field(default_factory=dict)
    """The text each edit was made for; None: the file is new."""
    target: Span | None = None
    """The part of the request's text that the person asked to change; None: no run got as far as to look for it."""
    findings: tuple[Finding, ...] = ()
    tests: TestReport | None = None
    chaos: ChaosReport | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    tokens: Mapping[str, int] = field(default_factory=dict)
    """By role; the sum is in `usage`."""
    cost: Cost = Cost()
    models: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    journal: str = ""
    mends: tuple[Mend, ...] = ()
    """What the person can do about what stopped it."""
    mended: tuple[str, ...] = ()
    """What had to be done to the model's answer to read it as these edits, a sentence each."""
