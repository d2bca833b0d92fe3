"""Locks of the embedded model's process, which the kernel drops with whoever holds them. Not on Windows."""

from __future__ import annotations

import os
import sys

if sys.platform != "win32":
    import fcntl

FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
"""How a file of ours is opened: no program that is started gets it, and a link in its place is not followed."""


def opened(path: str | os.PathLike[str]) -> int:
    """A descriptor of the file, which is made where it is missing, readable by the person only."""
    return os.open(path, FLAGS, 0o600)


def locked(descriptor: int, *, shared: bool = False) -> bool:
    """Whether the lock was free for us; we hold it then, alone or with others, until the descriptor is closed."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
