"""Open documents as bytes, written as saving them would write them. Blocks on the disk: for worker threads."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ralphd.core.encodings import encoded_like
from ralphd.core.paths import within
from ralphd.core.regular_files import read_regular
from ralphd.core.text import Document
from ralphd.lsp.workspace import Place

MAX_BYTES = 8 << 20
"""How much of a file on disk is read to find out its encoding."""


def saved_as(documents: Iterable[tuple[Place, Document]]) -> dict[str, bytes]:
    """Bytes by relative path. A document whose real file lies outside its root is left out: it is none of the project's.

    Where one file is open under two names, the last one given counts.
    """
    found = {}
    for place, document in documents:
        real = os.path.realpath(place.absolute)
        if within(real, os.path.realpath(place.root)):
            found[place.path] = encoded_like(document.text.value, _read(real))
    return found


def _read(path: str) -> bytes | None:
    """The first whole lines of a regular file; None where there is none."""
    data = read_regular(path, MAX_BYTES + 1)
    return data if data is None or len(data) <= MAX_BYTES else data[: data.rfind(b"\n") + 1]
