"""Text as editors see it: LSP line rules, position encodings, versions. Knows nothing of LSP's types.

Lines end at "\\n", "\\r\\n" or "\\r" only (LSP 3.18, "Text Documents"); `str.splitlines` also splits at form feeds and
U+2028, which puts edits on wrong lines.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Encoding = Literal["utf-8", "utf-16", "utf-32"]
Span = tuple[int, int]
"""Start and end as code point offsets, end exclusive."""

_EOL = re.compile(r"\r\n|\n|\r")
BOM = "\ufeff"


def is_binary(data: bytes | str) -> bool:
    """Whether a file's content is no text: a NUL among its first 8,192 bytes or characters, as git decides it."""
    head = data[:8192]
    return "\0" in head if isinstance(head, str) else b"\0" in head


def units(text: str, encoding: Encoding) -> int:
    """Length of `text` in code units of `encoding`."""
    if encoding == "utf-32" or text.isascii():
        return len(text)
    if encoding == "utf-8":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text) + sum(1 for c in text if c > "\uffff")


@dataclass(frozen=True)
class Position:
    """0-based line, and 0-based character in code units of the client's encoding."""

    line: int
    character: int


@dataclass(frozen=True)
class Text:
    """A text with its lines. Immutable; a change makes a new one."""

    value: str

    @cached_property
    def line_starts(self) -> list[int]:
        return [0, *(m.end() for m in _EOL.finditer(self.value))]

    @property
    def line_count(self) -> int:
        return len(self.line_starts)

    def line_of(self, offset: int) -> int:
        """0-based line that holds `offset`."""
        return bisect_right(self.line_starts, max(0, min(offset, len(self.value)))) - 1

    def line_span(self, line: int, *, with_eol: bool = False) -> Span:
        starts = self.line_starts
        start = starts[line]
        end = starts[line + 1] if line + 1 < len(starts) else len(self.value)
        if not with_eol:
            while end > start and self.value[end - 1] in "\r\n":
                end -= 1
        return start, end

    def offset_at(self, position: Position, encoding: Encoding) -> int:
        """Code point offset; positions beyond a line or the text are clamped, as LSP asks."""
        if position.line >= self.line_count:
            return len(self.value)
        if position.line < 0:
            return 0
        start, end = self.line_span(position.line)
        line = self.value[start:end]
        if encoding == "utf-32" or line.isascii():
            return start + max(0, min(position.character, len(line)))
        seen = 0
        for index, char in enumerate(line):
            if seen >= position.character:
                return start + index
            seen += units(char, encoding)
        return end

    def position_at(self, offset: int, encoding: Encoding) -> Position:
        offset = max(0, min(offset, len(self.value)))
        line = self.line_of(offset)
        start = self.line_starts[line]
        return Position(line, units(self.value[start:offset], encoding))

    def whole_lines(self, span: Span) -> Span:
        """`span` grown to whole lines, their line ends included. An end at a line's start does not take that line."""
        start, end = span
        first = self.line_of(start)
        last = self.line_of(end)
        if end > start and last > first and end == self.line_starts[last]:
            last -= 1
        return self.line_starts[first], self.line_span(last, with_eol=True)[1]

    @property
    def eol(self) -> str:
        """The commonest line end; "\\n" where there is none."""
        crlf = self.value.count("\r\n")
        lf = self.value.count("\n") - crlf
        cr = self.value.count("\r") - crlf
        return max(((lf, "\n"), (crlf, "\r\n"), (cr, "\r")), key=lambda pair: pair[0])[1]


@dataclass(frozen=True)
class Document:
    """One open document at one version. `version` as the client counts it: it may jump."""

    uri: str
    version: int
    text: Text
    language: str = ""

    def changed(self, version: int, start: Position, end: Position, new: str, encoding: Encoding) -> Document:
        begin = self.text.offset_at(start, encoding)
        stop = self.text.offset_at(end, encoding)
        begin, stop = min(begin, stop), max(begin, stop)
        value = self.text.value
        return Document(self.uri, version, Text(value[:begin] + new + value[stop:]), self.language)


@dataclass(frozen=True)
class Replacement:
    """Replace `span` of a text by `new`."""

    start: int
    end: int
    new: str


def shift(span: Span, change: Replacement) -> Span | None:
    """Where `span` lies after `change`; None when the change touches its inside.

    An insertion exactly at either border leaves an occupied span alone; so does a change that ends or starts there.
    """
    start, end = span
    grown = len(change.new) - (change.end - change.start)
    if change.end <= start:
        return start + grown, end + grown
    if change.start >= end:
        return span
    return None


def common_prefix(a: str, b: str) -> int:
    """Length of the longest beginning that both texts share. Compares slices, which is fast on texts of megabytes."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def common_suffix(a: str, b: str) -> int:
    """Length of the longest end that both texts share."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[len(a) - middle : len(a) - low] == b[len(b) - middle : len(b) - low]:
            low = middle
        else:
            high = middle - 1
    return low


def difference(old: str, new: str) -> Replacement:
    """The smallest single replacement that makes `new` of `old`."""
    start = common_prefix(old, new)
    end = min(common_suffix(old, new), min(len(old), len(new)) - start)
    return Replacement(start, len(old) - end, new[start : len(new) - end])
