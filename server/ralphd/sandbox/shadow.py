"""Warm copies of one workspace, leased for test runs: refresh to the state in question, run a command, read what it left.

Nothing is ever copied back: the workspace is only read. Inside the sandbox the copy is bound over the workspace's own
path, so that editable installs and absolute paths cannot reach the original and give a false green. `.git` is absent
(it can hold tokens); dependency trees are bound read-only in their place. Knows nothing of models, edits or editors.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from filelock import FileLock

from ralphd.errors import RalphError, SandboxError
from ralphd.sandbox import process, reading
from ralphd.sandbox.bwrap import MARK, RunPlan, launcher_argv
from ralphd.sandbox.environment import SandboxEnvironment
from ralphd.sandbox.isolation import Isolation, launch
from ralphd.sandbox.memory_scope import MemoryScope
from ralphd.sandbox.mirror import Mirror
from ralphd.sandbox.planning import TestCommand, make_plan
from ralphd.sandbox.process import ProcessResult
from ralphd.sandbox.programs import program_at
from ralphd.sandbox.selection import Listing, Stopped
from ralphd.sandbox.slots import Slots, reclaim
from ralphd.sandbox.snapshot import InThread, Snapshot, Stop
from ralphd.sandbox.watchdog import Meter, too_much_memory, watching
from ralphd.sandbox.workspace import SandboxSettings, Workspace

T = TypeVar("T")
_READ_LIMIT = 64 << 20
TURN_S = 0.002
LONGEST_REST_S = 0.05
"""Of making a copy in the background."""


class Shadow:
    """One leased slot. Its methods are for one task at a time."""

    def __init__(self, workspace: Workspace, mirror: Mirror, in_thread: InThread, *, allow_unisolated: bool) -> None:
        self._workspace = workspace
        self._mirror = mirror
        self._in_thread = in_thread
        self._allow_unisolated = allow_unisolated
        self._listing: Listing | None = None
        self._snapshot: Snapshot | None = None

    @property
    def root(self) -> str:
        """Where a run in it sees the workspace."""
        return self._workspace.root if self._workspace.isolated else self._mirror.tree

    async def refresh(
        self, overlay: Mapping[str, bytes | None], *, buffers: Mapping[str, bytes | None] | None = None
    ) -> Snapshot:
        """Bring the slot to exactly the workspace's state on disk, under `buffers`, under `overlay` (None: deleted).

        `overlay` is what is to be tried: SandboxError where a path of it cannot be placed. `buffers` are the editor's
        open documents: those in a folder that no test run sees (`.git`, `.venv`, `node_modules`, through a link out of
        the workspace) are left out. Whatever an earlier run left is undone; only what differs is copied.
        """
        self.retire()
        tried, opened = dict(overlay), dict(buffers or {})
        listing, resolved = await self._in_thread(
            lambda stop: self._workspace.bring_up(self._mirror, tried, opened, stop)
        )
        self._listing = listing
        self._snapshot = Snapshot(self._workspace, self._mirror, listing, resolved, self._in_thread)
        return self._snapshot

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        env: Mapping[str, str] | None = None,
        extra_ro: Sequence[str] = (),
        writable: Sequence[str] = (),
        cwd: str = "",
        own_environments: bool = False,
        meter: Meter | None = None,
        heard: Callable[[bytes], None] | None = None,
    ) -> ProcessResult:
        """Run `argv` in the slot. Nothing of it lives when this returns or is cancelled.

        `extra_ro` and `writable` are host folders shown at their own paths; `cwd` is relative to the workspace;
        `own_environments`: the run may write to copies of `.tox` and `.nox`; `meter` shows
        its processor time while it lives; `heard` is handed its output, piece by piece.
        """
        listing, isolation = self._listing, self._workspace.isolation
        if listing is None:
            raise SandboxError("The test copy has not been brought up to date before the run.")
        if not argv:
            raise SandboxError("The test command is empty.", "Set testing.command to a program and its arguments.")
        if isolation.kind == "none" and not self._allow_unisolated:
            raise isolation.refusal()
        command = TestCommand(tuple(argv), dict(env or {}), tuple(extra_ro), tuple(writable), cwd, own_environments)
        self._mirror.touched()
        plan = await self._in_thread(lambda stop: make_plan(self._workspace, self._mirror, listing, command))
        if isolation.scope is not None:
            # Where the service manager no longer answers nothing has begun: the watchdog then limits the run alone.
            with contextlib.suppress(SandboxError):
                return await self._run(plan, isolation.scope, timeout_s, meter, heard)
        return await self._run(plan, None, timeout_s, meter, heard)

    async def _run(
        self,
        plan: RunPlan,
        scope: MemoryScope | None,
        timeout_s: float,
        meter: Meter | None,
        heard: Callable[[bytes], None] | None,
    ) -> ProcessResult:
        """Run the plan, in a scope where there is one. SandboxError when nothing of its command has begun."""
        nonce = f"ralph-{secrets.token_hex(8)}"
        before = scope.kills() if scope is not None else 0

        def kills(first: int | None) -> str | None:
            """Why the run must end when the kernel has ended a process of it: the others would go on."""
            return too_much_memory(plan.limits) if scope is not None and scope.killed_in(nonce) else look(first)

        def killed() -> str | None:
            return too_much_memory(plan.limits) if scope is not None and scope.kills() > before else None

        look = watching(self._mirror.folder, plan.limits, plan.in_memory, meter)
        return await process.run(
            _launch(plan, self._workspace.isolation, scope, nonce),
            timeout_s=timeout_s,
            output_bytes=self._workspace.settings.output_mb << 20,
            look=kills,
            killed=killed,
            heard=heard,
        )

    def programs(self, names: Sequence[str], cwd: str) -> list[str]:
        """Those of `names` that a run in the workspace's folder `cwd` finds on its PATH."""
        root, environment = self._workspace.root, self._workspace.environment
        return [name for name in names if program_at(root, cwd, name, environment)]

    def read(self, rel: str) -> bytes | None:
        """A regular file of the slot as it is now (at most 64 MB), or None. Links are not followed."""
        return self._mirror.read(rel, _READ_LIMIT)

    def matching(self, pattern: str) -> list[str]:
        """Paths of the slot as it is now: those in the pattern's folder whose name fits its last part (`out/*.xml`)."""
        return reading.matching(self._mirror.tree, pattern)

    def discard(self, pattern: str) -> None:
        """Take the `matching` files away; a refresh brings back those that the workspace has."""
        reading.discard(self._mirror.tree, pattern)

    def retire(self) -> None:
        """Its last snapshot no longer speaks for the slot."""
        if self._snapshot is not None:
            self._snapshot.retire()
        self._listing = self._snapshot = None


def _launch(plan: RunPlan, isolation: Isolation, scope: MemoryScope | None, nonce: str) -> process.Launch:
    if isolation.kind == "bwrap":
        return launch(plan, nonce, prlimit=isolation.prlimit, program=isolation.program, scope=scope)
    prlimit = isolation.prlimit or None
    return process.Launch(
        build=lambda _: launcher_argv(plan.argv, plan.limits, nonce, prlimit=prlimit),
        nonce=nonce,
        isolated=False,
        env={**plan.env, MARK: nonce},
        cwd=plan.cwd,
        tag=f"{MARK}={nonce}",
    )


class ShadowPool:
    """The slots of one workspace root, under `cache_dir`/shadow/<digest>/<slot>. One per server and root."""

    def __init__(
        self,
        root: str,
        cache_dir: str,
        sandbox: SandboxSettings,
        isolation: Isolation,
        *,
        environment: SandboxEnvironment,
        allow_unisolated: bool = False,
        slots: int = 4,
        max_files: int = 200_000,
        max_bytes: int = 2 << 30,
        include: Sequence[str] = (),
        secret: Callable[[str], bool] = lambda path: False,
        git: bool = False,
    ) -> None:
        """`include`, `secret` and `git` as for `Workspace`."""
        self._workspace = Workspace(
            root,
            cache_dir,
            sandbox,
            isolation,
            environment=environment,
            max_files=max_files,
            max_bytes=max_bytes,
            include=include,
            secret=secret,
            git=git,
        )
        self._allow_unisolated = allow_unisolated
        self._slots = Slots(self._workspace.cache, self._workspace.root)
        self._gate = asyncio.Semaphore(slots)
        self._threads = ThreadPoolExecutor(slots + 1, "ralphd-shadow")
        self._warming: tuple[asyncio.Future[None], threading.Event] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._leases = 0
        """How many have a slot, or wait for one."""

    @property
    def idle(self) -> bool:
        return not (self._leases or self._warming or self._closing)

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Shadow]:
        """An exclusive slot. A second lease at the same time gets another one; beyond the cap it waits."""
        self._leases += 1
        try:
            async with self._leased() as shadow:
                yield shadow
        finally:
            self._leases -= 1

    @asynccontextmanager
    async def _leased(self) -> AsyncIterator[Shadow]:
        await self._stop_warming()
        async with self._gate:
            while self._closing:
                await asyncio.wait(self._closing)
            mirror, lock = await self._acquire()
            shadow = Shadow(self._workspace, mirror, self._in_thread, allow_unisolated=self._allow_unisolated)
            try:
                yield shadow
            finally:
                shadow.retire()
                # Remembering the slot takes tens of milliseconds; a cancelled run need not wait for it.
                task = asyncio.ensure_future(self._give_back(mirror, lock))
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)

    async def warm(self) -> None:
        """Make or freshen the first slot, resting half of the time, and remove copies that no one used for two weeks.

        A lease in the meantime stops it and goes on from where it was.
        """
        if self._warming is not None or self._closing:
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        stop = threading.Event()

        def work() -> None:
            error: Exception | None = None
            try:
                self._warm(_resting(stop.is_set))
            except (RalphError, OSError) as raised:
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop may be closed already
                loop.call_soon_threadsafe(_settle, done, error)

        self._warming = (done, stop)
        threading.Thread(target=work, name="ralphd-warm", daemon=True).start()
        try:
            await asyncio.shield(done)
        except asyncio.CancelledError:
            await self._stop_warming()
            raise
        finally:
            self._warming = None

    async def close(self) -> None:
        """Stop what runs in the background. The copies stay, for the next start."""
        await self._stop_warming()
        while self._closing:
            await asyncio.wait(self._closing)
        self._threads.shutdown(wait=False)

    async def _in_thread(self, work: Callable[[Stop], T], /) -> T:
        """`work` in a worker thread. Cancelling stops it at its next file and waits for that: the slot is still ours."""
        stop = threading.Event()
        future = asyncio.get_running_loop().run_in_executor(self._threads, work, stop.is_set)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([future])
            if not future.cancelled():
                future.exception()
            raise

    async def _acquire(self) -> tuple[Mirror, FileLock]:
        taken = asyncio.get_running_loop().run_in_executor(self._threads, self._slots.acquire)
        try:
            held = await asyncio.shield(taken)
        except asyncio.CancelledError:
            # Whoever cancelled us must not leave the slot locked for the life of the server.
            taken.add_done_callback(_let_go)
            raise
        if held is None:
            raise SandboxError("No test copy of this workspace is free.")
        return held

    async def _give_back(self, mirror: Mirror, lock: FileLock) -> None:
        try:
            await self._in_thread(lambda stop: mirror.save())
        finally:
            lock.release()

    async def _stop_warming(self) -> None:
        if self._warming is not None:
            done, stop = self._warming
            stop.set()
            await asyncio.wait([done])

    def _warm(self, stop: Stop) -> None:
        reclaim(self._workspace.cache)
        held = self._slots.acquire(only=0)
        if held is None:
            return
        mirror, lock = held
        try:
            self._workspace.bring_up(mirror, {}, {}, stop)
        except Stopped:
            pass
        finally:
            mirror.save()
            lock.release()


def _let_go(taken: asyncio.Future[tuple[Mirror, FileLock] | None]) -> None:
    if not taken.cancelled() and taken.exception() is None:
        held = taken.result()
        if held is not None:
            held[1].release()


def _resting(stop: Stop) -> Stop:
    """`stop`, which is asked at each file and now and then takes as long a rest as there was work before it.

    The thread's priority stays as it is: one of low priority that is put aside while it holds Python's lock makes the event
    loop wait for the lock until no other process wants the processor.
    """
    began = time.monotonic()

    def asked() -> bool:
        nonlocal began
        worked = time.monotonic() - began
        if worked > TURN_S:
            time.sleep(min(worked, LONGEST_REST_S))
            began = time.monotonic()
        return stop()

    return asked


def _settle(future: asyncio.Future[None], error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
