"""A git repository whose one commit names the workspace's files as they are: made here, with nothing of the person's own.

Tests that ask git for a version, a commit or the list of files need one, and the person's may hold tokens, hooks and a
configuration that starts programs. This one has a commit, its trees and an index; no contents of files, no history, no
remote. So `git rev-parse`, `git log`, `git ls-files`, `git status` and `git describe --always` answer, and what would need
the text of a committed file fails. Formats: gitformat-index(5), version 2, and git's loose objects, as of SHA-1.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from ralphd.sandbox.reading import read_beneath
from ralphd.sandbox.selection import Sig

_MAX_BYTES = 64 << 20
"""A bigger file is not named in the commit."""
_AUTHOR = b"ralphd <ralphd@localhost> 946684800 +0000"
"""One fixed moment (2000-01-01), so that the same files give the same commit."""
_CONFIG = b"[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n"
_FILE, _PROGRAM, _LINK, _FOLDER = 0o100644, 0o100755, 0o120000, 0o40000


@dataclass
class _Folder:
    files: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """By name: mode and SHA-1."""
    folders: dict[str, _Folder] = field(default_factory=dict)


class HeadOnly:
    """Keeps what each file hashed to, so that a later repository of the same workspace reads only what changed."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._known: dict[str, tuple[Sig, int, bytes]] = {}

    def write(self, at: str, files: Mapping[str, Sig]) -> None:
        """Make the folder `at` afresh as the `.git` of a worktree that holds `files` (relative paths)."""
        shutil.rmtree(at, ignore_errors=True)
        for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
            os.makedirs(os.path.join(at, name))
        found = {path: entry for path, sig in files.items() if (entry := self._entry(path, sig)) is not None}
        for path, (mode, _) in found.items():
            if mode == _LINK and (target := self._content(path, files[path])) is not None:
                _write_object(at, b"blob", target)  # git compares a link with its blob, and files by their digest
        tree = _write_tree(at, _nested(found))
        commit = b"tree %s\nauthor %s\ncommitter %s\n\nThe project as it is\n" % (
            tree.hex().encode(),
            _AUTHOR,
            _AUTHOR,
        )
        head = _write_object(at, b"commit", commit).hex().encode()
        _put(at, "HEAD", b"ref: refs/heads/main\n")
        _put(at, "refs/heads/main", head + b"\n")
        _put(at, "config", _CONFIG)
        _put(at, "index", _index(found))

    def _entry(self, path: str, sig: Sig) -> tuple[int, bytes] | None:
        known = self._known.get(path)
        if known is None or known[0] != sig:
            data = self._content(path, sig)
            if data is None:
                return None
            mode = _LINK if stat.S_ISLNK(sig[0]) else _PROGRAM if sig[0] & stat.S_IXUSR else _FILE
            known = self._known[path] = (sig, mode, _digest(b"blob", data))
        return known[1], known[2]

    def _content(self, path: str, sig: Sig) -> bytes | None:
        try:
            if stat.S_ISLNK(sig[0]):
                return os.fsencode(os.readlink(os.path.join(self._root, path)))
            data = read_beneath(self._root, path, _MAX_BYTES + 1)
        except OSError:
            return None
        return None if data is None or len(data) > _MAX_BYTES else data


def _nested(files: Mapping[str, tuple[int, bytes]]) -> _Folder:
    top = _Folder()
    for path, entry in files.items():
        *folders, name = path.split("/")
        at = top
        for folder in folders:
            at = at.folders.setdefault(folder, _Folder())
        at.files[name] = entry
    return top


def _write_tree(at: str, folder: _Folder) -> bytes:
    """Folders sort in a tree as if their names ended with a slash."""
    entries = [(os.fsencode(name), mode, digest) for name, (mode, digest) in folder.files.items()]
    entries += [(os.fsencode(f"{name}/"), _FOLDER, _write_tree(at, inner)) for name, inner in folder.folders.items()]
    lines = [b"%o %s\0%s" % (mode, name.removesuffix(b"/"), digest) for name, mode, digest in sorted(entries)]
    return _write_object(at, b"tree", b"".join(lines))


def _digest(kind: bytes, data: bytes) -> bytes:
    return hashlib.sha1(b"%s %d\0" % (kind, len(data)) + data, usedforsecurity=False).digest()


def _write_object(at: str, kind: bytes, data: bytes) -> bytes:
    digest = _digest(kind, data)
    name = digest.hex()
    with contextlib.suppress(FileExistsError):
        os.mkdir(os.path.join(at, "objects", name[:2]))
    _put(at, f"objects/{name[:2]}/{name[2:]}", zlib.compress(b"%s %d\0" % (kind, len(data)) + data))
    return digest


def _index(files: Mapping[str, tuple[int, bytes]]) -> bytes:
    """Without times and sizes: git then compares contents itself."""
    entries = sorted((os.fsencode(path), mode, digest) for path, (mode, digest) in files.items())
    parts = [struct.pack(">4sII", b"DIRC", 2, len(entries))]
    for path, mode, digest in entries:
        entry = struct.pack(">10I20sH", 0, 0, 0, 0, 0, 0, mode, 0, 0, 0, digest, min(len(path), 0xFFF)) + path
        parts.append(entry + bytes(8 - len(entry) % 8))
    body = b"".join(parts)
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


def _put(at: str, name: str, data: bytes) -> None:
    with open(os.path.join(at, name), "wb") as file:
        file.write(data)
