"""Ends a run that uses more memory, processes or disk than it may. Looks at what is used, not at what is reserved.

A limit on address space would stop every program that reserves a lot and uses little, and limits per process let ten
children use ten times as much. So a thread adds up the whole tree, several times a second.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Sequence

import psutil

from ralphd.errors import SandboxError
from ralphd.sandbox.bwrap import Limits

INTERVAL_S = 0.1
NEEDED_BYTES = 256 << 20
"""What must be free on the copy's disk before a run begins: test runners write caches and reports."""
STOP_BELOW_BYTES = 64 << 20
USED_BYTES = 8 << 30
USED_INODES = 300_000
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096

Look = Callable[[int | None], str | None]
"""Given the first process of the tree, why the run must end; None while it may go on."""


def members(first: int) -> list[int]:
    """The processes of the tree that begins with `first`, itself included."""
    if sys.platform != "linux":
        with contextlib.suppress(psutil.Error):
            return [first, *(child.pid for child in psutil.Process(first).children(recursive=True))]
        return []
    found, todo = [], [first]
    while todo:
        pid = todo.pop()
        found.append(pid)
        try:
            threads = os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        for thread in threads:
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                todo += map(int, file.read().split())
    return found


def memory(pids: list[int], enough: int) -> int:
    """Bytes that the processes hold, each shared page once. Exact only from `enough` on: adding up pages is dear."""
    at_most = sum(map(_resident, pids))
    return at_most if at_most < enough else sum(map(_proportional, pids))


def _resident(pid: int) -> int:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, IndexError, ValueError), open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
        return 0
    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0


def _proportional(pid: int) -> int:
    """Resident bytes, where a page shared by n processes counts for each with a part of n."""
    with contextlib.suppress(OSError, ValueError), open(f"/proc/{pid}/smaps_rollup", "rb") as file:
        for line in file:
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) << 10
    return _resident(pid)


def in_memory_files(first: int, private: Sequence[str]) -> int:
    """Bytes of the files in a sandbox's private folders, which are memory. `first`: its first process.

    Until bwrap has changed that process's root, its paths lead to this machine's own folders, whose disks are full of
    other things: on a busy machine that takes longer than the first look.
    """
    total = 0
    with contextlib.suppress(OSError):
        if os.path.samestat(os.stat(f"/proc/{first}/root"), os.stat("/")):
            return 0
    for place in private:
        with contextlib.suppress(OSError):
            disk = os.statvfs(f"/proc/{first}/root{place}")
            total += (disk.f_blocks - disk.f_bfree) * disk.f_frsize
    return total


class Meter:
    """The processor time that a run has used so far, in seconds; read anew with every look of the watchdog."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def read(self, pids: Iterable[int]) -> None:
        """A process that ended counts through its parent, which waited for it. The sum never goes back."""
        self.seconds = max(self.seconds, sum(_processor_time(pid) for pid in pids))


def _processor_time(pid: int) -> float:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, IndexError, ValueError), open(f"/proc/{pid}/stat", "rb") as file:
            # Fields 14 to 17 of proc(5), of the process and of the children that it waited for.
            return sum(map(int, file.read().rpartition(b")")[2].split()[11:15])) / os.sysconf("SC_CLK_TCK")
        return 0.0
    with contextlib.suppress(psutil.Error):
        times = psutil.Process(pid).cpu_times()
        waited_for = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        return float(times.user + times.system + waited_for)
    return 0.0


def too_much_memory(limits: Limits) -> str:
    """Why such a run was ended, whoever noticed it."""
    return f"stopped: the run used more than {limits.memory_mb} MB of memory (sandbox.memory_mb)"


def watching(folder: str, limits: Limits, private: Sequence[str] = (), meter: Meter | None = None) -> Look:
    """Looks at a run whose copy is in `folder`: its memory and processes, and how the disk has changed since now.

    `private`: the folders inside the sandbox that are in memory; none without isolation. `meter` is read on the way.
    """
    start = os.statvfs(folder)
    allowed = limits.memory_mb << 20

    def look(first: int | None) -> str | None:
        now = os.statvfs(folder)
        used, free = (start.f_bavail - now.f_bavail) * now.f_frsize, now.f_bavail * now.f_frsize
        if used > USED_BYTES or (free < STOP_BELOW_BYTES and used > 0):
            return "stopped: the run was filling the disk"
        if now.f_files and start.f_favail - now.f_favail > USED_INODES:
            return "stopped: the run made too many files"
        if first is None:
            return None
        pids = members(first)
        if meter is not None:
            meter.read(pids)
        if len(pids) > limits.processes:
            return f"stopped: the run made more than {limits.processes} processes"
        if memory(pids, allowed) + in_memory_files(first, private) > allowed:
            return too_much_memory(limits)
        return None

    return look


def require_room(folder: str, incoming: int = 0) -> None:
    """SandboxError, naming the disk, where less is free than a run needs beside `incoming` bytes that are to be copied."""
    disk = os.statvfs(folder)
    free, needed = disk.f_bavail * disk.f_frsize, NEEDED_BYTES + incoming
    if free < needed:
        raise SandboxError(
            f"The disk of {folder} is too full for a test run: {free >> 20} MB are free, and {needed >> 20} MB are needed.",
            "Free some space there, or set XDG_CACHE_HOME to a folder on another disk; your own files are as they were.",
        )
    if disk.f_files and disk.f_favail < 1000:
        raise SandboxError(f"The disk of {folder} has no room for more files (inodes).", "Remove some files there.")


class Watchdog:
    """Calls `look` in a thread of its own until it is closed or gives a reason; then `end` is called at once."""

    def __init__(self, look: Callable[[], str | None], end: Callable[[], None]) -> None:
        self._look, self._end = look, end
        self._closed = threading.Event()
        self.reason: str | None = None
        self._thread = threading.Thread(target=self._work, name="ralphd-watchdog", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while not self._closed.wait(INTERVAL_S):
            with contextlib.suppress(OSError):
                self.reason = self._look()
            if self.reason is not None:
                self._end()
                return

    def close(self) -> None:
        """Look no more. Waits for a look that is under way, so that nothing is killed by a number that is used anew."""
        self._closed.set()
        self._thread.join()
