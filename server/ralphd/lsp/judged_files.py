"""Whether the open documents are the files that a verdict holds for: hashes of what saving them would write.

A hash takes a look at the disk (for the encoding), so it is made in a thread. Until it is known, what was known before
counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from ralphd.core.digests import digest_of
from ralphd.core.latest import Latest
from ralphd.core.regular_files import read_regular
from ralphd.lsp import buffers
from ralphd.lsp.outbox import Outbox
from ralphd.lsp.workspace import Place, Workspace

FILES_KEPT = 1000


class JudgedFiles:
    """Hashes of the documents that a live review's verdict holds for; `on_known` hears of each new one."""

    def __init__(self, outbox: Outbox, workspace: Workspace, on_known: Callable[[str], None]) -> None:
        self._outbox, self._workspace, self._on_known = outbox, workspace, on_known
        self._digests: Latest[Place, str | None] = Latest(FILES_KEPT)
        self._busy: set[str] = set()

    def fits(self, root: str, hashes: Mapping[str, str]) -> bool:
        """Whether no document of `hashes` (by path in `root`) is known to hold something else."""
        return all(self._digests.get(Place(root, path), digest) == digest for path, digest in hashes.items())

    def look(self, uri: str) -> None:
        """The document was opened, changed or closed: find out what it holds now."""
        if uri not in self._busy:
            self._busy.add(uri)
            self._outbox.background(self._look(uri))

    async def _look(self, uri: str) -> None:
        try:
            place = await self._workspace.locate(uri)
            if place is None:
                return
            while True:
                document = self._workspace.documents.get(uri)
                if document is None:
                    digest = await asyncio.to_thread(_on_disk, place)
                else:
                    saved = await asyncio.to_thread(buffers.saved_as, [(place, document)])
                    digest = digest_of(saved[place.path]) if place.path in saved else None
                if self._workspace.documents.get(uri) is document:
                    break
        finally:
            self._busy.discard(uri)
        if self._digests.get(place) != digest:
            self._digests[place] = digest
            self._on_known(uri)


def _on_disk(place: Place) -> str | None:
    data = read_regular(place.absolute, buffers.MAX_BYTES)
    return digest_of(data) if data is not None else None
