"""What outlives a server that dies: reviews that still wait, and the marks of runs that were at work.

One file each below the workspace's state, 0600, replaced whole or not at all, so that a kill at any moment leaves a
readable one. A lock beside it is held as long as its server lives: the kernel lets go of it whatever ends the server,
and what is locked belongs to another window.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from ralphd.core import foreign_json
from ralphd.core.run import COMMANDS, RunRequest
from ralphd.core.runner import CutShort
from ralphd.errors import Misconfigured, Unwritable
from ralphd.state import Folders, make_private, write_private

log = logging.getLogger("ralphd")

Kind = Literal["reviews", "at_work"]
_NAME = re.compile(r"[\w-]{1,60}")


class Survivors:
    """All of it blocks on the disk: for worker threads. A disk that takes nothing costs the survival, not the run.

    The work is done in one thread, one piece after the other: filelock remembers in each thread what was locked there,
    and would remember for ever what another thread let go of.
    """

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._held: dict[Path, FileLock] = {}
        self._thread = ThreadPoolExecutor(1, "ralphd-survivors")

    def keep(self, kind: Kind, root: str, name: str, text: str) -> None:
        self._thread.submit(self._keep, self._path(kind, root, name), text).result()

    def drop(self, kind: Kind, root: str, name: str) -> None:
        self._thread.submit(self._remove, self._path(kind, root, name)).result()

    def left(self, kind: Kind, root: str) -> list[tuple[str, str]]:
        """Name and text of each whose server is gone. They are this one's from now on."""
        return self._thread.submit(self._left, self._path(kind, root, "_").parent).result()

    def close(self) -> None:
        """What is held stays so until the process ends."""
        self._thread.shutdown(wait=False)

    def _keep(self, path: Path, text: str) -> None:
        with _not_kept(path.stem):
            make_private(path.parent)
            if self._hold(path):
                write_private(path, text)

    def _left(self, folder: Path) -> list[tuple[str, str]]:
        found = []
        for path in sorted(folder.glob("*.json")):
            if path not in self._held and self._hold(path):
                try:
                    found.append((path.stem, path.read_text(encoding="utf-8")))
                except (OSError, UnicodeError):
                    self._remove(path)  # gone meanwhile, or not ours to read
        return found

    def _path(self, kind: Kind, root: str, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"no name of a kept file: {name!r}")
        return self._folders.workspace(root) / kind / f"{name}.json"

    def _hold(self, path: Path) -> bool:
        if path in self._held:
            return True
        lock = FileLock(path.with_suffix(".lock"), timeout=0, mode=0o600, thread_local=False)
        try:
            lock.acquire()
        except (Timeout, OSError):
            return False
        self._held[path] = lock
        return True

    def _remove(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            path.unlink()
        if (lock := self._held.pop(path, None)) is not None:
            with contextlib.suppress(OSError):
                path.with_suffix(".lock").unlink()
            lock.release()


def mark(request: RunRequest, journal: str) -> str:
    """What is kept of a run while it is at work."""
    return json.dumps(
        {
            "runId": request.run_id,
            "command": request.command,
            "path": request.path,
            "span": request.span,
            "instruction": request.instruction,
            "journal": journal,
        }
    )


def cut_short(text: str, by_role: dict[str, tuple[float, int]]) -> CutShort | None:
    """The run of a mark; None where the mark cannot be read. `by_role`: what the books say of it."""
    try:
        kept = foreign_json.parse(text)
        command = next(known for known in COMMANDS if known == kept["command"])
        span = (int(kept["span"][0]), int(kept["span"][1])) if kept["span"] else None
        words = [str(kept[key]) for key in ("runId", "path", "instruction", "journal")]
    except (ValueError, KeyError, TypeError, IndexError, StopIteration):
        return None
    run_id, path, instruction, journal = words
    usd = {role: spent for role, (spent, _) in by_role.items()}
    tokens = {role: used for role, (_, used) in by_role.items()}
    return CutShort(run_id, command, path, span, instruction, journal, usd, tokens)


@contextlib.contextmanager
def _not_kept(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, Unwritable, Misconfigured) as error:
        log.warning("%s would not survive the end of this server: %s", name, error)
