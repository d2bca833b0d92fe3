"""One pytest session over one generated module in a shadow copy, and what each of its tests did.

A test that hangs or kills its process is named and left out, and the session goes on with the others. Knows nothing of
mutants or of what a verdict is worth.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel, Field, ValidationError

from ralphd.errors import Misconfigured
from ralphd.judging.commands import PLAIN
from ralphd.sandbox.reading import read_beneath
from ralphd.sandbox.shadow import Shadow

TestEnding = Literal["passed", "failed", "skipped", "error", "timeout", "crash"]
SessionMode = Literal["explore", "confirm", "survey", "kill"]
"""explore: all of Hypothesis; confirm: the pinned examples only, and whether the target is entered; survey: how many
inputs break a test; kill: no shrinking."""
_CPU_SIGNAL = (27, -27, 128 + 27)
"""SIGPROF, as the process, a shell or bwrap tells it."""

PROBE_S = 300.0
"""pytest may take this long to start and collect: a machine may be slow, and only what hangs takes longer."""
_MOST_BYTES = 32 << 20
"""Of a report."""
OUT_OF_CPU = "it used up its CPU time"
"""Says more than a time-out by the clock, which a busy machine can bring about."""


class Pool(Protocol):
    def lease(self) -> AbstractAsyncContextManager[Shadow]: ...


@dataclass(frozen=True)
class GateSetup:
    """What stays the same over all sessions of one gate."""

    pytest: tuple[str, ...]
    """The command up to and including pytest: `("python", "-m", "pytest")`."""
    target: str
    """Relative path of the code under test."""
    lines: tuple[int, int]
    """Its lines, from 1, inclusive."""
    module: str
    """Relative path of the generated module."""
    max_examples: int
    report_root: Path
    folder: str = ""
    """Where in the workspace pytest is started."""
    plugins: str = field(default_factory=lambda: str(resources.files("ralphd.attack").joinpath("pytest_plugins")))

    @property
    def tables(self) -> Path:
        """Hypothesis's tables of characters: made once by `probe`, before any of the project's code; read-only after."""
        return self.report_root / "hypothesis"


@dataclass(frozen=True)
class SessionPlan:
    """One session: which files, which tests, under which seed and limits."""

    overlay: Mapping[str, bytes | None]
    tests: tuple[str, ...] = ()
    """Empty: all."""
    seed: int = 0
    mode: SessionMode = "explore"
    cpu_s: float = 10.0
    wall_s: float = 30.0
    reverse: bool = False
    refill: bool = True
    """Whether as many inputs as Hypothesis likes are tried for those that a test rejects: ten times `max_examples` where it
    rejects nearly all. Else one for each of the first `max_examples` of them."""
    buffers: Mapping[str, bytes | None] = field(default_factory=dict)
    """Open documents, which lie under `overlay`."""


@dataclass(frozen=True)
class Ended:
    """How one test ended (all of its parameters together)."""

    outcome: TestEnding
    exception: str = ""
    bases: tuple[str, ...] = ()
    message: str = ""
    notes: str = ""
    frames: tuple[tuple[str, int, str, str], ...] = ()
    """(path, line from 1, function, source) of the workspace's own frames, outermost first."""
    direct: bool = False
    """The call that failed got the test's inputs as they are."""
    touched: tuple[str, ...] = ()
    reached: bool = False
    cpu_s: float = 0.0
    share: float = 0.0
    """Survey: of the inputs that were tried, those that break it."""


@dataclass(frozen=True)
class PytestSession:
    tests: Mapping[str, Ended] = field(default_factory=dict)
    collected: tuple[str, ...] = ()
    problem: Literal["", "import", "collect", "timeout"] = ""
    """Why nothing was collected."""
    detail: str = ""
    touched: tuple[str, ...] = ()
    """What importing the module touched."""
    late: bool = False
    """The time for everything was over: what did not end says nothing."""


@dataclass(frozen=True)
class Tools:
    """What the person's environment holds."""

    python: str
    pytest: str
    hypothesis: str | None


async def probe(pool: Pool, setting: GateSetup, timeout_s: float = PROBE_S) -> Tools:
    """What there is to test with; `Misconfigured` with the one line that installs what is missing. Nothing is installed."""
    await asyncio.to_thread(setting.tables.mkdir, parents=True, exist_ok=True)
    async with pool.lease() as shadow:
        await shadow.refresh({})
        with _Folder(setting.report_root) as reports:
            argv = [*setting.pytest, PLAIN, "-p", "ralphd_chaos", "--collect-only"]
            env = _env(setting, SessionPlan({}), reports) | {"RALPHD_CHAOS_PROBE": "1"}
            places = (str(reports), str(setting.tables))
            result = await shadow.run(
                argv, timeout_s=timeout_s, env=env, extra_ro=(setting.plugins,), writable=places, cwd=setting.folder
            )
            records = await asyncio.to_thread(_records, reports)
    found = next((record for record in records if record.event == "session"), None)
    if found is None:
        install = f"{' '.join(setting.pytest[:1])} -m pip install pytest hypothesis"
        if result.not_found:
            raise Misconfigured(
                f"Chaos tests need pytest, and `{' '.join(setting.pytest)}` is not there.", f"Install it: {install}"
            )
        if result.timed_out:
            raise Misconfigured(
                f"pytest was still collecting the project's tests after {timeout_s:g} s.",
                "Try again when it is quicker.",
            )
        raise Misconfigured(
            "pytest does not start in the project's environment.",
            result.output.strip()[-300:] or f"Install it: {install}",
        )
    tools = Tools(found.python, found.pytest, found.hypothesis)
    if tools.hypothesis is None:
        raise Misconfigured(
            "Chaos tests need Hypothesis, and the project's environment has none.",
            f"Install it: {tools.python} -m pip install hypothesis",
        )
    return tools


async def run(pool: Pool, setting: GateSetup, plan: SessionPlan, until: float) -> PytestSession:
    """Run the module's tests; `until` is the event loop's time at which everything must be over."""
    loop = asyncio.get_running_loop()
    session = PytestSession()
    done: dict[str, Ended] = {}
    left = plan.tests
    await asyncio.to_thread(setting.tables.mkdir, parents=True, exist_ok=True)
    async with pool.lease() as shadow:
        while True:
            remaining = until - loop.time()
            if remaining <= 0:
                return _late(session, done, plan)
            await shadow.refresh(plan.overlay, buffers=plan.buffers)
            with _Folder(setting.report_root) as reports:
                result = await shadow.run(
                    _argv(setting, replace(plan, tests=left), reports),
                    timeout_s=remaining,
                    env=_env(setting, plan, reports),
                    extra_ro=(setting.plugins, str(setting.tables)),
                    writable=(str(reports),),
                    cwd=setting.folder,
                )
                records = await asyncio.to_thread(_records, reports)
            part, hung, timed = _read(records)
            if not part.collected:
                if done:
                    return _late(session, done, plan)
                timed = timed or result.timed_out or result.exit_code in _CPU_SIGNAL
                problem = part.problem or ("timeout" if timed else "collect")
                return replace(
                    part, problem=problem, late=result.timed_out, detail=part.detail or result.output.strip()[-600:]
                )
            if not session.collected:
                session = part
            done |= part.tests
            if hung is None:
                return replace(session, tests=done)
            if result.timed_out:
                return _late(session, done, plan)
            busy = result.exit_code in _CPU_SIGNAL
            done[hung] = Ended("timeout" if timed or busy else "crash", message=OUT_OF_CPU if busy else "")
            left = tuple(name for name in (plan.tests or session.collected) if name not in done)
            if not left:
                return replace(session, tests=done)


def _late(session: PytestSession, done: dict[str, Ended], plan: SessionPlan) -> PytestSession:
    late = {name: Ended("timeout") for name in plan.tests or session.collected if name not in done}
    return replace(session, tests=done | late, problem="" if session.collected else "timeout", late=True)


def _argv(setting: GateSetup, plan: SessionPlan, reports: Path) -> list[str]:
    """Only what a person will read about a failing assertion is worth pytest's rewriting of modules, which takes longer
    than everything else where its results cannot be kept: it includes Hypothesis, and every test process does it anew."""
    module = os.path.relpath(setting.module, setting.folder or ".")
    told = [] if plan.mode == "confirm" else [PLAIN]
    places = [f"{module}::{name}" for name in plan.tests] or [module]
    return [
        *setting.pytest, *told, "-p", "ralphd_chaos", "-p", "hypothesispytest", "-p", "no:randomly", "-q", "--no-header", "--tb=no",
        "-o", f"cache_dir={reports}/cache", f"--hypothesis-seed={plan.seed}", *places,
    ]  # fmt: skip


def _env(setting: GateSetup, plan: SessionPlan, reports: Path) -> dict[str, str]:
    chaos = {
        "root": os.path.relpath(".", setting.folder or "."),
        "module": setting.module,
        "target": setting.target,
        "lines": list(setting.lines),
        "max_examples": setting.max_examples,
        "refill": plan.refill,
        "mode": plan.mode,
        "cpu_s": plan.cpu_s,
        "wall_s": plan.wall_s,
        "reverse": plan.reverse,
        "scratch": str(setting.tables),
    }
    return {
        "PYTHONPATH": setting.plugins,
        "PYTHONHASHSEED": str(plan.seed),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(setting.tables),
        "RALPHD_REPORT_DIR": str(reports),
        "RALPHD_CHAOS": json.dumps(chaos, sort_keys=True),
    }


class _Folder:
    """A private folder for one session's report; gone afterwards."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __enter__(self) -> Path:
        self._root.mkdir(parents=True, exist_ok=True)
        self._path = Path(tempfile.mkdtemp(prefix="chaos-", dir=self._root))
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


class _Record(BaseModel):
    """A line of the plugin's report, or one that a test forged: what does not fit is no record."""

    event: Literal["session", "error", "collected", "start", "timeout", "end"]
    test: str | None = None
    python: str = ""
    pytest: str = ""
    hypothesis: str | None = None
    kind: Literal["import", "collect"] = "collect"
    text: str = ""
    tests: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()
    outcome: TestEnding = "error"
    exception: str = ""
    bases: tuple[str, ...] = ()
    message: str = ""
    notes: str = ""
    frames: tuple[tuple[str, int, str, str], ...] = ()
    direct: bool = False
    reached: bool = False
    cpu_s: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    share: float = Field(default=0.0, ge=0, le=1)

    def ended(self) -> Ended:
        return Ended(
            outcome=self.outcome,
            exception=self.exception,
            bases=self.bases,
            message=self.message,
            notes=self.notes,
            frames=self.frames,
            direct=self.direct,
            touched=self.touched,
            reached=self.reached,
            cpu_s=self.cpu_s,
            share=self.share,
        )


def _records(reports: Path) -> list[_Record]:
    """The first session's lines: what a test starts or forges beside it does not count. A test may have put a link or a
    pipe into a report's place."""
    found = [name for name in os.listdir(reports) if name.startswith("chaos-") and name.endswith(".jsonl")]
    first = min(found, key=lambda name: (reports / name).lstat().st_ctime_ns, default="")
    data = read_beneath(str(reports), first, _MOST_BYTES) if first else None
    records = []
    for line in (data or b"").splitlines():
        try:
            records.append(_Record.model_validate_json(line))
        except ValidationError:
            continue
    return records


def _read(records: Collection[_Record]) -> tuple[PytestSession, str | None, bool]:
    """The session so far, the test that never ended, and whether a limit ended it."""
    session, running, timed = PytestSession(), None, False
    tests: dict[str, Ended] = {}
    for record in records:
        name = record.test or ""
        if record.event == "error":
            session = replace(session, problem=record.kind, detail=record.text, touched=record.touched)
        elif record.event == "collected":
            session = replace(session, collected=record.tests, touched=record.touched)
        elif record.event == "start":
            running = name
        elif record.event == "timeout":
            timed = True
        elif record.event == "end":
            running = None if running == name else running
            ended = record.ended()
            if name in tests:  # another of its parameters
                ended = replace(ended, share=max(ended.share, tests[name].share))
            if name not in tests or _WORSE.index(ended.outcome) > _WORSE.index(tests[name].outcome):
                tests[name] = ended
    return replace(session, tests=tests), running, timed


_WORSE: tuple[TestEnding, ...] = ("skipped", "passed", "error", "failed", "crash", "timeout")
