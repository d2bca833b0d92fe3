"""The output of a test run: kept at both ends, and made safe to show."""

from __future__ import annotations

import re
from collections.abc import Callable

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # OSC: titles, hyperlinks, clipboard
    r"|\x1b[PX^_][^\x1b\n]*(?:\x1b\\)?"  # DCS, SOS, PM, APC
    r"|\x1b\[[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"  # the rest of C0 (not \t \n \r), DEL, C1
    r"|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]"  # bidi, tags
)


def clean(raw: bytes) -> str:
    """Text that is safe in a log, a diagnostic and a prompt. In pieces, so that other threads get their turn."""
    text = raw.decode("utf-8", "replace")
    out: list[str] = []
    at = 0
    while at < len(text):
        end = text.find("\n", at + (1 << 15)) + 1 or min(len(text), at + (1 << 17))
        piece = text[at : min(end, at + (1 << 17))]
        out.append(_ESCAPES.sub("", piece))
        at += len(piece)
    return "".join(out).replace("\r\n", "\n").replace("\r", "\n")


class Output:
    """The first and the last bytes of a stream."""

    def __init__(self, cap: int, heard: Callable[[bytes], None] | None = None) -> None:
        """`heard` is handed each piece as it comes."""
        self._heard = heard
        self._half = max(1024, cap // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def feed(self, data: bytes) -> None:
        self.total += len(data)
        if self._heard is not None:
            self._heard(data)
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > 2 * self._half:
            del self._tail[: -self._half]

    def first(self, length: int) -> bytes:
        """At most `length` bytes of the beginning."""
        return bytes(self._head[:length])

    def parts(self) -> tuple[bytes, int, bytes]:
        tail = bytes(self._tail[-self._half :])
        return bytes(self._head), self.total - len(self._head) - len(tail), tail
