"""An editor's buffers, positions and text edits, written anew on purpose: what they shared with the server, no test could see."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlparse

from .raw_rpc import Json

_EOL = re.compile(r"\r\n|\n|\r")
_CODECS = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_WIDTH = {"utf-8": 1, "utf-16": 2, "utf-32": 4}


def position_at(text: str, offset: int, encoding: str) -> Json:
    """The LSP position of a code point offset."""
    starts = [0, *(m.end() for m in _EOL.finditer(text))]
    line = bisect_right(starts, offset) - 1
    units = len(text[starts[line] : offset].encode(_CODECS[encoding], "surrogatepass")) // _WIDTH[encoding]
    return {"line": line, "character": units}


def offset_at(text: str, position: Json, encoding: str) -> int:
    """The code point offset of an LSP position; clamped to the line and to the text."""
    starts = [0, *(m.end() for m in _EOL.finditer(text))]
    if position["line"] >= len(starts):
        return len(text)
    start: int = starts[position["line"]]
    end = _EOL.search(text, start)
    line = text[start : end.start() if end else len(text)]
    head = line.encode(_CODECS[encoding], "surrogatepass")[: position["character"] * _WIDTH[encoding]]
    return start + len(head.decode(_CODECS[encoding], "ignore"))


def apply_text_edits(text: str, edits: Sequence[Json], encoding: str) -> str:
    """All positions mean the text before; edits that overlap are the sender's fault."""
    placed = [
        (offset_at(text, e["range"]["start"], encoding), offset_at(text, e["range"]["end"], encoding), i, e["newText"])
        for i, e in enumerate(edits)
    ]
    placed.sort()
    out, at = [], 0
    for start, end, _, new in placed:
        assert start >= at and end >= start, f"overlapping edits: {edits}"
        out += [text[at:start], new]
        at = end
    return "".join([*out, text[at:]])


def path_of(uri: str) -> Path:
    return Path(unquote(urlparse(uri).path))


@dataclass
class Buffer:
    uri: str
    text: str
    version: int
    language: str
    unsent: list[Json] = field(default_factory=list)
    undo: list[str] = field(default_factory=list)
    """Texts before each change, the newest last."""
