"""Makes edits on the texts of the files: all of them, or none and the reasons. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ralphd.answers.elision import elision
from ralphd.answers.indentation import common_indent, indent_of, lines_in_strings, moved, unit_of
from ralphd.answers.locating import Found, Rule, lines_of, locate, nearest, plain_punctuation
from ralphd.answers.losses import lost
from ralphd.answers.missing_imports import with_missing_imports
from ralphd.answers.syntax import worse
from ralphd.answers.unused import without_unused_imports
from ralphd.answers.values import Hunk, SplitBlock
from ralphd.context.languages import language_of
from ralphd.core.edits import Block, FileEdit, Refusal, apply, keep_form, split_lines, with_eol
from ralphd.core.line_diff import changes
from ralphd.core.text import BOM, Replacement, Text

MAX_SHOWN = 4_000
"""Characters of quoted lines that a refusal repeats."""


@dataclass(frozen=True)
class Resolved:
    """New texts by path, all of them or none. `rules` tells which locating rule each block needed, `mended` which other
    rules had to help, a sentence each."""

    texts: Mapping[str, str] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    rules: tuple[Rule, ...] = ()
    mended: tuple[str, ...] = ()


@dataclass
class _Work:
    """What is found while the edits are made, file by file."""

    refusals: list[Refusal] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)


def resolve(
    edits: Sequence[FileEdit], texts: Mapping[str, str | None], *, instruction: str = "", mended: Sequence[str] = ()
) -> Resolved:
    """Apply `edits` to `texts` (path -> text, None or absent: no such file). `instruction`: what the person asked for,
    which tells whether a definition may vanish and whether trailing white space is meant."""
    out: dict[str, str] = {}
    work = _Work(mended=list(mended))
    strips = re.search(r"trailing|white ?space|blanks at", instruction, re.IGNORECASE) is not None
    for edit in edits:
        before = out.get(edit.path, texts.get(edit.path))
        after = _resolve_file(edit, before, work, keep_trailing=not strips)
        if after is not None:
            out[edit.path] = after
    if not work.refusals:
        for path, after in out.items():
            out[path] = _checked(path, texts.get(path), after, out, edits, instruction, work)
    if work.refusals:
        return Resolved({}, tuple(work.refusals), tuple(work.rules))
    changed = {p: t for p, t in out.items() if t != texts.get(p)}
    return Resolved(changed, (), tuple(work.rules), tuple(dict.fromkeys(work.mended)))


def _checked(
    path: str,
    before: str | None,
    after: str,
    out: Mapping[str, str],
    edits: Sequence[FileEdit],
    instruction: str,
    work: _Work,
) -> str:
    """The new text without imports that nobody uses; what would be lost or no longer parses becomes a refusal."""
    if path.casefold().endswith(".ipynb"):
        work.refusals.append(
            Refusal("format", path, f"{path} is a notebook. Notebooks are not edited; edit a module instead.")
        )
        return after
    if error := worse(path, before, after):
        work.refusals.append(Refusal("syntax", path, f"{path}: {error}. Send code that parses, and nothing else."))
        return after
    whole = any(edit.path == path and edit.whole is not None for edit in edits)
    if whole and before:
        others = {p: t for p, t in out.items() if p != path}
        if loss := lost(path, before, after, others, instruction):
            work.refusals.append(
                Refusal(
                    "loss",
                    path,
                    f"{loss}, and nobody asked for that. Send the whole new text, or only the part to change as an edit block.",
                )
            )
            return after
    used, dropped = without_unused_imports(path, before, after)
    whole_text, added = with_missing_imports(path, before, used)
    work.mended += dropped + added
    return whole_text


def _resolve_file(edit: FileEdit, before: str | None, work: _Work, *, keep_trailing: bool) -> str | None:
    whole = edit.whole
    if whole is None and len(edit.blocks) == 1 and not edit.blocks[0].old.strip():
        if before is not None and before.strip():
            work.refusals.append(
                Refusal("ambiguous", edit.path, f"{edit.path} exists and is not empty; an empty SEARCH only makes a new "
                        "file. Quote the lines to replace.")
            )  # fmt: skip
            return None
        whole = edit.blocks[0].new
    if whole is not None:
        whole = _without_path_comment(edit.path, whole, before, work)
        if gap := elision(whole, before or "", edit.path):
            work.refusals.append(elided(edit.path, gap))
            return None
        return keep_form(whole, before, keep_trailing=keep_trailing)
    if before is None:
        work.refusals.append(
            Refusal("not-found", edit.path, f"{edit.path} does not exist; an empty SEARCH makes a new file.")
        )
        return None
    return _apply_blocks(edit, before, work)


def _without_path_comment(path: str, text: str, before: str | None, work: _Work) -> str:
    """A whole text without the comment in its first line that is nothing but the path, where the file had none."""
    rest = without_path_comment(path, text)
    if before is None or rest == text or text.lstrip("\n").partition("\n")[0].strip() in before[:2000]:
        return text
    work.mended.append("dropped the comment with the path")
    return rest


def without_path_comment(path: str, text: str) -> str:
    """`text` without a first line that is a comment naming `path`, with or without folders in front."""
    first, _, rest = text.lstrip("\n").partition("\n")
    match = re.fullmatch(
        r"(?:#|//|--|;|/\*|<!--)[ \t]*(?:(?:file(?:name)?|path)[ \t]*:[ \t]*)?`?([^\s`]{1,300})`?[ \t]*(?:\*/|-->)?[ \t]*",
        first,
        re.I,
    )
    if match is None or (language_of(path).name == "markdown" and first.startswith("#")):
        return text
    named = match[1].replace("\\", "/").removeprefix("./")
    if not (
        f"/{named}".endswith(f"/{path}")
        or f"/{path}".endswith(f"/{named}")
        or named.endswith("/" + path.rpartition("/")[2])
    ):
        return text
    return rest.lstrip("\n")


def elided(path: str, gap: str) -> Refusal:
    """The refusal of a text that leaves code out."""
    return Refusal(
        "elision", path, f"{path}: the line {gap!r} stands for code that is left out. Write every line in full."
    )


def _apply_blocks(edit: FileEdit, before: str, work: _Work) -> str | None:
    replacements: list[Replacement] = []
    refused = len(work.refusals)
    known = before.splitlines()
    for block in dict.fromkeys(edit.blocks):
        placed = _place(edit.path, before, block)
        if isinstance(placed, Refusal):
            work.refusals.append(placed)
            continue
        one, found = placed
        if gap := elision(one.new, one.old, edit.path, known):
            work.refusals.append(elided(edit.path, gap))
            continue
        replacement = _replacement(edit.path, before, one, found)
        if isinstance(replacement, Refusal):
            work.refusals.append(replacement)
            continue
        work.rules.append(found.rule)
        if found.rule != "exact":
            work.mended.append(f"found quoted lines by the rule {found.rule!r}")
        replacements.append(replacement)
    replacements = sorted(replacements, key=lambda c: (c.start, c.end))
    if any(a.end > b.start for a, b in itertools.pairwise(replacements)):
        work.refusals.append(
            Refusal("ambiguous", edit.path, f"{edit.path}: two SEARCH blocks overlap. Join them into one.")
        )
    return apply(before, replacements) if len(work.refusals) == refused else None


def _place(path: str, text: str, block: Block) -> tuple[Block, Found] | Refusal:
    """The one place of a block; of several ways to split it, the only one whose old lines stand in one place."""
    splits = (Block(block.old, block.new), *block.others) if isinstance(block, SplitBlock) else (block,)
    placed = [(one, found[0]) for one in splits if len(found := locate(text, one.old)) == 1]
    if len(placed) == 1:
        return placed[0] if not isinstance(block, Hunk) else _sure(path, text, block, placed[0][1])
    if len(splits) > 1:
        return Refusal("ambiguous", path, f"{path}: a SEARCH block had more than one ======= line. Quote other lines.")
    if isinstance(block, Hunk) and block.anchor and len(below := _below(text, block)) == 1:
        return block, below[0]
    count = len(locate(text, block.old))
    shown = block.old[:MAX_SHOWN]
    if count:
        return Refusal(
            "ambiguous",
            path,
            f"{path}: the SEARCH lines stand in {count} places. Quote more lines around them.\n{shown}",
        )
    if not block.old.strip():
        return Refusal("not-found", path, f"{path}: a SEARCH part without lines can only make a new file.")
    return Refusal("not-found", path, f"{path}: the SEARCH lines do not stand in the file. You wrote:\n{shown}\n"
                   f"The nearest lines are:\n{nearest(text, block.old)}")  # fmt: skip


def _sure(path: str, text: str, hunk: Hunk, found: Found) -> tuple[Block, Found] | Refusal:
    """A hunk's only place, where it is the hunk's beyond doubt."""
    if found.indent[0] != found.indent[1] or found.rule == "first-line":
        return Refusal("not-found", path, f"{path}: the lines of a hunk stand at another depth than in the file. Write the "
                       f"signs and then each line as it stands.\n{hunk.old[:MAX_SHOWN]}")  # fmt: skip
    quoted = any(line.strip() == hunk.anchor for line in lines_of(hunk.old))
    if hunk.anchor and not quoted and found not in _below(text, hunk):
        return Refusal("not-found", path, f"{path}: the hunk does not stand inside the block that its line "
                       f"{hunk.anchor[:80]!r} behind @@ opens.")  # fmt: skip
    return hunk, found


def _below(text: str, hunk: Hunk) -> list[Found]:
    """The places of a hunk inside the block that its anchor opens: the anchor is a shallower line above, and no line
    between is as shallow as it."""
    lines, value = lines_of(text), Text(text)
    found = []
    for one in locate(text, hunk.old):
        row = value.line_of(one.span[0])
        depth = len(common_indent(lines[row : value.line_of(one.span[1]) + 1]))
        for above in reversed(lines[:row]):
            if not above.strip() or len(indent_of(above)) >= depth or above.strip() == "{":
                continue
            depth = len(indent_of(above))
            if above.strip() == hunk.anchor and one.indent[0] == one.indent[1]:
                found.append(one)
                break
    return found


def _replacement(path: str, text: str, block: Block, found: Found) -> Replacement | Refusal:
    """The located lines with the new ones in the file's form; lines that stay have the file's bytes."""
    old, new = lines_of(block.old), lines_of(block.new)
    lead, tail = found.trimmed
    old = old[lead : len(old) - tail]
    while lead and new and not new[0].strip():
        new, lead = new[1:], lead - 1
    while tail and new and not new[-1].strip():
        new, tail = new[:-1], tail - 1
    start, end = found.span
    here = text[start:end]
    value = Text(text)
    if not new:
        return Replacement(start, value.line_span(value.line_of(end), with_eol=True)[1], "")
    if found.rule == "punctuation":
        new = _punctuated(here, old, new)
    laid = _laid_out(path, here, old, new, found)
    if laid is None:
        return Refusal(
            "ambiguous", path, f"{path}: the indentation of the new lines does not fit. Write them as in the file."
        )
    eol = value.eol
    kept = split_lines(here)
    out: list[str] = []
    i = 0
    old[:1] = [part.removeprefix(BOM) for part in old[:1]]
    new[:1] = [part.removeprefix(BOM) for part in new[:1]]
    for i1, i2, j1, j2 in [*changes(old, new), (len(old), len(old), len(new), len(new))]:
        out += kept[i:i1]
        out += [line + eol for line in laid[j1:j2]]
        i = i2
    made = [line if line.endswith(("\n", "\r")) else line + eol for line in out]
    return Replacement(start, end, "".join(made).removesuffix(_end_of(made[-1])) if made else "")


def _punctuated(here: str, old: list[str], new: list[str]) -> list[str]:
    """The new lines with ASCII for the typographic characters that the model wrote where the file has none of them."""
    had = set(old)
    odd = {c for c in "".join(old) if not c.isascii() and plain_punctuation(c) != c and c not in here}
    return ["".join(plain_punctuation(c) if c in odd else c for c in line) if line not in had else line for line in new]


def _end_of(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :] if line.strip("\r\n") else ("\r\n" if line == "\r\n" else line[-1:])


def _laid_out(path: str, here: str, old: list[str], new: list[str], found: Found) -> list[str] | None:
    """The new lines at the file's depth; None where it is not clear what depth they are meant for."""
    theirs, ours = found.indent
    window = with_eol(here, "\n").split("\n")
    if found.rule == "first-line":
        deep = [line for line in new[1:] if line.strip()]
        if indent_of(new[0]) or any(not indent_of(line) for line in deep):
            return None
        return [ours + new[0], *new[1:]]
    units = (unit_of(new) or unit_of(old), unit_of(window) or ours[:1])
    if theirs == ours or (found.rule not in ("indentation", "punctuation")):
        return new
    language = language_of(path)
    fixed = lines_in_strings(language, "\n".join(moved(new, theirs, ""))) if language.strings else set()
    free = [line for number, line in enumerate(new) if number not in fixed]
    base = common_indent(free)
    if base == ours and ours != theirs and len(ours) > len(theirs):
        return new  # the old lines had lost their depth, the new ones have it
    if len(base) < len(theirs):
        return None
    mixed = ("\t" in "".join(units)) and units[0] != units[1]
    return moved(new, theirs, ours, fixed, units if mixed else ("", ""))
