"""Which bytes saving a text writes: the encoding of the file on disk, else the one its first lines declare, else UTF-8."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from ralphd.core.text import BOM

_COOKIE = re.compile(r"^[ \t\f]*#.{0,200}?coding[:=][ \t]*([-\w.]{1,40})")
"""A declaration such as `# -*- coding: latin-1 -*-` in one of the first two lines (PEP 263; Ruby has the same)."""
_LEGACY = ("latin-1", "cp1252", "iso8859-15", "cp1250", "cp1251", "koi8-r", "shift_jis", "euc_jp", "gb18030", "euc_kr")
"""Tried, in this order, for bytes on disk that are no UTF-8: what editors offer as a language's encoding."""


@dataclass(frozen=True)
class _Codec:
    name: str
    bom: bytes = b""

    def decode(self, data: bytes) -> str | None:
        """None where `data` is not in this encoding."""
        try:
            return data[len(self.bom) :].decode(self.name)
        except (UnicodeError, LookupError):
            return None

    def encode(self, text: str) -> bytes | None:
        """None where this encoding has not all of the characters."""
        errors = "surrogatepass" if self.name.startswith("utf") else "strict"
        try:
            return self.bom + (text.removeprefix(BOM) if self.bom else text).encode(self.name, errors)
        except (UnicodeError, LookupError):
            return None


_UTF8 = _Codec("utf-8")


def encoded_like(text: str, disk: bytes | None) -> bytes:
    """`text` in the encoding of `disk`, the bytes (or their first megabytes) of the same file; None: no such file yet.

    Where several encodings fit the bytes, the one whose characters are also in `text` counts: an editor has read them
    with the right one.
    """
    fitting = [found for codec in _candidates(text, disk) if (found := _fit(codec, text, disk or b"")) is not None]
    if not fitting:
        return text.encode("utf-8", "surrogatepass")
    return max(fitting, key=lambda pair: pair[0])[1]  # `max` keeps the first of equals


def decoded(data: bytes) -> str:
    """The text of a file's bytes: by its byte order mark, the encoding that it declares, or UTF-8.

    Line ends and the mark stay in the text. Raises UnicodeError where the bytes are not in that encoding.
    """
    marked = _marked(data)
    declared = declared_encoding(data[:1000].decode("latin-1"))
    return data.decode(marked.name if marked else declared or "utf-8")


def _marked(data: bytes) -> _Codec | None:
    """The codec that a byte order mark at the start of `data` names."""
    marks = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
    return next((_Codec(name, bom) for bom, name in marks.items() if data.startswith(bom)), None)


def _candidates(text: str, disk: bytes | None) -> list[_Codec]:
    data = disk or b""
    marked = _marked(data)
    if marked is not None:
        return [marked]
    declared = declared_encoding(text)
    likely = [*([_Codec(declared)] if declared else []), _UTF8]
    return likely if _UTF8.decode(data) is not None else [*likely, *(_Codec(name) for name in _LEGACY)]


def declared_encoding(text: str) -> str | None:
    """The encoding that a text declares for itself in its first two lines; None where it names none that exists."""
    for line in text[:1000].splitlines()[:2]:
        match = _COOKIE.match(line)
        if match:
            try:
                "".encode(match[1])
            except (LookupError, UnicodeError):
                return None
            return match[1]
    return None


def _fit(codec: _Codec, text: str, disk: bytes) -> tuple[int, bytes] | None:
    """(how many of the characters beyond ASCII that `disk` holds in this encoding are also in `text`, the bytes)."""
    decoded, encoded = codec.decode(disk), codec.encode(text)
    if decoded is None or encoded is None:
        return None
    here = {char for char in set(decoded) if char > "\x7f"}
    return len(here & set(text)), encoded
