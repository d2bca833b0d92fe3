"""Starts, watches and ends one process tree; the only user of subprocess for tests. Knows nothing of workspaces.

Output is read and dropped beyond a cap, so a flood costs time and no memory. A run is over when its main process is,
whoever still holds its stdout.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ralphd.core import foreign_json
from ralphd.errors import SandboxError
from ralphd.sandbox import seccomp
from ralphd.sandbox.bwrap import Descriptors
from ralphd.sandbox.output import Output, clean
from ralphd.sandbox.strays import group_lives, kill_plain
from ralphd.sandbox.watchdog import Look, Watchdog

if sys.platform != "win32":
    import fcntl

_CHUNK = 1 << 18
_FLOOD_BYTES = 256 << 20
"""More output than this is no test report: the run is ended."""
_FLOOD_CHECK_S = 0.5
_GONE_S = 5.0
_KILLED = 128 + 9
"""The exit code of what SIGKILL ended."""


@dataclass(frozen=True)
class ProcessResult:
    """How a process ended. `output` is stdout and stderr as they came, clean of control sequences, cut in the middle."""

    exit_code: int
    output: str
    truncated: bool
    timed_out: bool
    duration_s: float
    not_found: bool


@dataclass(frozen=True)
class Launch:
    """What to start. `build` makes the argv from the descriptors that an isolated run is handed."""

    build: Callable[[Descriptors], Sequence[str]]
    nonce: str
    isolated: bool
    env: Mapping[str, str]
    cwd: str = "/"
    seccomp: bytes = b""
    """The filter for an isolated run; empty: none."""
    tag: str = ""
    """Without isolation: an environment entry `NAME=value` by which stray processes of this run are known."""


async def run(
    launch: Launch,
    *,
    timeout_s: float,
    output_bytes: int,
    look: Look | None = None,
    killed: Callable[[], str | None] = lambda: None,
    heard: Callable[[bytes], None] | None = None,
) -> ProcessResult:
    """Run to the end, the time limit, or a reason that `look` gives. Nothing of it lives afterwards.

    `killed` is asked, once it has ended, why a command was killed that nobody here killed. `heard` is handed each piece
    of the output as it comes. Cancelling kills the whole tree before it is passed on.
    """
    started = time.monotonic()
    tree = _Tree(launch, Output(output_bytes, heard))
    watchdog = Watchdog(lambda: look(tree.first), tree.kill) if look is not None else None
    reason: str | None = None
    timed_out = False
    try:
        while not tree.ended.is_set():
            left = timeout_s - (time.monotonic() - started)
            if left <= 0:
                timed_out, reason = True, f"stopped after {timeout_s:g} s"
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(tree.ended.wait(), min(left, _FLOOD_CHECK_S))
            if tree.output.total > _FLOOD_BYTES:
                reason = f"stopped: more than {_FLOOD_BYTES >> 20} MB of output"
                break
    finally:
        tree.kill()
        if watchdog is not None:
            watchdog.close()
        # Shielded: a second cancellation must not leave the tree half ended.
        await asyncio.shield(asyncio.ensure_future(tree.close()))
    reason = reason or (watchdog.reason if watchdog is not None else None)
    duration = time.monotonic() - started
    head, dropped, tail = tree.output.parts()
    if reason is None and tree.exit_code() in (None, _KILLED):
        reason = await asyncio.to_thread(killed)
    return await asyncio.to_thread(_result, launch, tree.exit_code(), head, dropped, tail, reason, timed_out, duration)


def _result(
    launch: Launch,
    exit_code: int | None,
    head: bytes,
    dropped: int,
    tail: bytes,
    reason: str | None,
    timed_out: bool,
    duration: float,
) -> ProcessResult:
    nonce = launch.nonce.encode()
    started, _, body = head.partition(nonce + b"\n")
    if not head.startswith(nonce + b"\n"):
        if reason is None:
            said = clean(head).strip()[-400:] or f"exit code {exit_code}"
            raise SandboxError(f"The sandbox could not be started: {said}", "`ralphd doctor` shows what is missing.")
        body = started
    code = exit_code if exit_code is not None else _KILLED
    text = clean(body)
    if dropped:
        text = f"{text}\n[... {dropped} bytes left out ...]\n{clean(tail)}"
    elif tail:
        text = clean(body + tail)
    complaint = launch.nonce + ": "
    not_found = code == 127 and complaint in text[-4096:]
    if complaint in text[-4096:]:
        text = re.sub(re.escape(complaint) + r"(?:line )?(?:\d+: )?(?:exec: )?(?:line \d+: )?", "", text)
    if reason:
        text = f"{text.rstrip()}\n[{reason}]\n".lstrip("\n")
    return ProcessResult(code, text, dropped > 0, timed_out, duration, not_found)


class _Tree:
    """One running tree: its output, its status, its end."""

    def __init__(self, launch: Launch, output: Output) -> None:
        self._launch = launch
        self._loop = asyncio.get_running_loop()
        self.output = output
        self.ended = asyncio.Event()
        self._status = b""
        self._init_pid: int | None = None
        self._init: int | None = None
        """pidfd of the first process inside the sandbox: when it is gone, so is everything in there."""
        self._init_gone = asyncio.Event()
        self._fds: set[int] = set()
        out_r, out_w = self._pipe()
        go_r, self._go = self._pipe()
        os.set_blocking(go_r, True)
        self._begun = self._stopped = False
        status_r, status_w = self._pipe() if launch.isolated else (-1, -1)
        filter_fd = self._filter(launch.seccomp) if launch.isolated and launch.seccomp else -1
        try:
            if hasattr(fcntl, "F_SETPIPE_SZ"):
                with contextlib.suppress(OSError):
                    fcntl.fcntl(out_r, fcntl.F_SETPIPE_SZ, 1 << 20)
            self._process = start(
                list(launch.build(Descriptors(status_w, filter_fd))),
                stdin=go_r,
                stdout=out_w,
                stderr=out_w,
                env=dict(launch.env),
                cwd=launch.cwd,
                pass_fds=tuple(fd for fd in (status_w, filter_fd) if fd >= 0),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            self._close_fds()
            raise SandboxError(f"The test command could not be started: {error}.") from None
        for fd in (out_w, go_r, status_w, filter_fd):
            self._drop(fd)
        self._out, self._status_r = out_r, status_r
        self._loop.add_reader(out_r, self._read_output)
        if status_r >= 0:
            self._loop.add_reader(status_r, self._read_status)
        self._outer = self._pidfd(self._process.pid)
        if self._outer is None:
            self._waiter: asyncio.Task[None] | None = asyncio.ensure_future(self._wait_in_thread())
        else:
            self._waiter = None
            self._loop.add_reader(self._outer, self._outer_gone)

    @property
    def first(self) -> int | None:
        """The process that the tree begins with; in a sandbox its first one, once its number is known."""
        return self._init_pid if self._launch.isolated else self._process.pid

    def exit_code(self) -> int | None:
        """Of the command; None when it never ended by itself."""
        if self._launch.isolated:
            for line in self._status.splitlines():
                with contextlib.suppress(ValueError):
                    code = foreign_json.parse(line).get("exit-code")
                    if isinstance(code, int):
                        return code
            return None
        code = self._process.returncode
        return None if code is None else (128 - code if code < 0 else code)

    def _let_go(self) -> None:
        """Tell the launcher to begin, once it is there and the tree can be ended. Where another speaks, nothing is to."""
        line = f"{self._launch.nonce}\n".encode()
        said = self.output.first(len(line))
        if self._begun or self._stopped or (self._launch.isolated and self._init is None):
            return
        if said == line:
            self._begun = True
            with contextlib.suppress(OSError):
                os.write(self._go, b"\n")
        elif not line.startswith(said):
            self._drop(self._go)

    def kill(self) -> None:
        """End everything now. Safe to call on what has ended. While bwrap is still starting, its first child is not known
        and would outlive it; it is of bwrap's process group, though, so the group is killed. The command never begins then."""
        self._stopped = True
        if self._init is not None:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self._init, signal.SIGKILL)
        if not self._launch.isolated:
            kill_plain(self._process, self._launch.tag)
        elif self._process.returncode is None and self._init is None:
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def close(self) -> None:
        """Wait until nothing of the tree lives, then take what is left of its output."""
        deadline = self._loop.time() + _GONE_S
        if self._init is not None:
            await self._until(self._init_gone.is_set, deadline)
        elif self._launch.isolated:
            await self._until(lambda: not group_lives(self._process.pid), deadline)
        if not self.ended.is_set():
            await self._until(self.ended.is_set, self._loop.time() + 0.1)
            self._process.kill()
            await self._until(self.ended.is_set, deadline)
        if not self._launch.isolated:
            kill_plain(self._process, self._launch.tag)
        self._drain()
        self._close_fds()

    async def _until(self, done: Callable[[], bool], deadline: float) -> None:
        while not done() and self._loop.time() < deadline:
            await asyncio.sleep(0.002)

    def _drain(self) -> None:
        """Take what the pipe holds, and no more: a stray daemon may go on writing."""
        for _ in range(16):
            if self._out not in self._fds or not self._read_output():
                break
        if self._status_r in self._fds:
            self._read_status()

    def _read_output(self) -> bool:
        try:
            data = os.read(self._out, _CHUNK)
        except BlockingIOError:
            return False
        self.output.feed(data)
        self._let_go()
        if not data:
            self._drop(self._out)
        return bool(data)

    def _read_status(self) -> None:
        try:
            data = os.read(self._status_r, 4096)
        except BlockingIOError:
            return
        self._status += data
        if not data:
            self._drop(self._status_r)
        if self._init is None:
            found = re.search(rb'"child-pid":\s*(\d+)', self._status)
            if found:
                self._init_pid = int(found.group(1))
                self._init = self._pidfd(self._init_pid)
                if self._init is None:
                    self._init_gone.set()
                    return
                self._loop.add_reader(self._init, self._saw_init_gone)
                self.kill() if self._stopped else self._let_go()

    def _saw_init_gone(self) -> None:
        if self._init is not None:
            self._loop.remove_reader(self._init)
        self._init_gone.set()

    def _outer_gone(self) -> None:
        if self._outer is not None:
            self._loop.remove_reader(self._outer)
        self._process.wait()
        self.ended.set()

    async def _wait_in_thread(self) -> None:
        await asyncio.to_thread(self._process.wait)
        self.ended.set()

    def _pidfd(self, pid: int) -> int | None:
        if sys.platform != "linux":
            return None
        try:
            fd = os.pidfd_open(pid)
        except OSError:
            return None
        self._fds.add(fd)
        return fd

    def _filter(self, program: bytes) -> int:
        """A descriptor that the seccomp program can be read from."""
        fd = os.memfd_create("ralphd-seccomp")
        self._fds.add(fd)
        os.write(fd, program)
        os.lseek(fd, 0, os.SEEK_SET)
        return fd

    def _pipe(self) -> tuple[int, int]:
        read, write = os.pipe()
        os.set_blocking(read, False)
        self._fds |= {read, write}
        return read, write

    def _drop(self, fd: int) -> None:
        if fd in self._fds:
            self._fds.discard(fd)
            self._loop.remove_reader(fd)
            os.close(fd)

    def _close_fds(self) -> None:
        for fd in list(self._fds):
            self._drop(fd)


@functools.cache
def _starter() -> ThreadPoolExecutor:
    """The thread that starts every run. It lives as long as the process: bwrap's `--die-with-parent` is tied to the
    thread that started it. It has a session keyring of its own, so no run holds the person's keys in the kernel."""
    return ThreadPoolExecutor(1, "ralphd-starter", initializer=_leave_session_keyring)


def start(argv: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """A process that does not end with the thread that asked for it."""
    return _starter().submit(lambda: subprocess.Popen(argv, **options)).result()


def _leave_session_keyring() -> None:
    """Give the calling thread a new, empty session keyring; keyrings belong to threads. Linux only."""
    machine = seccomp.here()
    if sys.platform == "linux" and machine is not None:
        join_session_keyring = 1  # KEYCTL_JOIN_SESSION_KEYRING, with no name: a new one
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).syscall(machine.refused["keyctl"], join_session_keyring, None)
