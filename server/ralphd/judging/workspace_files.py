"""The files of the workspace as the person has them: on disk and in the buffers of the editor. Nothing is written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ralphd.context.tree import decode
from ralphd.sandbox.reading import read_beneath


class SnapshotTree:
    """The workspace as the person sees it: unsaved buffers over the disk. Not the shadow, which a test run may be changing."""

    def __init__(self, root: str, paths: Sequence[str], buffers: Mapping[str, bytes]) -> None:
        self._root, self._paths, self._buffers = root, list(paths), buffers
        self._texts: dict[str, str | None] = {}

    def paths(self) -> list[str]:
        return self._paths

    def text(self, path: str) -> str | None:
        if path not in self._texts:
            self._texts[path] = self.scan(path)
        return self._texts[path]

    def scan(self, path: str) -> str | None:
        """Not remembered: who looks through a big project must not hold all of it in memory."""
        if path in self._texts:
            return self._texts[path]
        return decode(self._buffers[path] if path in self._buffers else read_file(self._root, path))


def through_link(root: str, path: str) -> bool:
    """Whether a part of `path` is a symbolic link: what is written there lands elsewhere."""
    parts = path.split("/")
    return any(os.path.islink(os.path.join(root, *parts[: n + 1])) for n in range(len(parts)))


def read_file(root: str, path: str, limit: int = 2_000_000) -> bytes | None:
    """A regular file of the workspace, following no link; None where there is none or it is over `limit` bytes."""
    try:
        data = read_beneath(root, path, limit + 1)
    except OSError:
        return None
    return None if data is None or len(data) > limit else data
