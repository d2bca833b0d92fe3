"""Who lives below a process, what it used, and whether it is gone: read from /proc, so Linux only."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable


def _stat(pid: int) -> list[str] | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def alive(pid: int) -> bool:
    """Zombies do not count: they are dead, and wait for a parent to notice."""
    stat = _stat(pid)
    return stat is not None and stat[0] not in ("Z", "X")


def cpu_seconds(pid: int) -> float:
    stat = _stat(pid)
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK") if stat else 0.0


def descendants(pid: int) -> set[int]:
    parents = {int(name): int(stat[1]) for name in os.listdir("/proc") if name.isdigit() and (stat := _stat(int(name)))}
    found: set[int] = set()
    todo = {pid}
    while todo:
        todo = {child for child, parent in parents.items() if parent in todo and child not in found}
        found |= todo
    return found


def command_of(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


async def gone(pids: Iterable[int], timeout_s: float) -> None:
    """Until none of `pids` lives; names those that do."""
    until = time.monotonic() + timeout_s
    while left := [pid for pid in pids if alive(pid)]:
        assert time.monotonic() < until, f"still alive: {[(pid, command_of(pid)) for pid in left]}"
        await asyncio.sleep(0.02)
