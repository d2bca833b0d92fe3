"""The one place that builds what judges a candidate: shadow copy, tester and the gate for hostile tests, from settings.

The product and its tests both come through here, so what a test saw hold is what holds in the product.
"""

from __future__ import annotations

import asyncio
import hashlib
import posixpath
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from ralphd.attack.adapters import Gate, adapter_for
from ralphd.context.project_index import FILE, ProjectIndex
from ralphd.context.tree import MemoryTree, is_secret
from ralphd.core.run import RunRequest, offers_opinions
from ralphd.judging.index_builder import build
from ralphd.judging.untested import UntestedBench
from ralphd.judging.workbench import Tester, Workbench
from ralphd.opinions.polling import Poll, SandboxPoll
from ralphd.sandbox.environment import sandbox_environment
from ralphd.sandbox.isolation import Isolation, detect
from ralphd.sandbox.shadow import ShadowPool
from ralphd.settings.schema import Settings
from ralphd.state import Folders, make_passing

POOLS_KEPT = 8


class Benches:
    """Keeps one pool of shadow copies for each workspace root and sandbox setting, and opens a run's bench on it."""

    def __init__(self, folders: Folders, environ: Mapping[str, str]) -> None:
        self._folders, self.environ = folders, environ
        self._index = ProjectIndex(folders.cache / FILE)
        self._pools: dict[tuple[str, str], ShadowPool] = {}
        """In the order in which they were asked for last."""
        self._retiring: set[asyncio.Task[None]] = set()
        self._isolation: dict[str, Isolation] = {}
        self._building: dict[str, asyncio.Task[int]] = {}
        """By root the process that brings its index up to date."""

    @property
    def known_isolation(self) -> Isolation | None:
        """What was found so far; None before the first run."""
        return next(iter(self._isolation.values()), None)

    async def isolation(self, settings: Settings) -> Isolation:
        """What isolates test runs here; looked for until it is found, since the person may install it meanwhile."""
        mode = settings.sandbox.mode
        found = self._isolation.get(mode)
        if found is None or (found.kind == "none" and mode != "none"):
            found = self._isolation[mode] = await detect(mode)
        return found

    @asynccontextmanager
    async def open(self, request: RunRequest, settings: Settings, argv: Sequence[str]) -> AsyncIterator[Workbench]:
        """The bench of one run, on a shadow copy of the workspace with the person's unsaved buffers over it."""
        if request.untitled:
            yield UntestedBench(request.root, MemoryTree({request.path: request.text}))
            return
        pool = await self._pool(request.root, request.folder, settings)
        async with pool.lease() as shadow:
            tester = Tester(
                shadow,
                lease=pool.lease,
                root=request.root,
                argv=argv,
                fast_argv=settings.testing.fast_command or (),
                buffers=request.buffers,
                timeout_s=settings.testing.timeout_s,
                sandbox=(await self.isolation(settings)).kind,
                report_root=self._reports(),
                folder=request.folder,
                go_cache=self._folders.cache / "go-builds" / hashlib.sha256(request.root.encode()).hexdigest()[:16],
                junit=settings.testing.junit or "",
                index=self._index,
            )
            async with tester:
                yield tester

    async def gate(self, request: RunRequest, settings: Settings, argv: Sequence[str]) -> Gate | None:
        """What admits hostile tests for the request's file; None where its language has no chaos tests."""
        adapter = adapter_for(request.path)
        if adapter is None or request.untitled or not (argv or request.command == "chaosTests"):
            return None
        pool = await self._pool(request.root, request.folder, settings)
        return Gate(adapter, pool, argv, request, settings.chaos, self._reports())

    async def poll(
        self, request: RunRequest, settings: Settings, argv: Sequence[str], paths: Sequence[str]
    ) -> Poll | None:
        """What calls versions of functions of the request's file; None where second opinions are not to be had."""
        if not offers_opinions(request.path) or request.untitled:
            return None
        # Without a test command the person has not yet agreed that the project's code runs outside of isolation.
        if not argv and request.command != "opinions" and (await self.isolation(settings)).kind == "none":
            return None
        pool = await self._pool(request.root, request.folder, settings)
        return SandboxPoll(
            pool,
            argv,
            request.path,
            paths,
            self._reports(),
            settings.testing.timeout_s,
            request.folder,
            dict(request.buffers),
        )

    async def warm(self, root: str, settings: Settings) -> None:
        """Make the workspace's first shadow copy and its index before they are asked for. Raises `RalphError`."""
        if root not in self._building:
            environment = sandbox_environment(self.environ)
            cache = make_passing(self._folders.cache)
            self._building[root] = asyncio.create_task(build(cache / FILE, root, cache, environment))
        await (await self._pool(root, "", settings)).warm()

    async def close(self) -> list[BaseException]:
        """End every pool; what went wrong is returned, for the log."""
        pools, self._pools = list(self._pools.values()), {}
        await asyncio.gather(*self._retiring, return_exceptions=True)
        for task in self._building.values():
            task.cancel()
        await asyncio.gather(*self._building.values(), return_exceptions=True)
        done = await asyncio.gather(*(pool.close() for pool in pools), return_exceptions=True)
        return [error for error in done if isinstance(error, Exception)]

    async def _pool(self, root: str, folder: str, settings: Settings) -> ShadowPool:
        """`folder`: where the tests run, which is what the paths of `testing.include` are relative to."""
        isolation = await self.isolation(settings)
        testing = settings.testing
        include = tuple(posixpath.join(folder, path) for path in testing.include)
        # What is made where no isolation was there yet is of no use once there is one.
        key = (root, f"{isolation} {settings.sandbox.model_dump_json()} {testing.env} {include} {testing.git}")
        pool = self._pools.pop(key, None)
        if pool is None:
            mode = settings.sandbox.mode
            pool = ShadowPool(
                root,
                str(make_passing(self._folders.cache)),
                settings.sandbox,
                isolation,
                allow_unisolated=mode == "none" or (isolation.kind == "none" and sys.platform != "linux"),
                environment=sandbox_environment(self.environ, settings.testing.env),
                include=include,
                secret=is_secret,
                git=testing.git,
            )
        self._pools[key] = pool
        self._retire()
        return pool

    def _retire(self) -> None:
        """Let go of the pools that nobody uses beyond the latest: each change of a setting makes a new one."""
        *older, _ = self._pools
        idle = [key for key in older if self._pools[key].idle]
        for key in idle[: max(0, len(self._pools) - POOLS_KEPT)]:
            task = asyncio.create_task(self._pools.pop(key).close())
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)

    def _reports(self) -> Path:
        return make_passing(self._folders.cache / "reports")
