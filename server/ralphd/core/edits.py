"""Edits: from what a model wrote to exact replacements, or a refusal that names the nearest real lines.

Parsing (answers/replies.py) gives `FileEdit`s; `resolve` locates each in the snapshot; the result is all or nothing.
Nothing here is fuzzy by edit distance: a place is found by a named rule, in one place only, or it is refused.
"""

from __future__ import annotations

import difflib
import itertools
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ralphd.core.text import BOM, Replacement, Span, Text

Rule = Literal["exact", "line-ends", "indentation", "punctuation"]


@dataclass(frozen=True)
class Block:
    """Replace the one place where `old` stands by `new`; an empty `old` makes or fills a file."""

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

    kind: Literal["not-found", "ambiguous", "elision", "path", "locked", "control", "too-big", "redacted", "format"]
    path: str
    feedback: str


@dataclass(frozen=True)
class Resolved:
    """New texts by path, all of them or none. `rules` tells which locating rule each block needed."""

    texts: Mapping[str, str] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Found:
    span: Span
    rule: Rule
    indent: tuple[str, str] = ("", "")
    """(what the model wrote, what stands in the file): the common indentation to swap in the new lines."""


_PUNCTUATION = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2212": "-",
        "\u00a0": " ", "\u2026": "...", "\u00d7": "x",
    }
)  # fmt: skip


def locate(text: str, old: str) -> list[Found]:
    """All places of `old` in `text` by the first rule that finds any. Line based, except the exact rule's last resort."""
    hay = Text(text)
    lines = [text[slice(*hay.line_span(i))] for i in range(hay.line_count)]
    needle = _EOL_SPLIT.split(old)
    while len(needle) > 1 and not needle[-1].strip():
        needle.pop()
    while len(needle) > 1 and not needle[0].strip():
        needle.pop(0)
    if not any(part.strip() for part in needle):
        return []
    rules: tuple[tuple[Rule, Callable[[str], str]], ...] = (
        ("exact", lambda s: s),
        ("line-ends", lambda s: s.rstrip()),
    )
    for rule, key in rules:
        found = _windows(hay, [key(line) for line in lines], [key(line) for line in needle], rule)
        if found:
            return found
    for rule, key in (
        ("indentation", lambda s: s),
        ("punctuation", lambda s: unicodedata.normalize("NFC", s.translate(_PUNCTUATION))),
    ):
        found = _shifted(hay, [key(line.rstrip()) for line in lines], [key(line.rstrip()) for line in needle], rule)
        if found:
            return found
    return []


_EOL_SPLIT = re.compile(r"\r\n|\n|\r")


def _windows(hay: Text, lines: list[str], needle: list[str], rule: Rule) -> list[Found]:
    size = len(needle)
    return [
        Found((hay.line_starts[i], hay.line_span(i + size - 1)[1]), rule)
        for i in range(len(lines) - size + 1)
        if lines[i] == needle[0] and lines[i : i + size] == needle
    ]


def _indent(lines: list[str]) -> str:
    """Common leading white space of the lines that are not blank."""
    filled = [line for line in lines if line.strip()]
    if not filled:
        return ""
    first, last = min(filled), max(filled)
    common = 0
    while common < min(len(first), len(last)) and first[common] == last[common] and first[common] in " \t":
        common += 1
    return first[:common]


def _shifted(hay: Text, lines: list[str], needle: list[str], rule: Rule) -> list[Found]:
    theirs = _indent(needle)
    bare = [line.removeprefix(theirs) for line in needle]
    size, found = len(needle), []
    for i in range(len(lines) - size + 1):
        if lines[i].lstrip() != bare[0].lstrip():
            continue
        window = lines[i : i + size]
        ours = _indent(window)
        if [line.removeprefix(ours) for line in window] == bare:
            found.append(Found((hay.line_starts[i], hay.line_span(i + size - 1)[1]), rule, (theirs, ours)))
    return found


def reindent(text: str, old: str, new: str) -> str:
    """`text` with the indentation `old` at each line's start swapped for `new`; blank lines stay bare."""
    if old == new:
        return text
    out = []
    for line in text.split("\n"):
        out.append(new + line.removeprefix(old) if line.strip() else line)
    return "\n".join(out)


def with_eol(text: str, eol: str) -> str:
    """`text` with every line end written as `eol`."""
    return _EOL_SPLIT.sub(lambda _: eol, text)


def nearest(text: str, old: str, context: int = 2) -> str:
    """The lines of `text` most like `old`, numbered from 1: what a refused edit shows the model."""
    lines = _EOL_SPLIT.split(text)
    wanted = [line.strip() for line in _EOL_SPLIT.split(old) if line.strip()]
    if not wanted or not lines:
        return ""
    stripped = [line.strip() for line in lines]
    matcher = difflib.SequenceMatcher(None, autojunk=False)
    best, at = 0.0, 0
    for probe in wanted[:3]:
        matcher.set_seq2(probe)
        for i, line in enumerate(stripped[:5000]):
            matcher.set_seq1(line)
            if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and (r := matcher.ratio()) > best:
                best, at = r, i
    first, last = max(0, at - context), min(len(lines), at + len(wanted) + context)
    return "\n".join(f"{i + 1}: {lines[i]}" for i in range(first, last))


_ELISION = re.compile(
    r"^\s*(?:#|//|/\*|--|<!--|;)?\s*(?:\.\.\.|\u2026|\[\.\.\.\])?\s*"
    r"(?:\(?(?:the\s+)?(?:rest|remainder)\s+of\s+(?:the\s+)?(?:\w+\s+){0,3}"
    r"(?:code|file|function|class|method|module|implementation|body)\b"
    r"|(?:existing|previous|original|other|remaining|same)\s+(?:code|imports|functions|methods|implementation)\b"
    r"|(?:unchanged|omitted|same as (?:before|above))\b)",
    re.IGNORECASE,
)
_BARE_COMMENT_DOTS = re.compile(r"^\s*(?:#|//|/\*|--)\s*(?:\.\.\.|\u2026)\s*(?:\*/)?\s*$")
_BARE_DOTS = re.compile(r"^\s*\u2026\s*$")


def elision(new: str, old: str) -> str | None:
    """The first line of `new` that stands for code left out ("rest of code unchanged") and is not in `old`."""
    known = {line.strip() for line in _EOL_SPLIT.split(old)}
    for line in _EOL_SPLIT.split(new):
        comment = line.lstrip().startswith(("#", "//", "/*", "--", "<!--", ";", "...", "\u2026", "["))
        hit = (comment and _ELISION.match(line)) or _BARE_COMMENT_DOTS.match(line) or _BARE_DOTS.match(line)
        if hit and line.strip() not in known:
            return line.strip()
    return None


def resolve(edits: tuple[FileEdit, ...], texts: Mapping[str, str | None]) -> Resolved:
    """Apply `edits` to `texts` (path -> text, None or absent: no such file). All or nothing; pure."""
    out: dict[str, str] = {}
    refusals: list[Refusal] = []
    rules: list[Rule] = []
    for edit in edits:
        before = out.get(edit.path, texts.get(edit.path))
        after = _resolve_file(edit, before, refusals, rules)
        if after is not None:
            out[edit.path] = after
    if refusals:
        return Resolved({}, tuple(refusals), tuple(rules))
    return Resolved({p: t for p, t in out.items() if t != texts.get(p)}, (), tuple(rules))


def _resolve_file(edit: FileEdit, before: str | None, refusals: list[Refusal], rules: list[Rule]) -> str | None:
    whole = edit.whole
    if whole is None and len(edit.blocks) == 1 and not edit.blocks[0].old.strip():
        if before is not None and before.strip():
            refusals.append(
                Refusal("ambiguous", edit.path, f"{edit.path} exists and is not empty; an empty SEARCH only makes a new "
                        "file. Quote the lines to replace.")
            )  # fmt: skip
            return None
        whole = edit.blocks[0].new
    if whole is not None:
        if gap := elision(whole, before or ""):
            refusals.append(_elided(edit.path, gap))
            return None
        return keep_form(whole, before)
    if before is None:
        refusals.append(
            Refusal("not-found", edit.path, f"{edit.path} does not exist; an empty SEARCH makes a new file.")
        )
        return None
    return _apply_blocks(edit, before, refusals, rules)


def _elided(path: str, gap: str) -> Refusal:
    return Refusal(
        "elision", path, f"{path}: the line {gap!r} stands for code that is left out. Write every line in full."
    )


def _apply_blocks(edit: FileEdit, before: str, refusals: list[Refusal], rules: list[Rule]) -> str | None:
    changes: list[Replacement] = []
    for block in edit.blocks:
        if gap := elision(block.new, block.old) or elision(block.old, before):
            refusals.append(_elided(edit.path, gap))
            continue
        places = locate(before, block.old)
        if len(places) != 1:
            refusals.append(_misplaced(edit.path, before, block.old, len(places)))
            continue
        found = places[0]
        rules.append(found.rule)
        changes.append(_replacement(before, block, found))
    changes.sort(key=lambda c: (c.start, c.end))
    if any(a.end > b.start for a, b in itertools.pairwise(changes)):
        refusals.append(Refusal("ambiguous", edit.path, f"{edit.path}: two SEARCH blocks overlap. Join them into one."))
    if any(refusal.path == edit.path for refusal in refusals):
        return None
    return apply(before, changes)


def _misplaced(path: str, text: str, old: str, count: int) -> Refusal:
    if count:
        return Refusal(
            "ambiguous", path, f"{path}: the SEARCH lines stand in {count} places. Quote more lines around them.\n{old}"
        )
    return Refusal(
        "not-found",
        path,
        f"{path}: the SEARCH lines do not stand in the file. You wrote:\n{old}\nThe nearest lines are:\n{nearest(text, old)}",
    )


def _replacement(text: str, block: Block, found: Found) -> Replacement:
    """Line-wise replacement; an empty new part also takes the line end, so that no blank line is left behind."""
    start, end = found.span
    new = "\n".join(_EOL_SPLIT.split(block.new))
    new = new.removesuffix("\n")
    lead = len(block.old) - len(block.old.lstrip("\r\n"))
    new = new[min(lead, len(new) - len(new.lstrip("\n"))) :]
    if not new:
        line_end = Text(text).line_span(Text(text).line_of(end), with_eol=True)[1]
        return Replacement(start, line_end, "")
    new = reindent(new, *found.indent)
    return Replacement(start, end, with_eol(new, Text(text).eol))


def keep_form(new: str, before: str | None) -> str:
    """`new` in the file form of `before`: its line ends, its BOM, its final newline or lack of one."""
    if before is None or not before:
        text = with_eol(new, "\n")
        return text if not text or text.endswith("\n") else text + "\n"
    text = with_eol(new.removeprefix(BOM), Text(before).eol)
    bare = text.rstrip("\r\n")
    tail = before[len(before.rstrip("\r\n")) :]
    text = bare + (tail if bare else "")
    mark = BOM if before.startswith(BOM) else ""
    return mark + _keep_unchanged_bytes(text, before.removeprefix(BOM))


def _keep_unchanged_bytes(text: str, before: str) -> str:
    """Lines that differ from `before` in trailing white space or line end only keep the bytes they had."""
    old, new = Text(before), Text(text)
    a = [before[slice(*old.line_span(i, with_eol=True))] for i in range(old.line_count)]
    b = [text[slice(*new.line_span(i, with_eol=True))] for i in range(new.line_count)]
    if [x.rstrip() for x in a] == [x.rstrip() for x in b]:
        return before
    matcher = difflib.SequenceMatcher(None, [x.rstrip() for x in a], [x.rstrip() for x in b], autojunk=False)
    out: list[str] = []
    for tag, i1, _, j1, j2 in matcher.get_opcodes():
        for k in range(j1, j2):
            # A last line without its end takes the new one's, or two lines would be glued together.
            same_end = tag == "equal" and a[i1 + k - j1].endswith(("\n", "\r")) == b[k].endswith(("\n", "\r"))
            if same_end:
                out.append(a[i1 + k - j1])
            else:
                out.append(b[k])
    return "".join(out)


def apply(text: str, changes: list[Replacement]) -> str:
    """`text` with non-overlapping `changes` made."""
    out, at = [], 0
    for change in sorted(changes, key=lambda c: (c.start, c.end)):
        out += [text[at : change.start], change.new]
        at = change.end
    return "".join([*out, text[at:]])


def hunks(before: str, after: str) -> list[Replacement]:
    """Minimal line-wise replacements that turn `before` into `after`; each is accepted or rejected on its own."""
    a, b = Text(before), Text(after)
    a_lines = [before[slice(*a.line_span(i, with_eol=True))] for i in range(a.line_count)]
    b_lines = [after[slice(*b.line_span(i, with_eol=True))] for i in range(b.line_count)]
    result = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, a_lines, b_lines, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        start = a.line_starts[i1] if i1 < a.line_count else len(before)
        end = a.line_starts[i2] if i2 < a.line_count else len(before)
        result.append(Replacement(start, end, "".join(b_lines[j1:j2])))
    return result


def unified(path: str, before: str | None, after: str) -> str:
    """A unified diff, as `git apply` takes it."""
    lines = difflib.unified_diff(
        _diff_lines(before or ""),
        _diff_lines(after),
        "/dev/null" if before is None else f"a/{path}",
        f"b/{path}",
    )
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)


def _diff_lines(text: str) -> list[str]:
    return [part + "\n" for part in text.split("\n")[:-1]] + ([text.split("\n")[-1]] if text.split("\n")[-1] else [])
