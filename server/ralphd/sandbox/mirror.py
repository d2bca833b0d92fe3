"""One slot: a directory tree kept equal to a listing plus an overlay. Knows nothing of sandboxes or event loops.

What each file was copied from and what the copy looked like then are remembered as signatures, also on disk: a file is
copied again when either differs. So a test run that rewrote the tree, a crash in mid-copy and an older server's
leavings are all undone by the same comparison. Nothing is ever copied from here to the workspace.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ralphd.core import foreign_json
from ralphd.errors import SandboxError
from ralphd.sandbox.reading import open_beneath, read_beneath
from ralphd.sandbox.selection import Listing, Sig, Stopped, signature

_FORMAT = 1
_RACY_NS = 50_000_000
"""A file that changed this shortly before it was read may change again without a new time stamp."""
_CHUNK = 8 << 20
_GROUP = 256


@dataclass(frozen=True, slots=True)
class Entry:
    """What a file in the slot is a copy of (None: copy again), how the copy looked, and the digest of an overlay's bytes."""

    source: Sig | None
    copy: Sig
    overlay: str | None = None


class Mirror:
    """The tree of one slot. Not for two threads at once: the slot's lock and its lease see to that."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.tree = os.path.join(folder, "tree")
        self._manifest = os.path.join(folder, "manifest.jsonl")
        self._entries: dict[str, Entry] = {}
        self._dirs: dict[str, int] = {}
        self._dirty = True
        self._changed = False
        self._saved_as: Sig | None = None

    def load(self) -> None:
        """Take up what an earlier server (or another one since) left, if it is not what this object knows already."""
        try:
            now: Sig | None = signature(os.stat(self._manifest))
        except OSError:
            now = None
        if now is None or now != self._saved_as:
            self._entries = dict(_read_manifest(self._manifest)) if now is not None else {}
            self._saved_as = now
            self._dirty = True
        self._changed = False

    def save(self) -> None:
        """Remember the slot for the next server. Losing it costs a new copy, nothing else."""
        if not self._changed:
            return
        fresh = f"{self._manifest}.new"
        with contextlib.suppress(OSError):
            _write_manifest(fresh, self._entries)
            os.replace(fresh, self._manifest)
            self._saved_as = signature(os.stat(self._manifest))
            self._changed = False

    def touched(self) -> None:
        """Something ran in the tree: look at all of it next time."""
        self._dirty = True

    def remove(self) -> None:
        _make_removable(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        self._entries, self._dirs, self._dirty, self._saved_as = {}, {}, True, None

    def refresh(
        self,
        root: str,
        listing: Listing,
        overlay: Mapping[str, bytes | None],
        mounts: Sequence[str],
        links: Mapping[str, str],
        stop: Callable[[], bool],
    ) -> None:
        """Make the tree exactly `listing` of `root` under `overlay` (None: deleted).

        `mounts` are empty folders for bwrap to mount on, `links` symbolic links to make instead where nothing is mounted.
        """
        try:
            os.makedirs(self.tree, mode=0o700, exist_ok=True)
            os.chmod(self.tree, 0o700)
            files, dirs = self._present(stop)
            wanted_dirs = _wanted_dirs(listing, overlay, mounts, links)
            gone = {path for path, data in overlay.items() if data is None}
            added = {path for path, data in overlay.items() if data is not None}
            self._clear(
                files,
                dirs,
                lambda path: path in added or path in links or (path in listing.files and path not in gone),
                wanted_dirs,
            )
            for path in sorted(wanted_dirs):
                self._directory(path, dirs.get(path), 0o700 | (wanted_dirs[path] & 0o777))
            self._dirs = {path: 0o700 | (mode & 0o777) for path, mode in wanted_dirs.items()}
            for path, target in links.items():
                self._unlink(path)
                os.symlink(target, self._at(path))
            self._copy(root, listing, overlay, files, stop)
            self._dirty = False
        except OSError as error:
            self._dirty = True
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                self.remove()
                raise SandboxError(
                    "There is no room on the disk for the test copy of the workspace.",
                    f"Free some space for {os.path.dirname(self.folder)}; your own files are as they were.",
                ) from None
            raise SandboxError(f"The test copy of the workspace could not be made: {_why(error)}.") from None
        except BaseException:
            self._dirty = True
            raise

    def incoming_bytes(self, listing: Listing) -> int:
        """How much is to be copied that no earlier refresh has brought; files that changed since take no more room."""
        return sum(sig[1] for path, sig in listing.files.items() if path not in self._entries)

    def pristine(self, path: str) -> bool:
        """Whether the copy at `path` is still as the last refresh made it."""
        entry = self._entries.get(path)
        try:
            return entry is not None and signature(os.lstat(self._at(path))) == entry.copy
        except OSError:
            return False

    def read(self, path: str, limit: int) -> bytes | None:
        return read_beneath(self.tree, path, limit)

    def check_mounts(self, mounts: Iterable[str]) -> None:
        """Every component of every mount point is a real directory of ours, made again where it is missing.

        bwrap before 0.12 follows a link there out of the sandbox, to make its mount point on the host. A run that ended
        may have planted one, so this is asked before each launch and not only after a refresh.
        """
        for mount in mounts:
            at = os.open(self.tree, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                for part in mount.split("/"):
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, 0o700, dir_fd=at)
                    below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
                    os.close(at)
                    at = below
            except OSError:
                raise SandboxError(
                    f"In the test copy, {mount!r} is not a real folder: nothing is mounted there.",
                    "A test run replaced it, or the repository holds a link in its place; the run was refused.",
                ) from None
            finally:
                os.close(at)

    def _at(self, path: str) -> str:
        return f"{self.tree}/{path}"

    def _present(self, stop: Callable[[], bool]) -> tuple[dict[str, Sig], dict[str, int]]:
        """What is in the tree: read anew when something may have changed it."""
        if not self._dirty:
            return {path: entry.copy for path, entry in self._entries.items()}, dict(self._dirs)
        files: dict[str, Sig] = {}
        dirs: dict[str, int] = {}
        stack = [""]
        while stack:
            if stop():
                raise Stopped
            folder = stack.pop()
            prefix = f"{folder}/" if folder else ""
            for entry in _entries(self._at(folder)):
                info = entry.stat(follow_symlinks=False)
                relative = prefix + entry.name
                if stat.S_ISDIR(info.st_mode):
                    dirs[relative] = info.st_mode & 0o7777
                    stack.append(relative)
                else:
                    files[relative] = (info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino)
        return files, dirs

    def _clear(
        self, files: dict[str, Sig], dirs: dict[str, int], wanted: Callable[[str], bool], wanted_dirs: Mapping[str, int]
    ) -> None:
        for path in [path for path in files if not wanted(path)]:
            self._unlink(path)
            del files[path]
        for path in [path for path in self._entries if path not in files]:
            del self._entries[path]
            self._changed = True
        for path in sorted((path for path in dirs if path not in wanted_dirs), reverse=True):
            _make_removable(self._at(path))
            shutil.rmtree(self._at(path))
            del dirs[path]

    def _directory(self, path: str, mode: int | None, wanted: int) -> None:
        if mode is None:
            os.mkdir(self._at(path), wanted)
        if mode != wanted:
            os.chmod(self._at(path), wanted)

    def _unlink(self, path: str) -> None:
        folder = os.path.dirname(self._at(path))
        try:
            os.unlink(self._at(path))
        except FileNotFoundError:
            pass
        except PermissionError:
            os.chmod(folder, 0o700)
            os.unlink(self._at(path))

    def _copy(
        self,
        root: str,
        listing: Listing,
        overlay: Mapping[str, bytes | None],
        files: Mapping[str, Sig],
        stop: Callable[[], bool],
    ) -> None:
        entries = self._entries
        for path, sig in listing.files.items():
            if path in overlay:
                continue
            entry = entries.get(path)
            if entry is not None and entry.source == sig and files.get(path) == entry.copy:
                continue
            if stop():
                raise Stopped
            self._changed = True
            made = self._copy_one(root, path, sig, stop)
            if made is None:
                entries.pop(path, None)
            else:
                entries[path] = made
        for path, data in overlay.items():
            if data is None:
                continue
            digest = hashlib.sha256(data).hexdigest()
            entry = entries.get(path)
            if entry is not None and entry.overlay == digest and files.get(path) == entry.copy:
                continue
            self._changed = True
            mode = listing.files[path][0] & 0o777 if path in listing.files else 0o644
            self._unlink(path)
            fd = os.open(self._at(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(fd, "wb", buffering=0) as file:
                _write_all(fd, data)
                os.fchmod(fd, mode | 0o600)
                entries[path] = Entry(None, signature(os.fstat(file.fileno())), digest)

    def _copy_one(self, root: str, path: str, sig: Sig, stop: Callable[[], bool]) -> Entry | None:
        """Copy one file or link; None when it has gone or may not be read."""
        source, target = f"{root}/{path}", self._at(path)
        self._unlink(path)
        if stat.S_ISLNK(sig[0]):
            try:
                os.symlink(os.readlink(source), target)
            except FileNotFoundError:
                return None
            return Entry(sig, signature(os.lstat(target)))
        try:
            read = open_beneath(root, path)
        except OSError:
            return None
        try:
            before = os.fstat(read)
            if not stat.S_ISREG(before.st_mode):
                return None
            write = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            try:
                _transfer(read, write, stop)
                os.utime(write, ns=(before.st_atime_ns, before.st_mtime_ns))
                os.fchmod(write, (before.st_mode & 0o777) | 0o600)
                copied = signature(os.fstat(write))
            finally:
                os.close(write)
            return Entry(_settled(signature(before), sig), copied)
        finally:
            os.close(read)


def _why(error: OSError) -> str:
    """The reason with its path; the middle of a path that is too long to be read is left out."""
    name = str(error.filename or "")
    return f"{error.strerror}: {name if len(name) < 300 else f'{name[:120]} … {name[-60:]}'}"


def _settled(sig: Sig, listed: Sig) -> Sig | None:
    if time.time_ns() - max(sig[2], sig[3]) < _RACY_NS:
        return None
    return listed if sig == listed else sig  # one object instead of two: there are many


def _wanted_dirs(
    listing: Listing, overlay: Mapping[str, bytes | None], mounts: Sequence[str], links: Mapping[str, str]
) -> dict[str, int]:
    dirs = dict(listing.dirs)
    inner = [
        path.rpartition("/")[0] for path in (*(p for p, data in overlay.items() if data is not None), *mounts, *links)
    ]
    for folder in (*inner, *mounts):
        while folder and folder not in dirs:
            dirs[folder] = 0o755
            folder = folder.rpartition("/")[0]
    return dirs


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except PermissionError:
        # A test took its own folder's permissions away.
        os.chmod(folder, 0o700)
        with os.scandir(folder) as entries:
            return list(entries)


def _make_removable(folder: str) -> None:
    """Give ourselves back the folders below; links are not followed."""
    stack = [folder]
    while stack:
        at = stack.pop()
        with contextlib.suppress(OSError):
            os.chmod(at, 0o700, follow_symlinks=os.chmod not in os.supports_follow_symlinks)
            stack += [entry.path for entry in _entries(at) if entry.is_dir(follow_symlinks=False)]


def _transfer(read: int, write: int, stop: Callable[[], bool]) -> None:
    """Copy all bytes; in the kernel, shared with the original where the file system can do that."""
    in_kernel = hasattr(os, "copy_file_range")
    copied = 0
    while not stop():
        if in_kernel:
            try:
                count = os.copy_file_range(read, write, _CHUNK)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT) or copied:
                    raise
                in_kernel = False
                continue
            # Some file systems answer 0 for files whose size they do not know.
            if count == 0 and copied == 0:
                in_kernel = False
                continue
        else:
            data = os.read(read, 1 << 20)
            _write_all(write, data)
            count = len(data)
        if count == 0:
            return
        copied += count
    raise Stopped


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _write_manifest(path: str, entries: Mapping[str, Entry]) -> None:
    items = list(entries.items())
    with open(path, "w", encoding="ascii") as file:
        file.write(json.dumps({"format": _FORMAT}) + "\n")
        for at in range(0, len(items), _GROUP):
            group = [[name, entry.source, entry.copy, entry.overlay] for name, entry in items[at : at + _GROUP]]
            file.write(json.dumps(group) + "\n")


def _read_manifest(path: str) -> Iterator[tuple[str, Entry]]:
    """Whatever can be read; the rest is copied again."""
    try:
        with open(path, encoding="ascii") as file:
            if foreign_json.parse(file.readline()) != {"format": _FORMAT}:
                return
            for line in file:
                for name, source, copy, overlay in foreign_json.parse(line):
                    yield name, Entry(tuple(source) if source else None, tuple(copy), overlay)
    except (OSError, ValueError, TypeError):
        return
