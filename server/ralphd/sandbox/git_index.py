"""Which paths git tracks, read from its index file. Runs no git: a repository's configuration can make git run programs.

The bytes are the repository's own and are not believed: whatever does not parse gives no paths.
"""

from __future__ import annotations

import os
import struct

from ralphd.core.regular_files import read_regular

_MAX_BYTES = 64 << 20
_FIXED = 62
_EXTENDED = 0x4000


def git_folder(worktree: str) -> str | None:
    """The folder that holds the index of `worktree`, or None. A `.git` file (submodule, worktree) names it."""
    dot_git = os.path.join(worktree, ".git")
    if os.path.isdir(dot_git):
        return dot_git
    lines = (read_regular(dot_git, 4096) or b"").splitlines()
    if not lines or not lines[0].startswith(b"gitdir:"):
        return None
    line = lines[0]
    return os.path.normpath(os.path.join(worktree, os.fsdecode(line[7:].strip())))


def tracked_paths(index: str) -> frozenset[str]:
    """Paths in an index of version 2 to 4, relative to its worktree."""
    try:
        data = read_regular(index, _MAX_BYTES + 1)
        return frozenset(_parse(data)) if data is not None and len(data) <= _MAX_BYTES else frozenset()
    except (struct.error, IndexError, ValueError):
        return frozenset()


def _parse(data: bytes) -> list[str]:
    signature, version, count = struct.unpack_from(">4sII", data)
    if signature != b"DIRC" or version not in (2, 3, 4):
        return []
    paths: list[str] = []
    at, previous = 12, b""
    for _ in range(count):
        start = at
        (flags,) = struct.unpack_from(">H", data, at + 60)
        at += _FIXED + (2 if version >= 3 and flags & _EXTENDED else 0)
        if version == 4:
            strip, at = _offset(data, at)
            end = data.index(b"\0", at)
            name = previous[: len(previous) - strip] + data[at:end]
            at, previous = end + 1, name
        else:
            end = data.index(b"\0", at)
            name = data[at:end]
            at = start + (end - start + 8) // 8 * 8
        paths.append(os.fsdecode(name))
    return paths


def _offset(data: bytes, at: int) -> tuple[int, int]:
    """git's variable-width number, as in offset deltas of packs."""
    value = data[at] & 0x7F
    while data[at] & 0x80:
        at += 1
        value = ((value + 1) << 7) | (data[at] & 0x7F)
    return value, at + 1
