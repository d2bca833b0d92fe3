"""Reading files that somebody else may have put there: never waiting on a FIFO or a device that stands in their place."""

from __future__ import annotations

import os
import stat


def read_regular(path: str | os.PathLike[str], limit: int) -> bytes | None:
    """The first `limit` bytes of a regular file, links followed; None where there is none or it may not be read.

    Blocks on the disk: for worker threads.
    """
    try:
        return read_opened(
            os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)), limit
        )
    except (OSError, ValueError):
        return None


def read_opened(descriptor: int, limit: int) -> bytes | None:
    """The first `limit` bytes of what was opened without waiting, and closes it; None where that is no regular file."""
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):  # before a file object is made: none can be of a folder
            return None
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(min(limit, about.st_size))
    finally:
        os.close(descriptor)
