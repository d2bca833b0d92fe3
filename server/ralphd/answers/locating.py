"""Finds quoted lines in a file, by named rules, and never by how many characters agree.

The rules are tried in order, and the first that finds any place decides. More than one place, or none, is refused by the
caller, with the lines of the file that are most like those that were quoted.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ralphd.answers.indentation import common_indent, indent_of
from ralphd.core.edits import EOL
from ralphd.core.text import BOM, Span, Text

Rule = Literal["exact", "line-ends", "indentation", "first-line", "punctuation"]


MAX_COMPARED = 200_000
"""Lines that the rule for another depth compares at most; quoted lines that stand at so many places mean none."""


@dataclass(frozen=True)
class Found:
    """One place of the quoted lines, whole lines without the last line's end."""

    span: Span
    rule: Rule
    indent: tuple[str, str] = ("", "")
    """(what the model wrote, what stands in the file): the common indentation to swap in the new lines."""
    trimmed: tuple[int, int] = (0, 0)
    """Blank lines at the start and the end of the quoted lines that do not stand in the file."""


_PUNCTUATION = str.maketrans(
    {
        **{chr(c): "-" for c in range(0x2010, 0x2016)}, "\u2212": "-",
        **{chr(c): "'" for c in range(0x2018, 0x201C)}, **{chr(c): '"' for c in range(0x201C, 0x2020)},
        **{chr(c): " " for c in range(0x2002, 0x200B)}, "\u00a0": " ", "\u202f": " ", "\u205f": " ", "\u3000": " ",
        "\u2026": "...", "\u00d7": "x",
    }
)  # fmt: skip


def plain_punctuation(text: str) -> str:
    """`text` with typographic characters as the ASCII ones that a model writes for them."""
    return unicodedata.normalize("NFC", text.translate(_PUNCTUATION))


def lines_of(text: str) -> list[str]:
    """The lines of quoted text, without their ends; a last line end ends the last line and begins none."""
    lines = EOL.split(text)
    if lines and not lines[-1]:
        lines.pop()
    return lines


def locate(text: str, old: str) -> list[Found]:
    """All places of the lines `old` in `text` by the first rule that finds any."""
    hay = Text(text)
    lines = EOL.split(text)
    needle = lines_of(old)
    if not any(part.strip() for part in needle):
        return []
    if text.startswith(BOM):
        lines[0] = lines[0].removeprefix(BOM)
    needle[0] = needle[0].removeprefix(BOM)
    if not any(part.strip() for part in needle):
        return []
    if not _may_stand(lines, needle):
        return []
    found = _by_rules(hay, lines, needle)
    if found:
        return found
    lead = next(i for i, part in enumerate(needle) if part.strip())
    tail = next(i for i, part in enumerate(reversed(needle)) if part.strip())
    if not lead and not tail:
        return []
    trimmed = _by_rules(hay, lines, needle[lead : len(needle) - tail])
    return [Found(one.span, one.rule, one.indent, (lead, tail)) for one in trimmed]


def _may_stand(lines: Sequence[str], needle: Sequence[str]) -> bool:
    """Whether each quoted line with words is some line of the file by the most generous rule: a quick look first."""
    known = {line.strip() for line in lines}
    missing = {part.strip() for part in needle} - known - {""}
    if not missing:
        return True
    plain = {plain_punctuation(line) for line in known}
    return all(plain_punctuation(part) in plain for part in missing)


def _by_rules(hay: Text, lines: list[str], needle: list[str]) -> list[Found]:
    def stripped(line: str) -> str:
        return line.rstrip()

    def ascii_only(line: str) -> str:
        return plain_punctuation(line.rstrip())

    def same(line: str) -> str:
        return line

    exact: tuple[tuple[Rule, Callable[[str], str]], ...] = (("exact", same), ("line-ends", stripped))
    for rule, key in exact:
        found = _windows(hay, [key(line) for line in lines], [key(line) for line in needle], rule)
        if found:
            return found
    for rule, key in (("indentation", stripped), ("punctuation", ascii_only)):
        keyed, wanted = [key(line) for line in lines], [key(line) for line in needle]
        found = _shifted(hay, keyed, wanted, rule) or (
            _windows(hay, keyed, wanted, rule) if rule == "punctuation" else _first_line_lost(hay, keyed, wanted)
        )
        if found:
            return found
    return []


def _place(hay: Text, first: int, last: int) -> Span:
    start = hay.line_starts[first]
    if first == 0 and hay.value.startswith(BOM):
        start = len(BOM)
    return start, hay.line_span(last)[1]


def _at(keys: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Where `wanted` stands in `keys` as a run of lines (Knuth, Morris and Pratt: no line is looked at twice)."""
    fail = [0] * len(wanted)
    k = 0
    for i in range(1, len(wanted)):
        while k and wanted[i] != wanted[k]:
            k = fail[k - 1]
        k += wanted[i] == wanted[k]
        fail[i] = k
    found, k = [], 0
    for i, line in enumerate(keys):
        while k and (k == len(wanted) or line != wanted[k]):
            k = fail[k - 1]
        k += line == wanted[k]
        if k == len(wanted):
            found.append(i - k + 1)
    return found


def _windows(hay: Text, lines: list[str], needle: list[str], rule: Rule) -> list[Found]:
    return [Found(_place(hay, i, i + len(needle) - 1), rule) for i in _at(lines, needle)]


def _shifted(hay: Text, lines: list[str], needle: list[str], rule: Rule) -> list[Found]:
    """The same lines at another depth: with the common indentation of both taken off, they are equal."""
    theirs = common_indent(needle)
    bare = [line.removeprefix(theirs) for line in needle]
    found = []
    places = _at([line.lstrip() for line in lines], [line.lstrip() for line in needle])
    if len(places) * len(needle) > MAX_COMPARED:
        return []
    for i in places:
        window = lines[i : i + len(needle)]
        ours = common_indent(window)
        if [line.removeprefix(ours) if line.strip() else "" for line in window] == [
            b if b.strip() else "" for b in bare
        ] or _same_levels(window, ours, bare):
            found.append(Found(_place(hay, i, i + len(needle) - 1), rule, (theirs, ours)))
    return found


def _same_levels(window: list[str], ours: str, bare: list[str]) -> bool:
    """Whether the lines have the same levels of indentation, in tabs here and in spaces there."""
    a = [indent_of(line.removeprefix(ours)) for line in window if line.strip()]
    b = [indent_of(line) for line in bare if line.strip()]
    if ("\t" in "".join(a)) == ("\t" in "".join(b)):
        return False
    steps: dict[str, str] = {}
    return all(steps.setdefault(x, y) == y for x, y in zip(a, b)) and len(set(steps.values())) == len(steps)


def _first_line_lost(hay: Text, lines: list[str], needle: list[str]) -> list[Found]:
    """The first quoted line lost its indentation, the others have theirs."""
    if len(needle) < 2 or indent_of(needle[0]):
        return []
    found = []
    for i in _at(lines, needle[1:]):
        if i and lines[i - 1].lstrip() == needle[0] and lines[i - 1] != needle[0]:
            found.append(Found(_place(hay, i - 1, i + len(needle) - 2), "first-line", ("", indent_of(lines[i - 1]))))
    return found


_WORDS = re.compile(r"\w+|[^\w\s]")
NEAREST_LINES, NEAREST_WIDTH = 20_000, 200
"""How much of a file is compared to find the lines that are most like quoted ones."""


def nearest(text: str, old: str, context: int = 2) -> str:
    """The lines of `text` most like `old`, numbered from 1: what a refused edit shows the model.

    Likeness is how many words and signs two lines share (Dice's coefficient over multisets).
    """
    lines = EOL.split(text)
    wanted = [line for line in EOL.split(old[:10_000]) if line.strip()]
    if not wanted:
        return ""
    probes = [Counter(_WORDS.findall(line[:NEAREST_WIDTH])) for line in wanted[:3]]
    best, at = 0.0, 0
    for i, line in enumerate(lines[:NEAREST_LINES]):
        words = Counter(_WORDS.findall(line[:NEAREST_WIDTH]))
        for probe in probes:
            total = words.total() + probe.total()
            score = 2 * (words & probe).total() / total if total else 0.0
            if score > best:
                best, at = score, i
    first, last = max(0, at - context), min(len(lines), at + min(len(wanted), 60) + context)
    return "\n".join(f"{i + 1}: {lines[i][:NEAREST_WIDTH]}" for i in range(first, last))
