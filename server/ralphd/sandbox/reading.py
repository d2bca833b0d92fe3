"""Reading in folders that a run could write to: never through a planted link, never waiting on a FIFO or device."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import os

from ralphd.core.regular_files import read_opened


def open_beneath(root: str, path: str) -> int:
    """Open a file for reading without following a link in any component of `path`."""
    *folders, name = path.split("/")
    if "" in folders or ".." in folders or name in ("", "..", "."):
        raise OSError(errno.EINVAL, "not a relative path", path)
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            below = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = below
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
    finally:
        os.close(at)


def read_beneath(root: str, path: str, limit: int) -> bytes | None:
    """A regular file below a folder that a run could write to, or None.

    Never through a link (it may lead to a secret of the host), never waiting on a FIFO.
    """
    try:
        return read_opened(open_beneath(root, path), limit)
    except OSError:
        return None


def matching(root: str, pattern: str) -> list[str]:
    """Files below `root` whose folder is that of `pattern` and whose name fits its last part, as in a shell."""
    folder, _, name = pattern.rpartition("/")
    try:
        at = _folder_beneath(root, folder)
    except OSError:
        return []
    try:
        found = sorted(entry for entry in os.listdir(at) if fnmatch.fnmatchcase(entry, name))
    except OSError:
        return []
    finally:
        os.close(at)
    return [f"{folder}/{entry}" if folder else entry for entry in found]


def discard(root: str, pattern: str) -> None:
    """Unlink the `matching` files; what cannot be unlinked stays."""
    found = matching(root, pattern)
    if found:
        at = _folder_beneath(root, pattern.rpartition("/")[0])
        try:
            for path in found:
                with contextlib.suppress(OSError):
                    os.unlink(path.rpartition("/")[2], dir_fd=at)
        finally:
            os.close(at)


def _folder_beneath(root: str, folder: str) -> int:
    return open_beneath(root, folder) if folder else os.open(root, os.O_RDONLY | os.O_DIRECTORY)
