"""Finds values that are known in a text, in the spellings and over the line ends that tools put into them."""

from __future__ import annotations

import base64
import html
import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

_SHORTEST = 8
"""Characters; a shorter value would mask ordinary words."""
_LINE_END = re.compile(r"""(?:(?:\r?\n|\\n)[E>|#"'+ \t]{0,40}+)++""")
"""Where a tool breaks a long text: the end of a line, also as JSON writes it, empty lines, and the next one's margin."""
_CLOSING = "\"'\\+ \t"
"""What may stand between a broken text and the end of its line."""
_MOST_CLOSING = 8
_LEFT_BY_JAVASCRIPT = "!*'()~"
"""What `encodeURIComponent` leaves as it is."""
_ESCAPED = re.compile("%[0-9A-F]{2}")


class KnownValues:
    def __init__(self, values: Iterable[str]) -> None:
        spellings = {spelling for value in values if len(value) >= _SHORTEST for spelling in _spellings(value)}
        self._spellings = sorted(spellings, key=len, reverse=True)

    def masked(self, text: str, mask: str) -> str:
        """`text` with every value replaced. Takes a time that grows with its length and no faster."""
        for spelling in self._spellings:
            text = text.replace(spelling, mask)
        return self._masked_over_lines(text, mask) if self._spellings else text

    def _masked_over_lines(self, text: str, mask: str) -> str:
        """Looks in the text as it would be without its line ends, and replaces what stands there in the text as it is."""
        pieces, starts, offsets, at, length = [], [], [], 0, 0
        for wrap in (*_LINE_END.finditer(text), None):
            end = len(text) if wrap is None else _before(text, wrap.start())
            if end > at:
                pieces.append(text[at:end])
                starts.append(length)
                offsets.append(at)
                length += end - at
            at = len(text) if wrap is None else wrap.end()
        if len(pieces) < 2:
            return text
        joined = "".join(pieces)

        def place(index: int) -> int:
            piece = bisect_right(starts, index) - 1
            return offsets[piece] + index - starts[piece]

        found = sorted(
            (place(index), place(index + len(spelling) - 1) + 1)
            for spelling in self._spellings
            for index in _occurrences(joined, spelling)
        )
        parts, done = [], 0
        for start, end in found:
            if start >= done:
                parts += [text[done:start], mask]
                done = end
        return "".join((*parts, text[done:]))


def _before(text: str, line_end: int) -> int:
    """Where the text of a line ends, without what closes a string there."""
    start = max(0, line_end - _MOST_CLOSING)
    return start + len(text[start:line_end].rstrip(_CLOSING))


def _occurrences(text: str, wanted: str) -> Iterator[int]:
    at = text.find(wanted)
    while at >= 0:
        yield at
        at = text.find(wanted, at + len(wanted))


def _spellings(value: str) -> Iterator[str]:
    """The value as it is, and as URLs, HTML, Python, JSON and JSON in it, hexadecimal and base64 spell it."""
    data = value.encode("utf-8", "surrogatepass")
    yield value
    for address in (*(quote(data, safe=left) for left in ("", "/", _LEFT_BY_JAVASCRIPT)), quote_plus(data)):
        yield address
        yield _ESCAPED.sub(lambda found: found[0].lower(), address)
    yield html.escape(value)
    yield html.escape(value, quote=False)
    yield from (repr(value)[1:-1], repr(data)[2:-1])
    for written in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        yield written[1:-1]
        yield written[1:-1].replace("/", "\\/")
        yield json.dumps(written)[3:-3]
    yield from (data.hex(), data.hex().upper(), data.hex(" "), data.hex(":"))
    yield from _in_base64(data)
    yield from _in_base64(value.encode("utf-16-le", "surrogatepass"))


def _in_base64(data: bytes) -> Iterator[str]:
    for before in range(3):
        # Inside a longer text, the letters at both ends also depend on the neighbours: only the middle is certain.
        whole = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
        start, end = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        if end - start >= _SHORTEST:
            yield whole[start:end]
            yield whole[start:end].replace("+", "-").replace("/", "_")
