"""core <-> LSP: the only converter. Positions, paths and results; no decisions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from lsprotocol import types

from ralphd.core.text import Encoding, Position, Span, Text


def to_position(position: Position) -> types.Position:
    return types.Position(line=position.line, character=position.character)


def from_position(position: types.Position) -> Position:
    return Position(position.line, position.character)


def to_range(text: Text, span: Span, encoding: Encoding) -> types.Range:
    return types.Range(
        start=to_position(text.position_at(span[0], encoding)), end=to_position(text.position_at(span[1], encoding))
    )


def from_range(text: Text, value: types.Range, encoding: Encoding) -> Span:
    start = text.offset_at(from_position(value.start), encoding)
    end = text.offset_at(from_position(value.end), encoding)
    return min(start, end), max(start, end)


def range_json(value: types.Range) -> dict[str, Any]:
    return {
        "start": {"line": value.start.line, "character": value.start.character},
        "end": {"line": value.end.line, "character": value.end.character},
    }


def uri_to_path(uri: str) -> str | None:
    """The local path of a `file:` URI; None for other schemes and other hosts."""
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return None
    path = unquote(parts.path)
    if os.name == "nt" and len(path) > 2 and path[2] == ":":
        path = path[1:]
    return os.path.normpath(path)


def path_to_uri(path: str) -> str:
    posix = Path(path).as_posix()
    return "file://" + quote(posix if posix.startswith("/") else f"/{posix}", safe="/:~@!$&'()*+,;=-._")


def same_uri(a: str, b: str) -> bool:
    """Clients escape differently: `%3A` and `:` name the same document."""
    return a == b or unquote(a) == unquote(b)
