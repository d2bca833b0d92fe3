"""Where ralphd keeps things: the person's state and cache folders, never the workspace. Files are 0600, folders 0700.

A folder of ours that is a link, or that belongs to somebody else, is refused: what is written there could land anywhere,
and what is read there could have been put there.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import io
import json
import logging.handlers
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from ralphd.core import foreign_json
from ralphd.errors import Misconfigured, Unwritable

APP = "ralphd"
DAY_S = 86_400.0
KEEP_DAYS = 30
KEEP_BYTES = 500_000_000
KEPT = ("dismissed.json",)
"""Files below a workspace's state that no cleaning removes."""
_LOCK_WAIT_S = 2.0


@dataclass(frozen=True)
class Folders:
    config: Path
    state: Path
    cache: Path

    @staticmethod
    def of(environ: Mapping[str, str]) -> Folders:
        """The platform's folders; the XDG variables win where they are set (also where the platform has others)."""

        def place(variable: str, default: str) -> Path:
            base = environ.get(variable)
            return Path(base) / APP if base and os.path.isabs(base) else Path(default)

        return Folders(
            place("XDG_CONFIG_HOME", platformdirs.user_config_dir(APP)),
            place("XDG_STATE_HOME", platformdirs.user_state_dir(APP)),
            place("XDG_CACHE_HOME", platformdirs.user_cache_dir(APP)),
        )

    def workspace(self, root: str) -> Path:
        """State of one workspace: journals, request log, dismissed findings."""
        digest = hashlib.sha256(os.path.realpath(root).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        return self.state / "workspaces" / digest

    def journals(self, root: str) -> Path:
        return self.workspace(root) / "runs"

    @property
    def user_config(self) -> Path:
        """The person's own configuration file."""
        return self.config / "config.yaml"

    @property
    def trust(self) -> Path:
        return self.state / "trust.json"

    @property
    def ledger(self) -> Path:
        return self.state / "ledger.sqlite"

    @property
    def server_log(self) -> Path:
        return self.state / "ralphd.log"


def make_private(folder: Path) -> Path:
    """Make `folder` and every folder between it and our topmost one ours alone.

    `Misconfigured` where that is not safe, `Unwritable` where it cannot be.
    """
    ours = [folder]
    while ours[-1].name != APP and APP in ours[-1].parent.parts:
        ours.append(ours[-1].parent)
    for place in reversed(ours):
        try:
            _make_own(place)
        except OSError as error:
            raise Unwritable(
                f"ralphd cannot keep anything in {place}: {error.strerror}.",
                "Make that folder writable, or choose another place with XDG_STATE_HOME and XDG_CACHE_HOME.",
            ) from None
    return folder


def _make_own(place: Path) -> None:
    if not os.path.lexists(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            place.mkdir(mode=0o700)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise Misconfigured(
            f"{place} is {'a link' if stat.S_ISLNK(found.st_mode) else 'no folder'}: ralphd keeps its files in a folder of its own only.",
            "Remove it, or choose another place with XDG_STATE_HOME and XDG_CACHE_HOME.",
        )
    if sys.platform != "win32":
        if found.st_uid != os.geteuid():
            raise Misconfigured(
                f"{place} belongs to somebody else (user {found.st_uid}): ralphd keeps its files in a folder of its own only.",
                "Remove it, or choose another place with XDG_STATE_HOME and XDG_CACHE_HOME.",
            )
        if found.st_mode & 0o077:
            place.chmod(0o700)


def make_passing(folder: Path) -> Path:
    """`folder`, made ours alone, for what may be lost; where its disk takes nothing, one of that name in the system's
    temporary folder, so that a run can go on. `Misconfigured` where neither is safe."""
    with contextlib.suppress(Unwritable):
        make_private(folder)
        if os.access(folder, os.W_OK):
            return folder
    elsewhere = make_private(Path(tempfile.gettempdir(), f"{APP}-{getpass.getuser()}"))
    return make_private(elsewhere / folder.name)


def check(folders: Folders) -> None:
    """At start: the topmost folders are ours alone. `Misconfigured` where they are not; a full or read-only disk passes."""
    for place in (folders.state, folders.cache):
        with contextlib.suppress(Unwritable):
            make_private(place)


def write_private(path: Path, text: str) -> None:
    """Replace a file of ours by `text`, whole or not at all, readable by the person only."""
    make_private(path.parent)
    replace_file(path, text.encode(), 0o600)


def replace_file(path: Path, data: bytes, mode: int) -> None:
    """Replace `path` by `data`, whole or not at all, also when the machine stops."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(mode)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


class PrivateLog(logging.handlers.RotatingFileHandler):
    """A log file that only the person can read, through rotations too. A link in its place is not followed."""

    def _open(self) -> TextIOWrapper:
        fd = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0), 0o600)
        if sys.platform != "win32":
            os.fchmod(fd, 0o600)
        return TextIOWrapper(io.FileIO(fd, "a"), encoding=self.encoding, errors=self.errors, write_through=True)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """A disk that takes nothing costs the line: logging's own way is a traceback on the person's terminal."""


class Dismissed:
    """Findings that the person put away for good, by content fingerprint; listable and revocable."""

    def __init__(self, folders: Folders, root: str) -> None:
        self._path = folders.workspace(root) / "dismissed.json"

    def all(self) -> dict[str, str]:
        """Fingerprint -> what was said. An unreadable file hides nothing."""
        try:
            value = foreign_json.parse(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}

    def add(self, fingerprint: str, message: str) -> None:
        with self._locked():
            self._write({**self.all(), fingerprint: message})

    def revoke(self, prefix: str) -> int:
        """Show the findings whose fingerprint begins with `prefix` again; how many there were."""
        with self._locked():
            before = self.all()
            kept = {k: v for k, v in before.items() if not k.startswith(prefix)}
            if len(kept) != len(before):
                self._write(kept)
        return len(before) - len(kept)

    def _write(self, findings: Mapping[str, str]) -> None:
        write_private(self._path, json.dumps(findings, indent=1, sort_keys=True))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time: another window's finding must not be lost. A window that hangs is waited for briefly."""
        make_private(self._path.parent)
        try:
            with FileLock(f"{self._path}.lock", timeout=_LOCK_WAIT_S, mode=0o600):
                yield
        except Timeout:
            raise Misconfigured(
                f"{self._path} has been held by another ralphd for {_LOCK_WAIT_S:g} s.", "Try again."
            ) from None


def clean(
    folders: Folders, *, now: float | None = None, days: float = KEEP_DAYS, limit: int = KEEP_BYTES
) -> tuple[int, int]:
    """Remove journals and reports that are older than `days`, and the oldest beyond `limit` bytes in all.

    Gives how many files went, and their bytes. Weights, consents, the books and dismissed findings stay.
    """
    at = time.time() if now is None else now
    total = removed = freed = 0
    for mtime, size, path in sorted(_cleanable(folders), reverse=True):
        total += size
        if at - mtime > days * DAY_S or total > limit:
            with contextlib.suppress(OSError):
                path.unlink()
                removed, freed = removed + 1, freed + size
    for folder in (folders.cache / "reports").glob("report-*"):
        with contextlib.suppress(OSError):
            if at - folder.stat().st_mtime > DAY_S:
                shutil.rmtree(folder, ignore_errors=True)
    for folder in (folders.cache / "go-builds").glob("*"):
        with contextlib.suppress(OSError):
            if at - folder.stat().st_mtime > days * DAY_S:
                shutil.rmtree(folder, ignore_errors=True)
    return removed, freed


def _cleanable(folders: Folders) -> Iterator[tuple[float, int, Path]]:
    """(time of the last change, bytes, path) of what may be removed. Links are not followed."""
    for base in (folders.state / "workspaces", folders.cache / "reports"):
        for at, _, names in os.walk(base):
            for name in names:
                path = Path(at, name)
                if name in KEPT or path.suffix not in (".jsonl", ".json", ".part"):
                    continue
                with contextlib.suppress(OSError):
                    found = path.lstat()
                    yield found.st_mtime, found.st_size, path


def is_due(folders: Folders, *, now: float | None = None) -> bool:
    """Whether the last cleaning is a day ago; if so it is due no more, for any window. A clock that was set back counts.

    After a month without one it is due a day later: that month may be a clock that is wrong at the moment, by which all that
    is kept would be old."""
    at = time.time() if now is None else now
    stamp, since = folders.state / "cleaned", None
    with contextlib.suppress(OSError):
        since = at - stamp.lstat().st_mtime
    if since is not None and 0 <= since < DAY_S:
        return False
    with contextlib.suppress(OSError, Misconfigured):
        write_private(stamp, "")
        os.utime(stamp, (at, at))
        return since is None or since < KEEP_DAYS * DAY_S
    return False
