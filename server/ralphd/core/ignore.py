"""Rules of `.gitignore` files, decided as git decides them and in time that no pattern can blow up.

The patterns come from repositories that somebody else wrote. Translated to one regular expression each, as libraries do
it, `*a*a*a*a*b` costs seconds on a single long name. Here a run of `*` never gives back what it has matched (the next
piece of a pattern has a fixed width, so the leftmost place for it is always good enough), and folders are matched by a
table of pattern parts against path parts. Semantics: the manual page gitignore(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MAX_LINE = 4096
MAX_PARTS = 64
"""Parts of one pattern between slashes."""
MAX_NAME = 255
"""Bytes of a file's name, on every file system in use: a longer pattern part matches nothing."""
MAX_RULES = 20_000
MAX_WILDCARD_RULES = 500
"""Of one file of rules. What is beyond is not read: files are then kept that would have been ignored."""

_ANY_FOLDERS = "**"
_CLASS = re.compile(r"\[(?P<not>[!^]?)(?P<body>\]?(?:\\.|\[:[a-z]{1,10}:\]|[^\]\\])*)\]", re.DOTALL)
_POSIX = {
    "alnum": "a-zA-Z0-9", "alpha": "a-zA-Z", "blank": r" \t", "cntrl": r"\x00-\x1f\x7f", "digit": "0-9",
    "graph": r"\x21-\x7e", "lower": "a-z", "print": r"\x20-\x7e", "punct": r"!-/:-@\[-`{-~", "space": r"\s",
    "upper": "A-Z", "xdigit": "0-9a-fA-F",
}  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """What stands between two stars: `width` characters, either a literal text or an expression."""

    width: int
    literal: str
    expression: re.Pattern[str] | None

    def at(self, name: str, start: int) -> bool:
        """Whether it fits at exactly `start`."""
        if self.expression is None:
            return name.startswith(self.literal, start)
        return self.expression.match(name, start) is not None

    def find(self, name: str, start: int) -> int:
        """Where it fits first from `start` on; -1: nowhere."""
        if self.expression is None:
            return name.find(self.literal, start)
        found = self.expression.search(name, start)
        return found.start() if found else -1


@dataclass(frozen=True)
class Glob:
    """A pattern for one name: its pieces, with a star between each two."""

    pieces: tuple[Piece, ...]

    def fits(self, name: str) -> bool:
        first, *middle = self.pieces
        if not first.at(name, 0):
            return False
        if not middle:
            return len(name) == first.width
        last, at = middle.pop(), first.width
        if len(name) < at + last.width or not last.at(name, len(name) - last.width):
            return False
        for piece in middle:
            found = piece.find(name, at)
            if found < 0:
                return False
            at = found + piece.width
        return at <= len(name) - last.width


_ALL = Glob((Piece(0, "", None), Piece(0, "", None)))
_NOTHING = Glob((Piece(0, "", re.compile("(?!)")),))
Part = str | Glob
"""A literal name, `**`, or a glob for names."""


@dataclass(frozen=True)
class _Rule:
    parts: tuple[Part, ...]
    ignores: bool
    """False for a rule that begins with `!`."""
    folders_only: bool


class IgnoreRules:
    """The rules of one file, in its order; the last one that fits a path decides."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._names: dict[str, list[tuple[int, _Rule]]] = {}
        """Rules that are one literal name at any depth, by that name: most rules are."""
        self._others: list[tuple[int, _Rule]] = []
        for number, line in enumerate(lines):
            if number >= MAX_RULES or len(self._others) >= MAX_WILDCARD_RULES:
                break
            rule = _parse(line) if len(line) <= MAX_LINE else None
            if rule is None:
                continue
            if len(rule.parts) == 2 and rule.parts[0] == _ANY_FOLDERS and isinstance(rule.parts[1], str):
                self._names.setdefault(rule.parts[1], []).append((number, rule))
            else:
                self._others.append((number, rule))
        self._others.reverse()

    def decide(self, path: str, folder: bool) -> bool | None:
        """Whether the rules ignore `path` itself (True) or keep it (False); None where they say nothing.

        The folders that it lies in are not asked about: git does not look into an ignored folder.
        """
        parts = path.split("/")
        last, verdict = -1, None
        for number, rule in reversed(self._names.get(parts[-1], ())):
            if folder or not rule.folders_only:
                last, verdict = number, rule.ignores
                break
        for number, rule in self._others:
            if number < last:
                break
            if (folder or not rule.folders_only) and _fits(rule.parts, parts):
                return rule.ignores
        return verdict

    def ignores(self, path: str) -> bool:
        """Whether a file is ignored, by a rule for itself or for a folder that it lies in."""
        parts = path.split("/")
        above = ("/".join(parts[:count]) for count in range(1, len(parts)))
        return any(self.decide(folder, True) for folder in above) or bool(self.decide(path, False))


def _parse(line: str) -> _Rule | None:
    """One line; None for what is blank, a comment, or no valid pattern."""
    text = _without_trailing_blanks(line.rstrip("\r\n"))
    if not text or text[0] == "#":
        return None
    ignores = text[0] != "!"
    text = text if ignores else text[1:]
    folders_only = text.endswith("/")
    text = text.removesuffix("/")
    anchored = "/" in text
    parts: list[Part] = [] if anchored else [_ANY_FOLDERS]
    names = text.removeprefix("/").split("/")
    if not text or len(names) > MAX_PARTS:
        return None
    for name in names:
        if name == _ANY_FOLDERS:
            if anchored and parts[-1:] != [_ANY_FOLDERS]:
                parts.append(_ANY_FOLDERS)
            elif not anchored:
                parts.append(_ALL)
            continue
        part = _name_pattern(name)
        if part is None:
            return None
        parts.append(part)
    if anchored and names[-1] == _ANY_FOLDERS:
        # `folder/**` is everything inside: at least one part has to follow.
        parts.append(_ALL)
    return _Rule(tuple(parts), ignores, folders_only)


def _without_trailing_blanks(text: str) -> str:
    """Blanks at the end do not count unless the last one is escaped."""
    kept = text.rstrip(" ")
    escapes = len(kept) - len(kept.rstrip("\\"))
    return kept + " " if escapes % 2 and len(kept) < len(text) else kept


def _name_pattern(name: str) -> Part | None:
    """A part of a pattern as a literal or as a glob for whole names; None where it is not valid."""
    pieces: list[list[str]] = [[]]
    literals: list[list[str] | None] = [[]]
    at = 0
    while at < len(name):
        sign, literal = name[at], False
        at += 1
        if sign == "*":
            if pieces[-1] or len(pieces) == 1:
                pieces.append([])
                literals.append([])
            continue
        if sign == "?":
            element = "."
        elif sign == "[":
            found = _CLASS.match(name, at - 1)
            if found is None:
                return None
            element, at = _character_class(found), found.end()
        else:
            if sign == "\\":
                if at == len(name):
                    return None
                sign = name[at]
                at += 1
            element, literal = re.escape(sign), True
        pieces[-1].append(element)
        known = literals[-1]
        if literal and known is not None:
            known.append(sign)
        else:
            literals[-1] = None
    if len(pieces) == 1 and literals[0] is not None:
        return "".join(literals[0])
    if sum(map(len, pieces)) > MAX_NAME:
        return _NOTHING
    try:
        return Glob(tuple(_piece(elements, known) for elements, known in zip(pieces, literals, strict=True)))
    except (re.error, OverflowError):
        return None


def _piece(elements: list[str], literal: list[str] | None) -> Piece:
    expression = None if literal is not None else re.compile("(?s:" + "".join(elements) + ")")
    return Piece(len(elements), "".join(literal or ()), expression)


def _character_class(found: re.Match[str]) -> str:
    body, out, at = found["body"], [], 0
    while at < len(body):
        named = re.compile(r"\[:([a-z]{1,10}):\]").match(body, at)
        if named:
            out.append(_POSIX.get(named[1], ""))
            at = named.end()
            continue
        if body[at] == "\\" and at + 1 < len(body):
            at += 1
            out.append(re.escape(body[at]))
        else:
            out.append("-" if body[at] == "-" else re.escape(body[at]))
        at += 1
    inner = "".join(out)
    if not inner:
        return "(?!)" if not found["not"] else "."
    return f"[{'^' if found['not'] else ''}{inner}]"


def _fits(pattern: tuple[Part, ...], path: list[str]) -> bool:
    """Whether the whole of `path` fits the whole of `pattern`; in (parts of the one) times (parts of the other) steps."""
    fixed = sum(part != _ANY_FOLDERS for part in pattern)
    if len(path) < fixed or (len(pattern) == fixed and len(path) != fixed):
        return False
    if pattern[0] == _ANY_FOLDERS and len(pattern) == 2:
        return _is(pattern[1], path[-1])
    reached = {0}
    for index in range(len(pattern)):
        part = pattern[index]
        if part == _ANY_FOLDERS:
            reached = set(range(min(reached), len(path) + 1)) if reached else reached
        else:
            reached = {at + 1 for at in reached if at < len(path) and _is(part, path[at])}
        if not reached:
            return False
    return len(path) in reached


def _is(part: Part, name: str) -> bool:
    return part == name if isinstance(part, str) else part.fits(name)
