"""Edits as values: what a model wants of a file, why it is refused, and the differences between two texts.

`answers/` reads these from a model's text and locates them; nothing here knows how an answer looks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ralphd.core.line_diff import Change, changes
from ralphd.core.text import BOM, Replacement, Text

EOL = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Block:
    """Replace the one place where the lines of `old` stand by the lines of `new`. Each line ends with "\\n", the last one
    need not; the empty text is no line at all. No old line: the file is made, or filled where it is empty."""

    old: str
    new: str


@dataclass(frozen=True)
class FileEdit:
    """What a model wants of one file: `blocks`, or the whole new text."""

    path: str
    blocks: tuple[Block, ...] = ()
    whole: str | None = None


@dataclass(frozen=True)
class Refusal:
    """Why an edit cannot be: `feedback` is written for the model, `kind` for code."""

    kind: Literal[
        "not-found",
        "ambiguous",
        "elision",
        "loss",
        "syntax",
        "path",
        "generated",
        "locked",
        "control",
        "too-big",
        "redacted",
        "format",
    ]
    path: str
    feedback: str


def with_eol(text: str, eol: str) -> str:
    """`text` with every line end written as `eol`."""
    return EOL.sub(lambda _: eol, text)


def split_lines(text: str) -> list[str]:
    """The lines of `text` with their line ends; joined they are `text` again."""
    starts = Text(text).line_starts
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)])]


def keep_form(new: str, before: str | None, *, keep_trailing: bool = True) -> str:
    """`new` in the file form of `before`: its line ends, its BOM, its final newline or lack of one.

    Lines that differ in trailing white space only keep the bytes they had, for models drop it without being asked;
    with `keep_trailing` false they are changed too.
    """
    if before is None or not before:
        text = with_eol(new, "\n")
        return text if not text or text.endswith("\n") else text + "\n"
    text = with_eol(new.removeprefix(BOM), Text(before).eol)
    bare = text.rstrip("\r\n")
    tail = before[len(before.rstrip("\r\n")) :]
    text = bare + (tail if bare else "")
    mark = BOM if before.startswith(BOM) else ""
    return mark + _keep_unchanged_bytes(text, before.removeprefix(BOM), " \t\f\v" if keep_trailing else "")


def _keep_unchanged_bytes(text: str, before: str, ignored: str) -> str:
    """`text`, where the lines that equal one of `before` but for the characters `ignored` at their end and their line
    end have the bytes of `before`."""
    old, new = split_lines(before), split_lines(text)
    a, b = [line.rstrip(ignored + "\r\n") for line in old], [line.rstrip(ignored + "\r\n") for line in new]
    if a == b:
        return before
    out: list[str] = []
    i = j = 0
    for i1, i2, j1, j2 in [*changes(a, b), (len(a), len(a), len(b), len(b))]:
        for was, line in zip(old[i:i1], new[j:j1]):
            # A last line without its end takes the new one's, or two lines would be glued together.
            same_end = was.endswith(("\n", "\r")) == line.endswith(("\n", "\r"))
            _add(out, was if same_end else line)
        for line in new[j1:j2]:
            _add(out, line)
        i, j = i2, j2
    return "".join(out)


def _add(out: list[str], line: str) -> None:
    """Append a line; an empty one whose end is "\\n" may not melt with a "\\r" before it into one line end."""
    out.append("\r" if line == "\n" and out and out[-1].endswith("\r") else line)


def apply(text: str, replacements: Sequence[Replacement]) -> str:
    """`text` with non-overlapping `replacements` made."""
    out, at = [], 0
    for one in sorted(replacements, key=lambda c: (c.start, c.end)):
        out += [text[at : one.start], one.new]
        at = one.end
    return "".join([*out, text[at:]])


def hunks(before: str, after: str) -> list[Replacement]:
    """Line-wise replacements that turn `before` into `after`; each is accepted or rejected on its own."""
    if before == after:
        return []
    a = Text(before)
    b_lines = split_lines(after)
    result = []
    for i1, i2, j1, j2 in changes(split_lines(before), b_lines):
        start = a.line_starts[i1] if i1 < a.line_count else len(before)
        end = a.line_starts[i2] if i2 < a.line_count else len(before)
        result.append(Replacement(start, end, "".join(b_lines[j1:j2])))
    return result


CONTEXT = 3
"""Unchanged lines around each change of a unified diff."""


def unified(path: str, before: str | None, after: str) -> str:
    """A unified diff, as `git apply` takes it; empty where nothing differs."""
    a, b = _diff_lines(before or ""), _diff_lines(after)
    found = changes(a, b)
    if not found:
        return ""
    out = [f"--- {'/dev/null' if before is None else f'a/{path}'}\n", f"+++ b/{path}\n"]
    for group in _groups(found):
        out += _hunk(a, b, group)
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in out)


def _groups(found: list[Change]) -> list[list[Change]]:
    """Changes whose context touches are shown together."""
    groups: list[list[Change]] = []
    for change in found:
        if groups and change[0] - groups[-1][-1][1] <= 2 * CONTEXT:
            groups[-1].append(change)
        else:
            groups.append([change])
    return groups


def _hunk(a: list[str], b: list[str], group: list[Change]) -> list[str]:
    first, last = group[0], group[-1]
    i1, j1 = max(0, first[0] - CONTEXT), max(0, first[2] - CONTEXT)
    i2, j2 = min(len(a), last[1] + CONTEXT), min(len(b), last[3] + CONTEXT)
    out = [f"@@ -{_range(i1, i2)} +{_range(j1, j2)} @@\n"]
    at = i1
    for x1, x2, y1, y2 in group:
        out += [f" {line}" for line in a[at:x1]]
        out += [f"-{line}" for line in a[x1:x2]]
        out += [f"+{line}" for line in b[y1:y2]]
        at = x2
    return out + [f" {line}" for line in a[at:i2]]


def _range(start: int, stop: int) -> str:
    length = stop - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"


def _diff_lines(text: str) -> list[str]:
    return [part + "\n" for part in text.split("\n")[:-1]] + ([text.split("\n")[-1]] if text.split("\n")[-1] else [])
