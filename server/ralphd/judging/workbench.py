"""Runs the person's test command on the shadow copy and brings back what the runner itself reported."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from ralphd.context.tree import ImportGraph, Tree, decode
from ralphd.core.encodings import encoded_like
from ralphd.judging import reports
from ralphd.judging.commands import pytest_prefix, runner_of, with_report
from ralphd.judging.verdict import TestRun, Verdict, judge
from ralphd.sandbox.mirror import read_beneath
from ralphd.sandbox.shadow import Shadow
from ralphd.sandbox.snapshot import Snapshot


class Workbench(Protocol):
    """Where candidates are tried: the shadow copy and the test command, or a recording of both."""

    tree: Tree
    root: str
    argv: tuple[str, ...]

    async def load(self, candidate: Mapping[str, str | None]) -> None:
        """Make the shadow hold the snapshot plus `candidate` (None: the file is gone); nothing of earlier runs is left."""

    async def run(self, only: Sequence[str] = (), fast: bool = False) -> TestRun:
        """Run the test command on what is loaded. `only`: pytest node ids to run alone."""

    async def run_file(self, path: str, text: str, args: Sequence[str] = (), timeout_s: float = 60) -> TestRun:
        """Put a test module at `path` beside what is loaded, run pytest on it alone, and take it away again."""

    async def import_graph(self) -> ImportGraph:
        """Which Python files of the snapshot import which; made once."""

    async def hashes(self, paths: Collection[str]) -> Mapping[str, str]: ...

    async def changed_since(self) -> set[str]:
        """Workspace files that changed on disk since the snapshot."""


class SnapshotTree:
    """The workspace as the person sees it: unsaved buffers over the disk. Not the shadow, which a test run may be changing."""

    def __init__(self, root: str, paths: Sequence[str], buffers: Mapping[str, bytes]) -> None:
        self._root, self._paths, self._buffers = root, list(paths), buffers
        self._texts: dict[str, str | None] = {}

    def paths(self) -> list[str]:
        return self._paths

    def text(self, path: str) -> str | None:
        if path not in self._texts:
            self._texts[path] = decode(self._buffers[path] if path in self._buffers else read_file(self._root, path))
        return self._texts[path]

    def scan(self, path: str) -> str | None:
        return self.text(path)


class Tester:
    """A `Workbench` on one leased shadow. `async with`: its report folder is private and goes away."""

    tree: Tree

    def __init__(
        self,
        shadow: Shadow,
        *,
        root: str,
        argv: Sequence[str],
        fast_argv: Sequence[str] = (),
        buffers: Mapping[str, bytes],
        timeout_s: float,
        sandbox: str,
        report_root: Path,
    ) -> None:
        self.shadow, self.root, self.argv, self.fast_argv = shadow, root, tuple(argv), tuple(fast_argv)
        self.timeout_s, self.sandbox = timeout_s, sandbox
        self._buffers = dict(buffers)
        self._loaded: dict[str, bytes | None] = {}
        self._report_root = report_root
        self._node_reporter = runner_of(argv) == "node"
        self._plugins = str(resources.files("ralphd.judging").joinpath("pytest_plugins"))
        self._snapshot: Snapshot | None = None
        self._graph: asyncio.Task[ImportGraph] | None = None

    async def __aenter__(self) -> Self:
        self._report_root.mkdir(parents=True, exist_ok=True)
        self._reports = Path(tempfile.mkdtemp(prefix="report-", dir=self._report_root))
        self._snapshot = await self.shadow.refresh({}, buffers=self._buffers)
        self.tree = SnapshotTree(self.root, self._snapshot.paths(), self._buffers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._reports, ignore_errors=True)

    async def load(self, candidate: Mapping[str, str | None]) -> None:
        self._loaded = await asyncio.to_thread(self._bytes_of, dict(candidate))
        self._snapshot = await self.shadow.refresh(self._loaded, buffers=self._buffers)

    def _bytes_of(self, candidate: Mapping[str, str | None]) -> dict[str, bytes | None]:
        """New texts as saving them would write them: in the encoding of the file that they replace."""
        found: dict[str, bytes | None] = {}
        for path, text in candidate.items():
            before = self._buffers[path] if path in self._buffers else read_file(self.root, path)
            found[path] = None if text is None else encoded_like(text, before)
        return found

    def _env(self, only: Sequence[str]) -> dict[str, str]:
        env = {
            "PYTEST_ADDOPTS": "-p ralphd_report",
            "PYTHONPATH": self._plugins,
            "RALPHD_REPORT_DIR": str(self._reports),
        }
        if only:
            env["RALPHD_ONLY"] = json.dumps(sorted(only))
        if self._node_reporter:
            env["NODE_OPTIONS"] = f"--test-reporter=junit --test-reporter-destination={self._reports}/node.xml"
        return env

    async def run(self, only: Sequence[str] = (), fast: bool = False) -> TestRun:
        return await self._run(self.fast_argv if fast else self.argv, self.timeout_s, only)

    async def run_file(self, path: str, text: str, args: Sequence[str] = (), timeout_s: float = 60) -> TestRun:
        await self.shadow.refresh({**self._loaded, path: text.encode("utf-8", "surrogatepass")}, buffers=self._buffers)
        try:
            return await self._run([*pytest_prefix(self.argv), "-q", *args, path], min(timeout_s, self.timeout_s), ())
        finally:
            await self.shadow.refresh(self._loaded, buffers=self._buffers)

    async def _run(self, argv: Sequence[str], timeout_s: float, only: Sequence[str]) -> TestRun:
        for old in self._reports.iterdir():
            old.unlink()
        result = await self.shadow.run(
            with_report(argv),
            timeout_s=timeout_s,
            env=self._env(only),
            extra_ro=(self._plugins,),
            writable=(str(self._reports),),
        )
        if self._node_reporter and "NODE_OPTIONS" in result.output and "not allowed" in result.output:
            self._node_reporter = False  # a Node that is too old for the reporter: its exit code must do
            return await self._run(argv, timeout_s, only)
        report, expected = await asyncio.to_thread(self._read, argv, result.output)
        return TestRun(
            command=tuple(argv),
            exit_code=result.exit_code,
            output=result.output,
            timed_out=result.timed_out,
            not_found=result.not_found,
            duration_s=result.duration_s,
            report=report,
            expects_report=expected,
            sandbox=self.sandbox,
        )

    def _read(self, argv: Sequence[str], output: str) -> tuple[reports.Report | None, bool]:
        """The report, and whether its absence means that nothing was proven."""
        texts = {p.name: p.read_text("utf-8", "replace") for p in sorted(self._reports.iterdir()) if p.is_file()}
        found = reports.parse_pytest(t for n, t in texts.items() if n.endswith(".json"))
        if found is None and self._node_reporter:
            found = reports.parse_junit(t for n, t in texts.items() if n.endswith(".xml"))
        kind = runner_of(argv)
        if kind == "go":
            return reports.parse_go(output), True
        if kind == "cargo":
            return reports.parse_cargo(output), True
        return found, kind == "pytest" or any(n.startswith("report-") for n in texts)

    async def import_graph(self) -> ImportGraph:
        if self._graph is None:
            self._graph = asyncio.create_task(asyncio.to_thread(ImportGraph, self.tree))
        return await asyncio.shield(self._graph)

    async def hashes(self, paths: Collection[str]) -> Mapping[str, str]:
        assert self._snapshot is not None
        return await self._snapshot.hashes(sorted(paths))

    async def changed_since(self) -> set[str]:
        assert self._snapshot is not None
        changed = await self._snapshot.stale_paths()
        # Saving a buffer as it was when the run began changes nothing that was tested.
        return {p for p in changed if p not in self._buffers or read_file(self.root, p) != self._buffers[p]}


def through_link(root: str, path: str) -> bool:
    """Whether a part of `path` is a symbolic link: what is written there lands elsewhere."""
    parts = path.split("/")
    return any(os.path.islink(os.path.join(root, *parts[: n + 1])) for n in range(len(parts)))


def read_file(root: str, path: str, limit: int = 2_000_000) -> bytes | None:
    """A regular file of the workspace, following no link; None where there is none or it is over `limit` bytes."""
    try:
        data = read_beneath(root, path, limit + 1)
    except OSError:
        return None
    return None if data is None or len(data) > limit else data


def frames_in(run: TestRun, nodeid: str, root: str) -> set[str]:
    """Workspace paths that a failure's traceback passes through."""
    case = run.cases.get(nodeid)
    found = set()
    for path, _ in case.frames if case else ():
        relative = os.path.relpath(path, root) if os.path.isabs(path) else path
        if not relative.startswith(".."):
            found.add(relative.replace(os.sep, "/"))
    return found


def reaching(baseline: TestRun, target: str, graph: ImportGraph | None, root: str) -> set[str]:
    """Ids that are red in `baseline` and reach `target`: by import, or because the traceback passes through it.

    Where no import graph can be had (other languages), every red test counts: the person asked for this target.
    """
    bad = [case.nodeid for case in baseline.bad]
    if graph is None:
        return set(bad)
    files = graph.reaches(target)
    return {n for n in bad if n.split("::")[0] in files or target in frames_in(baseline, n, root)}


async def judge_with_rerun(
    tester: Workbench, run: TestRun, baseline: TestRun | None, reach: Collection[str]
) -> tuple[Verdict, set[str]]:
    """The verdict; a test that passed before and fails now is run once more alone before it is blamed."""
    verdict = judge(run, baseline, reach)
    if not verdict.suspects or len(verdict.suspects) != len(verdict.failing) or not run.cases:
        return verdict, set()
    if not any("::" in name for name in verdict.suspects):
        return verdict, set()
    again = await tester.run(only=verdict.suspects)
    flaky = {name for name in verdict.suspects if (case := again.cases.get(name)) and case.outcome == "passed"}
    return judge(run, baseline, reach, flaky), flaky


def suggest_command(tree: Tree) -> tuple[str, ...] | None:
    """The command a project plainly uses (pytest, npm test, cargo test, go test): offered, never run unasked."""
    names = set(tree.paths())
    config = "".join(tree.text(p) or "" for p in ("pyproject.toml", "setup.cfg", "tox.ini", "pytest.ini") if p in names)
    python_tests = any(p.rsplit("/", 1)[-1].startswith("test_") and p.endswith(".py") for p in names)
    if "pytest.ini" in names or "[tool.pytest" in config or "[tool:pytest]" in config or python_tests:
        return ("python", "-m", "pytest", "-q")
    if "package.json" in names and '"test"' in (tree.text("package.json") or ""):
        return ("npm", "test")
    if "Cargo.toml" in names:
        return ("cargo", "test")
    if "go.mod" in names:
        return ("go", "test", "./...")
    return None
