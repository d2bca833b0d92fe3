"""Fenced code blocks, as CommonMark reads them (section 4.5), and the other place where one may end.

A fence ends at the first line of its own characters, at least as long. A model that writes Markdown or a docstring with a
fence of its own inside forgets to make the outer one longer, and then the first such line is not the end. `last_end`
finds the other candidate; `reading` decides which of the two is sound.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_OPENING = re.compile(r"^([ \t]*)(`{3,}|~{3,})[ \t]*([^\r\n]*)$")
LIST_INDENT = 3
"""A fence that is indented by more stands in a list item, and then every line of it is."""

MAX_SHOWN = 40
"""Such lines that turn out to be no fence; each costs a look at the rest of the text."""


@dataclass(frozen=True)
class Fence:
    """One fenced block: its info string, its text (each line with "\\n"), and the lines (0-based) of its two fences."""

    info: str
    text: str
    first: int
    last: int

    @property
    def language(self) -> str:
        """The info string's first word, without attributes: `python` of `python {1,3}` and of `python:a.py`."""
        return re.split(r"[\s:{,]", self.info.strip(), maxsplit=1)[0].lower()


@dataclass(frozen=True)
class Scan:
    """All closed fences of an answer in order; `open`: the line where one opens that is never closed."""

    fences: tuple[Fence, ...]
    open: int | None = None


def opening(line: str) -> tuple[str, str, str] | None:
    """(indentation, fence characters, info string) of an opening fence."""
    match = _OPENING.match(line)
    if match is None or (match[2][0] == "`" and "`" in match[3]):
        return None
    return match[1], match[2], match[3].strip()


def _closes(line: str, indent: str, mark: str) -> bool:
    match = _OPENING.match(line)
    if match is None or match[3].strip() or match[2][0] != mark[0] or len(match[2]) < len(mark):
        return False
    return len(match[1].expandtabs(4)) <= len(indent.expandtabs(4)) + LIST_INDENT


def next_fence(lines: Sequence[str], at: int, end: int | None = None) -> Fence | int | None:
    """The first fence from line `at` on; the line where one opens that is never closed; None where none opens.

    `end`: the closing line to take instead of the first that fits.
    """
    shown = 0
    while at < len(lines):
        opened = opening(lines[at])
        if opened is None:
            at += 1
            continue
        indent, mark, info = opened
        closing = end if end is not None else _first_end(lines, at, indent, mark)
        if closing is None:
            return at
        body = lines[at + 1 : closing]
        if len(indent) > LIST_INDENT and any(line.strip() and not line.startswith(indent) for line in body):
            at, shown = at + 1, shown + 1  # indented code that shows a fence, not a fence
            if shown > MAX_SHOWN:
                return at
            continue
        return Fence(info, "".join(f"{_outdented(line, indent)}\n" for line in body), at, closing)
    return None


def scan(lines: Sequence[str]) -> Scan:
    """The fences of `lines`, each up to the first line that can close it."""
    found: list[Fence] = []
    at = 0
    while True:
        one = next_fence(lines, at)
        if not isinstance(one, Fence):
            return Scan(tuple(found), one)
        found.append(one)
        at = one.last + 1


def _first_end(lines: Sequence[str], at: int, indent: str, mark: str) -> int | None:
    return next((i for i in range(at + 1, len(lines)) if _closes(lines[i], indent, mark)), None)


def last_end(lines: Sequence[str], at: int, stop: int) -> int | None:
    """The last line before `stop` that can close the fence that opens at line `at`."""
    opened = opening(lines[at])
    if opened is None:
        return None
    indent, mark, _ = opened
    return next((i for i in range(stop - 1, at, -1) if _closes(lines[i], indent, mark)), None)


def _outdented(line: str, indent: str) -> str:
    if line.startswith(indent):
        return line[len(indent) :]
    return line.lstrip(" ") if not line[: len(indent)].strip() else line


def sound(text: str) -> bool:
    """Whether `text` holds closed fences and no open one."""
    found = scan(text.split("\n"))
    return bool(found.fences) and found.open is None


def fences(text: str) -> tuple[list[Fence], bool]:
    """Closed fenced blocks in order, and whether the answer stopped inside one or inside an opening fence."""
    lines = text.replace("\r\n", "\n").split("\n")
    found = scan(lines)
    after = found.fences[-1].last + 1 if found.fences else 0
    return list(found.fences), found.open is not None or begun(lines[after:])


def begun(lines: Sequence[str]) -> bool:
    """Whether the lines behind the last fence stop in the first characters of another."""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return bool(last) and not last.strip("`~")
