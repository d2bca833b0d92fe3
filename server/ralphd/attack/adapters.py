"""What hostile tests need of a language: one protocol, one adapter for each language. Knows no model.

A second language joins by implementing `Adapter` and standing in `adapter_for`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ralphd.attack import sessions, test_modules
from ralphd.attack.admission import Admission
from ralphd.attack.gate import Subject, admit
from ralphd.attack.ghostwriter import ghost_module, ghostwrite
from ralphd.attack.mutants import mutants
from ralphd.attack.sessions import GateSetup, Pool, Tools
from ralphd.context.python_modules import import_path, new_test_path
from ralphd.context.target import definitions, find_target
from ralphd.core.run import RunRequest, offers_chaos
from ralphd.core.text import Span, Text
from ralphd.judging.commands import pytest_prefix
from ralphd.settings.schema import ChaosSettings

SOURCE_PATH = "test_ralph_chaos.py"
"""Where the gate puts a module in the shadow copy, in the folder in which the tests run."""


@dataclass(frozen=True)
class Job:
    """One target under attack, on one state of the project."""

    pool: Pool
    command: Sequence[str]
    """The project's test command: it names the environment to test in."""
    path: str
    source: str
    span: Span
    test_path: str
    """Where the generated module stands while it is judged, and where it will be proposed."""
    settings: ChaosSettings
    report_root: Path
    buffers: Mapping[str, bytes | None] = field(default_factory=dict)
    """Open documents whose text differs from the disk."""
    parallel: int = 2
    folder: str = ""
    """Where in the workspace pytest is started."""

    def setting(self) -> GateSetup:
        lines = Text(self.source)
        first = lines.line_of(self.span[0]) + 1
        last = lines.line_of(max(self.span[0], self.span[1] - 1)) + 1
        prefix = pytest_prefix(self.command)
        most = self.settings.max_examples
        return GateSetup(prefix, self.path, (first, last), self.test_path, most, self.report_root, folder=self.folder)


class Adapter(Protocol):
    @property
    def tool(self) -> str:
        """What people call it: `Hypothesis`."""

    def import_path(self, path: str, paths: Collection[str]) -> str:
        """How a test imports the file at `path` of a project that has `paths`."""

    def test_path(self, path: str, paths: Collection[str], taken: Collection[str] = ()) -> str:
        """Where a new file of hostile tests for `path` belongs in this project; never a file that is there."""

    async def probe(self, job: Job) -> Tools:
        """What there is to test with. `Misconfigured`, with the line that installs it, where something is missing."""

    def ghost(self, source: str, span: Span, import_path: str) -> str:
        """A module of properties that need no model; empty where there are none."""

    def join(self, modules: Sequence[str]) -> str:
        """One test module of several that parse."""

    def pinned(self, module: str, tests: Collection[str]) -> str:
        """`module` with these tests only."""

    async def admit(self, job: Job, module: str) -> Admission:
        """Judge each test of `module`."""


class PythonAdapter:
    """pytest and Hypothesis, in the project's own environment."""

    tool = "Hypothesis"

    def import_path(self, path: str, paths: Collection[str]) -> str:
        return import_path(path, paths)

    def test_path(self, path: str, paths: Collection[str], taken: Collection[str] = ()) -> str:
        return new_test_path(path, "chaos", paths, taken)

    async def probe(self, job: Job) -> Tools:
        return await sessions.probe(job.pool, job.setting())

    def ghost(self, source: str, span: Span, import_path: str) -> str:
        return ghost_module(ghostwrite(source, span, import_path))

    def join(self, modules: Sequence[str]) -> str:
        return test_modules.join(modules)

    def pinned(self, module: str, tests: Collection[str]) -> str:
        return test_modules.keep(test_modules.parse(module), dict.fromkeys(tests, ()))

    async def admit(self, job: Job, module: str) -> Admission:
        faults = mutants(job.source, job.span, job.settings.mutants)
        return await admit(
            job.pool,
            job.setting(),
            Subject(job.source, faults, job.buffers),
            module,
            repeat=job.settings.repeat,
            timeout_s=job.settings.timeout_s,
            parallel=job.parallel,
        )


def adapter_for(path: str) -> Adapter | None:
    """The adapter of the file's language; None where hostile tests are not offered."""
    return PythonAdapter() if offers_chaos(path) else None


class Gate:
    """Judges modules of hostile tests against the target of one run, in shadow copies of its workspace."""

    def __init__(
        self,
        adapter: Adapter,
        pool: Pool,
        argv: Sequence[str],
        request: RunRequest,
        settings: ChaosSettings,
        reports: Path,
    ) -> None:
        self.adapter, self._pool, self._argv, self._request = adapter, pool, argv, request
        self._settings, self._reports = settings, reports

    def _job(self, source: str) -> Job:
        request = self._request
        return Job(
            self._pool,
            self._argv,
            request.path,
            source,
            _span(request, source),
            posixpath.join(request.folder, SOURCE_PATH),
            self._settings,
            self._reports,
            dict(request.buffers),
            folder=request.folder,
        )

    async def probe(self) -> None:
        """`Misconfigured`, with the line that installs it, where Hypothesis is not in the person's environment."""
        await self.adapter.probe(self._job(self._request.text))

    async def admit(self, source: str, module: str) -> Admission:
        return await self.adapter.admit(self._job(source), module)


def _span(request: RunRequest, source: str) -> tuple[int, int]:
    target = find_target(request.path, request.text, request.span)
    for definition in definitions(request.path, source):
        if target.name and definition.name == target.name:
            return definition.span
    return (0, len(source)) if target.kind == "file" or source != request.text else target.span
