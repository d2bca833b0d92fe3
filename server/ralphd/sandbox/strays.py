"""What lives of a process tree beside the process that it began with: its group, its descendants, what carries its mark."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

import psutil

_ENDED = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def group_lives(group: int) -> bool:
    """Whether a process of this group runs. One that has ended counts no more, though its parent has not taken note of it."""
    try:
        os.killpg(group, 0)
    except OSError:
        return False
    for one in psutil.process_iter(["status"]):
        with contextlib.suppress(OSError):
            if one.info["status"] not in _ENDED and os.getpgid(one.pid) == group:
                return True
    return False


def kill_plain(process: subprocess.Popen[bytes], tag: str) -> None:
    """Without isolation: the group, all descendants, and whatever carries the run's mark in its environment."""
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.returncode is None:
        process.kill()
    for _ in range(5):
        strays = _strays(process.pid, tag)
        for pid in strays:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not strays:
            return


def _strays(parent: int, tag: str) -> list[int]:
    """Living processes that descend from `parent` or have the entry `tag` (`NAME=value`) in their environment."""
    name, _, value = tag.partition("=")
    parents: dict[int, int] = {}
    found: set[int] = set()
    for one in psutil.process_iter(["ppid", "status"]):
        if one.info["status"] in _ENDED or one.info["ppid"] is None:
            continue
        parents[one.pid] = one.info["ppid"]
        with contextlib.suppress(psutil.Error, OSError):
            if tag and one.environ().get(name) == value:
                found.add(one.pid)
    for pid in parents:
        at, seen = pid, 0
        while at in parents and seen < 100:
            at, seen = parents[at], seen + 1
            if at == parent:
                found.add(pid)
                break
    return [pid for pid in found if pid != os.getpid()]
