"""Runs the person's test command on the shadow copy and brings back what the runner itself reported."""

from __future__ import annotations

import asyncio
import math
import os
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from ralphd.context.file_graph import FileGraph
from ralphd.context.project_index import ProjectIndex
from ralphd.context.tree import Tree
from ralphd.core.encodings import encoded_like
from ralphd.judging import reports, stalling
from ralphd.judging.cargo_progress import CargoProgress
from ralphd.judging.commands import pytest_prefix, runner_of, starts_python_through_another, with_report
from ralphd.judging.junit import parse_junit
from ralphd.judging.only_in_copy import Apart, apart, last_result
from ralphd.judging.report_channel import PYTHON_STARTERS, ReportChannel
from ralphd.judging.verdict import TestRun
from ralphd.judging.workspace_files import SnapshotTree, read_file
from ralphd.sandbox.process import ProcessResult
from ralphd.sandbox.shadow import Shadow
from ralphd.sandbox.snapshot import Snapshot
from ralphd.sandbox.watchdog import Meter


@dataclass(frozen=True)
class Asked:
    """How the test command is to be run."""

    only: tuple[str, ...] | None = None
    """Ids of tests to run alone, or of test functions with all their parameters; None: all."""
    fast: bool = False
    """The quicker command of the settings."""
    collect: bool = False
    """Only say which tests there are (pytest)."""
    stop: bool = False
    """At the first failure, where the runner can."""
    reach_of: str = ""
    """Measure which tests enter this file of the workspace, where the runner can."""

    def settings(self, root: str) -> dict[str, Any]:
        """For our plugins inside the runner; `root`: where the run sees the workspace."""
        target = os.path.join(root, self.reach_of) if self.reach_of else ""
        return {"root": root, "only": self.only, "collect": self.collect, "stop": self.stop, "target": target}


EVERYTHING = Asked()


@dataclass(frozen=True)
class Plant:
    """Texts (by path) to be put over what is loaded, and the tests that are to run on them."""

    texts: Mapping[str, str]
    asked: Asked = EVERYTHING


@dataclass(frozen=True)
class Bounds:
    """Of the runs on what was planted, in seconds."""

    run_s: float
    """By the clock, for each."""
    burn_s: float
    """Of processor time, for each: a run that uses more goes round in circles."""
    share_s: float
    """By the clock, for all: none is started that, as long as the longest so far, would end after it, and what still
    runs then is ended."""
    sure: int = 1
    """So many of the first run whatever the share."""


class Workbench(Protocol):
    """Where candidates are tried: the shadow copy and the test command, or a recording of both."""

    tree: Tree
    root: str
    argv: tuple[str, ...]

    async def load(self, candidate: Mapping[str, str | None]) -> None:
        """Make the shadow hold the snapshot plus `candidate` (None: the file is gone); nothing of earlier runs is left."""

    async def run(self, asked: Asked = EVERYTHING) -> TestRun:
        """Run the test command on what is loaded."""

    async def run_planted(self, plants: Sequence[Plant], bounds: Bounds) -> Sequence[TestRun | None]:
        """Run tests on what is loaded under each of `plants`, several at a time; None for those that there was no time for."""

    async def run_file(self, path: str, text: str, args: Sequence[str] = (), timeout_s: float = 60) -> TestRun:
        """Put a test module at `path` beside what is loaded, run pytest on it alone, and take it away again."""

    async def only_in_copy(self, run: TestRun, target: str) -> Sequence[Apart]:
        """Of the baseline `run` for the file `target`: the tests that fail for what the copy does not have."""

    async def file_graph(self) -> FileGraph:
        """Which files of the snapshot use which; made once."""

    async def hashes(self, paths: Collection[str]) -> Mapping[str, str]: ...

    async def changed_since(self) -> set[str]:
        """Workspace files that changed on disk since the snapshot."""


_NO_REPORTERS = re.compile(r"--test-reporter(?:-destination)?=? is not allowed in NODE_OPTIONS")


_MOST_FILES = 1000
"""Of one run's JUnit XML."""


class Tester:
    """A `Workbench` on one leased shadow. `async with`: its report folder is private and goes away."""

    tree: Tree

    def __init__(
        self,
        shadow: Shadow,
        *,
        lease: Callable[[], AbstractAsyncContextManager[Shadow]],
        root: str,
        argv: Sequence[str],
        fast_argv: Sequence[str] = (),
        buffers: Mapping[str, bytes],
        timeout_s: float,
        sandbox: str,
        report_root: Path,
        folder: str = "",
        junit: str = "",
        go_cache: Path | None = None,
        index: ProjectIndex | None = None,
    ) -> None:
        """`folder`: where in the workspace `root` the command runs; `junit`: the report it writes, from there; `go_cache`:
        where Go keeps what it has built between runs of this workspace."""
        self.folder, self._go_cache = folder, go_cache
        self.shadow, self.root, self.argv, self.fast_argv = shadow, root, tuple(argv), tuple(fast_argv)
        self.timeout_s, self.sandbox = timeout_s, sandbox
        self._buffers = dict(buffers)
        self._texts: dict[str, str | None] = {}
        self._loaded: dict[str, bytes | None] = {}
        self._lease, self._report_root = lease, report_root
        self._junit = os.path.join(folder, junit) if junit else ""
        self._node: bool | None = None
        """Whether Node may be started: True with our reporter in its options, False without (too old), None: not."""
        self.stall_s: float | None = None
        """Seconds without a test's end after which a run is ended; None until the baseline has shown how long it takes."""
        self._cargo = self._cargo_before = CargoProgress()
        """What cargo tells of the run that is under way, and what it told of the baseline."""
        self._snapshot: Snapshot | None = None
        self._graph: asyncio.Task[FileGraph] | None = None
        self._index = index or ProjectIndex()

    async def __aenter__(self) -> Self:
        self._channel = await asyncio.to_thread(ReportChannel, self._report_root)
        self._snapshot = await self.shadow.refresh({}, buffers=self._buffers)
        self.tree = SnapshotTree(self.root, self._snapshot.paths(), self._buffers)
        if not any(path.rpartition("/")[2] == "go.mod" for path in self.tree.paths()):
            self._go_cache = None
        elif self._go_cache is not None:
            self._go_cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._signatures = self._snapshot.signatures()
        self._python_starters = await asyncio.to_thread(self.shadow.programs, PYTHON_STARTERS, self.folder)
        if runner_of(self.argv) == "node" or "package.json" in self.tree.paths():
            self._node = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._channel.close)

    async def load(self, candidate: Mapping[str, str | None]) -> None:
        self._texts = dict(candidate)
        self._loaded = await asyncio.to_thread(self._bytes_of, self._texts)
        self._snapshot = await self.shadow.refresh(self._loaded, buffers=self._buffers)

    def _bytes_of(self, candidate: Mapping[str, str | None]) -> dict[str, bytes | None]:
        """New texts as saving them would write them: in the encoding of the file that they replace."""
        found: dict[str, bytes | None] = {}
        for path, text in candidate.items():
            before = self._buffers[path] if path in self._buffers else read_file(self.root, path)
            found[path] = None if text is None else encoded_like(text, before)
        return found

    def _env(self, argv: Sequence[str]) -> dict[str, str]:
        wrapped = self._python_starters if starts_python_through_another(argv) else ()
        python = self._channel.python_environment(wrapped) if wrapped else {}
        node = {} if self._node is None else self._channel.node_environment(reporters=self._node)
        # Without its index of modules Go builds from a cache that it cannot write to.
        go = {} if self._go_cache is None else {"GOCACHE": str(self._go_cache), "GODEBUG": "goindex=0"}
        return {**self._channel.environment(), **python, **node, **go}

    async def run(self, asked: Asked = EVERYTHING) -> TestRun:
        run = await self._run(self.fast_argv if asked.fast else self.argv, self.timeout_s, asked)
        if self.stall_s is None and run.cases and run.report is not None and not run.report.void:
            self.stall_s = stalling.limit_s(run.duration_s)  # the first run is the baseline
            self._cargo_before = self._cargo
        return run

    async def run_file(self, path: str, text: str, args: Sequence[str] = (), timeout_s: float = 60) -> TestRun:
        await self.shadow.refresh({**self._loaded, path: text.encode("utf-8", "surrogatepass")}, buffers=self._buffers)
        try:
            command = [*pytest_prefix(self.argv), "-q", *args, os.path.relpath(path, self.folder or ".")]
            return await self._run(command, min(timeout_s, self.timeout_s))
        finally:
            await self.shadow.refresh(self._loaded, buffers=self._buffers)

    async def run_planted(self, plants: Sequence[Plant], bounds: Bounds) -> Sequence[TestRun | None]:
        loaded = self._texts
        done: list[TestRun | None] = [None] * len(plants)
        waiting = list(range(len(plants)))
        began, longest = time.monotonic(), 0.0
        at_work: set[asyncio.Task[None] | None] = set()

        async def work(tester: Tester) -> None:
            nonlocal longest
            while waiting:
                number, since = waiting[0], time.monotonic()
                left_s = math.inf if number < bounds.sure else bounds.share_s - (since - began)
                if left_s < longest:
                    return
                del waiting[0]
                at_work.add(asyncio.current_task())
                await tester.load({**loaded, **plants[number].texts})
                limit_s = min(bounds.run_s, self.timeout_s, left_s)
                done[number] = await tester._run(tester.argv, limit_s, plants[number].asked, bounds.burn_s)
                longest = max(longest, time.monotonic() - since)

        async def work_beside() -> None:
            async with self._lease() as shadow, self._twin(shadow) as tester:
                await work(tester)

        beside = asyncio.create_task(work_beside()) if len(plants) > 1 else None
        try:
            await work(self)
            if beside is not None and beside in at_work:  # else it waits for a shadow that other runs hold
                await beside
        finally:
            if beside is not None:
                beside.cancel()
                await asyncio.gather(beside, return_exceptions=True)
        await self.load(loaded)
        return done

    def _twin(self, shadow: Shadow) -> Tester:
        return Tester(
            shadow,
            lease=self._lease,
            root=self.root,
            argv=self.argv,
            buffers=self._buffers,
            timeout_s=self.timeout_s,
            sandbox=self.sandbox,
            report_root=self._report_root,
            folder=self.folder,
            junit=os.path.relpath(self._junit, self.folder or ".") if self._junit else "",
            go_cache=self._go_cache,
        )

    async def _run(
        self, argv: Sequence[str], timeout_s: float, asked: Asked = EVERYTHING, burn_s: float | None = None
    ) -> TestRun:
        await asyncio.to_thread(self._channel.fresh, asked.settings(self.shadow.root))
        if self._junit:
            await asyncio.to_thread(self.shadow.discard, self._junit)  # of this run alone
        started, meter = time.monotonic(), Meter()
        result = await self._watched(argv, timeout_s, asked, burn_s, meter)
        if isinstance(result, str):
            took = time.monotonic() - started
            return TestRun(tuple(argv), 124, timed_out=True, hung=result, duration_s=took, sandbox=self.sandbox)
        if self._node and _NO_REPORTERS.search(result.output):
            self._node = False
            return await self._run(argv, timeout_s, asked, burn_s)
        report, expected = await asyncio.to_thread(self._read, argv, result.output)
        if self._go_cache is not None and self._texts and "read-only file system" in result.output and not report:
            self._go_cache = None  # a Go that does not build without writing
            return await self._run(argv, timeout_s, asked, burn_s)
        if runner_of(argv) == "go" and asked.reach_of and (report is None or not report.cases):
            asked = replace(asked, reach_of="")  # it may be the measuring that fails
            return await self._run(argv, timeout_s, asked, burn_s)
        return TestRun(
            command=tuple(argv),
            exit_code=result.exit_code,
            output=result.output,
            timed_out=result.timed_out,
            hung=reports.still_running(result.output) if result.timed_out else "",
            not_found=result.not_found,
            duration_s=result.duration_s,
            cpu_s=meter.seconds,
            report=report,
            expects_report=expected,
            sandbox=self.sandbox,
        )

    async def _watched(
        self, argv: Sequence[str], timeout_s: float, asked: Asked, burn_s: float | None, meter: Meter
    ) -> ProcessResult | str:
        """How the command ended; or, where it has hung, the test that was running."""
        self._cargo = CargoProgress(self._cargo_before)
        kept = () if self._go_cache is None else (str(self._go_cache),)
        own = not self._texts  # only what the person has written may leave builds for later runs
        reach_of = os.path.relpath(asked.reach_of, self.folder or ".") if asked.reach_of else ""
        running = self.shadow.run(
            with_report(argv, only=asked.only or (), stop=asked.stop, reach_of=reach_of, stall_s=self.stall_s),
            timeout_s=timeout_s,
            env=self._env(argv),
            extra_ro=(str(self._channel.library), *(() if own else kept)),
            writable=(str(self._channel.inbox), *(kept if own else ())),
            cwd=self.folder,
            own_environments=runner_of(argv) == "other",  # tox, nox, or a script that may start them
            meter=meter,
            heard=self._cargo.feed,
        )
        told = (self._channel, self._cargo)
        return await stalling.unless_hung(running, meter, told, stall_s=self.stall_s, burn_s=burn_s)

    def _read(self, argv: Sequence[str], output: str) -> tuple[reports.Report | None, bool]:
        """The report, and whether its absence means that nothing was proven."""
        found = reports.parse_sessions(*self._channel.collect())
        written = self._written_junit() if self._junit else []
        kind = runner_of(argv)
        if kind == "go":
            return reports.parse_go(output), True
        if kind == "cargo":
            return reports.parse_cargo(output), True
        if found is None and self._junit:
            return parse_junit(written), True
        if found is None and kind == "other" and (not self._texts or self._cargo_before.progress()):
            return reports.parse_cargo(output), False  # make, or a script, around cargo: by the person's own code
        return found, kind in ("pytest", "unittest")

    def _written_junit(self) -> list[bytes]:
        """The JUnit XML of this run. The files are removed: they hold what the tests printed, keys too."""
        files = [self.shadow.read(path) for path in self.shadow.matching(self._junit)[:_MOST_FILES]]
        self.shadow.discard(self._junit)
        return [data for data in files if data is not None]

    async def only_in_copy(self, run: TestRun, target: str) -> Sequence[Apart]:
        def look() -> list[Apart]:
            before = last_result(self.root, self.folder)
            return apart(run, self.root, self.folder, self.tree.paths(), target, before)

        return await asyncio.to_thread(look)

    async def file_graph(self) -> FileGraph:
        if self._graph is None:
            reading = asyncio.to_thread(self._index.graph, self.root, self.tree, self._signatures)
            self._graph = asyncio.create_task(reading)
        return await asyncio.shield(self._graph)

    async def hashes(self, paths: Collection[str]) -> Mapping[str, str]:
        assert self._snapshot is not None
        return await self._snapshot.hashes(sorted(paths))

    async def changed_since(self) -> set[str]:
        assert self._snapshot is not None
        changed = await self._snapshot.stale_paths()
        # Saving a buffer as it was when the run began changes nothing that was tested.
        return {p for p in changed if p not in self._buffers or read_file(self.root, p) != self._buffers[p]}
