"""Which directories under the cache hold copies, who holds them, and which may go.

Each slot has a lock file whose lock is the kernel's: a server that was killed holds nothing any more, and its slot is
taken up by the next one as it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import time

from filelock import FileLock, Timeout

from ralphd.errors import SandboxError
from ralphd.sandbox.mirror import Mirror
from ralphd.sandbox.workspace import lstat

_MAX_SLOTS = 64
_MAX_AGE_S = 14 * 86400.0


class Slots:
    """The slots of one workspace root."""

    def __init__(self, cache: str, root: str) -> None:
        self._folder = os.path.join(cache, "shadow", hashlib.sha256(os.fsencode(root)).hexdigest()[:16])
        self._mirrors: dict[int, Mirror] = {}

    def acquire(self, only: int | None = None) -> tuple[Mirror, FileLock] | None:
        """The first slot that nobody holds and its lock, which is held; None when `only` is taken."""
        if sys.platform == "win32":
            raise SandboxError("Test runs are not possible on Windows yet.", "Use the server inside WSL.")
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            owner = os.lstat(self._folder).st_uid
        except OSError as error:
            raise SandboxError(f"The cache folder cannot be used: {error}.") from None
        if owner != os.geteuid():
            raise SandboxError(f"{self._folder} belongs to somebody else.", "Remove it, or set another cache folder.")
        for number in range(_MAX_SLOTS) if only is None else (only,):
            lock = _try_lock(os.path.join(self._folder, f"{number}.lock"))
            if lock is not None:
                mirror = self._mirrors.setdefault(number, Mirror(os.path.join(self._folder, str(number))))
                mirror.load()
                return mirror, lock
        if only is not None:
            return None
        raise SandboxError("All test copies of this workspace are in use.", "Close other servers that work on it.")


def reclaim(cache_dir: str, max_age_s: float = _MAX_AGE_S) -> int:
    """Remove the copies that no server holds and none has used for `max_age_s`; how many there were."""
    removed = 0
    top = os.path.join(os.path.realpath(cache_dir), "shadow")
    for name in _names(top):
        folder = os.path.join(top, name)
        for slot in _names(folder):
            path = os.path.join(folder, slot)
            sig = lstat(path)
            if not slot.endswith(".lock") or sig is None or time.time() - sig[2] / 1e9 < max_age_s:
                continue
            lock = _try_lock(path, touch=False)
            if lock is None:
                continue
            Mirror(path.removesuffix(".lock")).remove()
            os.unlink(path)
            lock.release()
            removed += 1
        with contextlib.suppress(OSError):
            os.rmdir(folder)
    return removed


def _try_lock(path: str, *, touch: bool = True) -> FileLock | None:
    """Hold the lock file at `path`, or None while another server (or lease) does. Its time tells when it was last held."""
    # Held and released by different threads. Never a file that stands for a lock by being there: it would outlive its server.
    lock = FileLock(path, mode=0o600, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire(timeout=0)
        if touch:
            os.utime(path)
    except (OSError, Timeout):
        lock.release()
        return None
    return lock


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
