"""What a refreshed slot held: hashes for the verdict, and whether the workspace has moved on since. Runs nothing."""

from __future__ import annotations

import os
import stat
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from ralphd.core.digests import digest_of, digest_of_file
from ralphd.sandbox.mirror import Mirror
from ralphd.sandbox.reading import open_beneath
from ralphd.sandbox.selection import Listing, Sig
from ralphd.sandbox.workspace import Workspace, lstat

T = TypeVar("T")
Stop = Callable[[], bool]


class InThread(Protocol):
    """Runs blocking work off the event loop; the work is handed a function that says when to stop."""

    def __call__(self, work: Callable[[Stop], T], /) -> Awaitable[T]: ...


class Snapshot:
    """The state that a refresh brought about: what the tests saw."""

    def __init__(
        self,
        workspace: Workspace,
        mirror: Mirror,
        listing: Listing,
        overlay: Mapping[str, bytes | None],
        in_thread: InThread,
    ) -> None:
        self._workspace = workspace
        self._mirror = mirror
        self._listing = listing
        self._overlay = overlay
        self._in_thread = in_thread
        self._hashes: dict[str, str] = {}
        self._current = True

    def paths(self) -> list[str]:
        """The regular files as refreshed, sorted; without ignored ones that are there for the tests alone."""
        listing = self._listing
        files = {path for path, sig in listing.files.items() if stat.S_ISREG(sig[0]) and path not in listing.brought}
        for path, data in self._overlay.items():
            (files.discard if data is None else files.add)(path)
        return sorted(files)

    def signatures(self) -> dict[str, Sig]:
        """Of the files that stand on disk as refreshed: an equal one means equal bytes."""
        return {p: sig for p, sig in self._listing.files.items() if stat.S_ISREG(sig[0]) and p not in self._overlay}

    async def hashes(self, paths: Iterable[str]) -> dict[str, str]:
        """`sha256:…` of each file as refreshed. Left out: what is no file, and what can no longer be told.

        It can be told while the copy or the original is as it was then: ask before the slot is refreshed again.
        """
        wanted = list(paths)
        return await self._in_thread(lambda stop: self._hash_all(wanted))

    async def stale_paths(self) -> tuple[str, ...]:
        """Files of the workspace that came, went or changed on disk since the refresh, sorted.

        A file that is touched, or saved with just the bytes that the overlay has for it, has not changed.
        """
        return await self._in_thread(self._stale)

    def retire(self) -> None:
        """The slot is being refreshed or given back: from now on its copies are not ours."""
        self._current = False

    def _hash_all(self, paths: list[str]) -> dict[str, str]:
        found = {}
        for path in paths:
            digest = self._hash(self._workspace.resolve(path))
            if digest is not None:
                found[path] = digest
        return found

    def _hash(self, path: str) -> str | None:
        if path in self._overlay:
            data = self._overlay[path]
            return None if data is None else digest_of(data)
        if path not in self._hashes:
            digest = self._read_hash(path)
            if digest is None:
                return None
            self._hashes[path] = digest
        return self._hashes[path]

    def _read_hash(self, path: str) -> str | None:
        sig = self._listing.files.get(path)
        if sig is None or not stat.S_ISREG(sig[0]):
            return None
        if self._current and self._mirror.pristine(path):
            digest = _digest(self._mirror.tree, path)
            # Asked again after reading: a run may be at work in the copy.
            return digest if self._mirror.pristine(path) else None
        return _digest(self._workspace.root, path) if lstat(f"{self._workspace.root}/{path}") == sig else None

    def _stale(self, stop: Stop) -> tuple[str, ...]:
        now = self._workspace.selection.scan(stop).files
        then = self._listing.files
        changed = [path for path in now.keys() | then.keys() if now.get(path) != then.get(path)]
        return tuple(sorted(path for path in changed if not self._same(path, path in now)))

    def _same(self, path: str, present: bool) -> bool:
        """Whether a file with another signature is still what was tested."""
        if path in self._overlay and self._overlay[path] is None:
            return not present
        tested = self._hash(path)
        return present and tested is not None and tested == _digest(self._workspace.root, path)


def _digest(root: str, path: str) -> str | None:
    try:
        fd = open_beneath(root, path)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):  # before a file object is made: none can be of a folder
            return None
        with open(fd, "rb", closefd=False) as file:
            return digest_of_file(file)
    finally:
        os.close(fd)
