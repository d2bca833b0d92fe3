"""Reads what the Artisan answered: text -> the new text of the target, or edits by file, or why it cannot be read. Pure.

The form is recognised from the answer, not from what was asked for. An answer without its end sentinel (the closing
fence; for blocks the line END OF EDITS) is cut off, whatever its finish_reason says: LiteLLM reports "stop" for a
stream that was cut off cleanly.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ralphd.answers.blocks import has_blocks, read_blocks
from ralphd.answers.fences import Fence, begun, last_end, next_fence, scan
from ralphd.answers.indentation import indent_of
from ralphd.answers.labels import PROSE, Label, Names, name_in_info, name_of, plainly_a_path
from ralphd.answers.markers import near_row
from ralphd.answers.patches import bare_envelope, read_patches
from ralphd.answers.reasoning import without_reasoning
from ralphd.answers.repetition import repeats_itself
from ralphd.answers.sides import beside, defines, fits, is_patch, is_tests, may_be_left_out, speaks
from ralphd.answers.syntax import sound
from ralphd.answers.values import MAX_ANSWER, MAX_FENCE_MARKS, MAX_PART, Files, FormatError, Region
from ralphd.context.languages import MARKDOWN, language_of
from ralphd.core.edits import FileEdit

LOOK_BACK = 6
"""Lines with words above a fence that are searched for its label."""
_STOPPED = "The answer stopped before its closing fence. Send it again, whole."
_NO_CODE = "There was no code in the answer. Answer with the code in one fenced block, nothing else."


def read_edits(
    answer: str, target_path: str, target_name: str = "", names: Names | None = None, *, complete: bool = False
) -> Region | Files | FormatError:
    """Read an answer about `target_path`. `target_name`: the definition asked for, it decides between bare blocks.

    `complete`: the text is known to end where the answer ends (somebody pasted it), so blocks need no last line.
    """
    if not answer.strip():
        return FormatError("The answer was empty. Answer with the code in one fenced block.")
    if len(answer) > MAX_ANSWER:
        return FormatError(f"The answer is bigger than {MAX_ANSWER} characters. Edit with blocks, or in smaller steps.")
    if answer.count("```") + answer.count("~~~") > MAX_FENCE_MARKS:
        return FormatError("The answer has too many code blocks. Answer with the code in one fenced block.")
    bare = without_reasoning(answer)
    if bare.unfinished:
        return FormatError("The answer stopped inside its reasoning. Send the answer again, whole.", truncated=True)
    lines = bare.text.replace("\r\n", "\n").split("\n")
    names = names or Names([target_path])
    read = (
        read_blocks(lines, names, target_path, complete=complete)
        if _in_blocks(lines)
        else _read_fences(lines, names, target_path, target_name)
    )
    if not isinstance(read, FormatError) and (problem := _unfit(read, target_path)):
        return FormatError(problem)
    if bare.removed and not isinstance(read, FormatError):
        return replace(read, mended=("took the reasoning out of the answer", *read.mended))
    return read


def _unfit(read: Region | Files, target_path: str) -> str:
    """Why a new text of the answer is not handed on to a grammar; "" where all may be."""
    edits = (FileEdit(target_path, whole=read.text),) if isinstance(read, Region) else read.edits
    for edit in edits:
        for text in (edit.whole or "", *(block.new for block in edit.blocks)):
            if len(text) > MAX_PART:
                return f"One text of the answer has {len(text)} characters. Edit with blocks, or in smaller steps."
            if language_of(edit.path).module and repeats_itself(text):
                return f"The text for {edit.path} repeats the same piece over and over. Write it without that."
    return ""


def _in_blocks(lines: Sequence[str]) -> bool:
    """Whether the answer is in edit blocks; rows that stand deep inside a longer fence are a document about them."""
    if not has_blocks(lines):
        return False
    shown = [
        f for f in scan(lines).fences if lines[f.first].strip().startswith("````") and f.language in MARKDOWN.fences
    ]
    inside = {n for f in shown for n in range(f.first, f.last)}
    return has_blocks([line for n, line in enumerate(lines) if n not in inside])


def _read_fences(lines: list[str], names: Names, target_path: str, target_name: str) -> Region | Files | FormatError:
    envelope = bare_envelope(_outside_fences(lines))
    rest = [*lines[: envelope.first + 1], *lines[envelope.last :]] if envelope is not None else lines
    parts = _parts(rest, names, target_path, target_name)
    if isinstance(parts, FormatError):
        return parts
    labelled, bare, patches, mended = parts
    if envelope is not None:
        patches = [*patches, ("", envelope)]
    if patches:
        return _only_patches(labelled, bare, patches, names)
    if not labelled and not bare:
        row = next((n for n, line in enumerate(lines) if near_row(line)), None)
        if row is not None:
            return FormatError(
                f"Line {row + 1}, {lines[row].strip()[:80]!r}, looks like a row of an edit block and is none."
            )
        return FormatError(_NO_CODE)
    if labelled:
        return _whole_files(lines, labelled, bare, names, mended)
    return _one_region(bare, names, target_path, target_name)


def _outside_fences(lines: list[str]) -> list[str]:
    """The lines, with those of fenced blocks empty."""
    inside = {n for fence in scan(lines).fences for n in range(fence.first, fence.last + 1)}
    return ["" if n in inside else line for n, line in enumerate(lines)]


def _only_patches(
    labelled: list[tuple[str, Fence]],
    bare: list[Fence],
    patches: list[tuple[str, Fence]],
    names: Names,
) -> Files | FormatError:
    """Patches are read where nothing else of the answer is an edit too."""
    beside_them = next((problem for fence in bare if (problem := beside(fence))), "")
    if labelled or beside_them:
        return FormatError(
            "The answer has a patch and other code. Answer in the form that was asked for, and in no other."
        )
    return read_patches(patches, names)


_Parts = tuple[list[tuple[str, Fence]], list[Fence], list[tuple[str, Fence]], list[str]]


def _parts(lines: list[str], names: Names, target_path: str, target_name: str) -> _Parts | FormatError:
    """The fences that are files, with their paths; the other fences; the patches, with a path where one stands above
    them; what had to be decided."""
    labelled: list[tuple[str, Fence]] = []
    bare: list[Fence] = []
    patches: list[tuple[str, Fence]] = []
    mended: list[str] = []
    at = 0
    while (fence := next_fence(lines, at)) is not None:
        if not isinstance(fence, Fence):
            return FormatError(_STOPPED, truncated=True)
        row = next((n for n in range(at, fence.first) if near_row(lines[n])), None)
        if row is not None:
            return FormatError(
                f"Line {row + 1}, {lines[row].strip()[:80]!r}, looks like a row of an edit block and is none."
            )
        label = _label(lines, at, fence, names)
        if label.mentioned - {target_path} and _defines(fence.text, target_name):
            label = Label(unclear=f"the sentence that names {label.path}")
        if label.unclear and not may_be_left_out(fence):
            return FormatError(
                f"It is not clear which file {label.unclear[:80]!r} (above line {fence.first + 1}) means. Write the path of "
                "an existing file, or of the new one, alone on the line before the block."
            )
        if label.path and fits(fence, label):
            chosen = _its_end(lines, fence, label.path, names)
            if isinstance(chosen, FormatError):
                return chosen
            if chosen.last != fence.last:
                mended.append(f"took the last closing fence as the end of {label.path}")
            labelled.append((label.path, chosen))
            fence = chosen
        elif is_patch(fence):
            if indent_of(lines[fence.first]) != indent_of(lines[fence.last]):
                return FormatError("It is not clear which fence ends the patch. Put a longer fence (````) around it.")
            patches.append((label.path, fence))
        else:
            bare.append(fence)
        at = fence.last + 1
    if begun(lines[at:]):
        return FormatError(_STOPPED, truncated=True)
    return labelled, bare, patches, mended


def _defines(text: str, name: str) -> bool:
    """Whether the code has a line that begins the definition of `name`."""
    short = re.escape(name.rsplit(".", 1)[-1])
    return bool(short) and re.search(rf"^[^\n]{{0,80}}\b{short}\s{{0,3}}[(<=:]", text, re.MULTILINE) is not None


def _label(lines: Sequence[str], start: int, fence: Fence, names: Names) -> Label:
    """What names the fence: its info string, else the lines above it since the part before, else its first line."""
    label = name_in_info(fence.info, names)
    if label.path or label.unclear:
        return label
    above = [line for line in lines[start : fence.first] if line.strip()]
    for number, line in enumerate(above[: -LOOK_BACK - 1 : -1]):
        label = name_of(line, names)
        if number == 0 and (label.path or label.unclear):
            return label
        if label.path and label.alone:
            return label
    return PROSE


def _its_end(lines: list[str], fence: Fence, path: str, names: Names) -> Fence | FormatError:
    """The fence with the end that is sound: the first line that can close it, or the last one before the next file."""
    stop = _next_file(lines, fence.last + 1, names)
    last = last_end(lines, fence.first, stop)
    if last is None or last <= fence.last:
        return fence
    longer = next_fence(lines, fence.first, last)
    assert isinstance(longer, Fence)
    rest = scan(lines[fence.last + 1 : stop])
    first_is_sound = (
        rest.open is None and all(f.info and may_be_left_out(f) for f in rest.fences) and sound(path, fence.text)
    )
    last_is_sound = sound(path, longer.text)
    if first_is_sound and last_is_sound:
        return FormatError(f"It is not clear which fence ends {path}. Put a longer fence (````) around it.")
    if last_is_sound:
        return longer
    return fence if first_is_sound or rest.open is None else FormatError(_STOPPED, truncated=True)


def _next_file(lines: Sequence[str], at: int, names: Names) -> int:
    """The line where the next labelled file begins, its label included; the text's end where none does."""
    last = at
    for number in range(at, len(lines)):
        line = lines[number]
        if line.lstrip().startswith(("```", "~~~")):
            above = lines[last].strip() if last < number else ""
            if name_of(above, names).alone or name_in_info(line.lstrip(" `~"), names).path:
                return last if name_of(above, names).alone else number
        if line.strip():
            last = number
    return len(lines)


def _whole_files(
    lines: list[str], labelled: list[tuple[str, Fence]], bare: list[Fence], names: Names, mended: list[str]
) -> Files | FormatError:
    for fence in bare:
        if problem := beside(fence):
            return FormatError(problem)
        mended.append(f"left out a code block that names no file (line {fence.first + 1})")
    if _announces(lines, names, {path for path, _ in labelled}):
        return FormatError(
            "The answer stopped after naming a file. Send it again, whole, with nothing after the last fence.",
            truncated=True,
        )
    texts: dict[str, str] = {}
    for path, fence in labelled:
        if texts.setdefault(path, fence.text) != fence.text:
            return FormatError(f"{path} was given twice. Give each file once, whole.")
    return Files(tuple(FileEdit(path, whole=text) for path, text in texts.items()), "whole", tuple(mended))


def _announces(lines: Sequence[str], names: Names, given: set[str]) -> bool:
    """Whether the text ends with the name of a further file, or in the middle of one."""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    if not last or last.startswith(("```", "~~~")):
        return False
    label = name_of(last, names)
    if label.path in given:
        return label.alone and last == label.path
    cut = len(last.split()) == 1 and re.search(r"\w[./\\]\w", last) is not None
    return bool(label.path and (label.alone or last.endswith(":"))) or bool(label.unclear and label.alone) or cut


def _one_region(bare: list[Fence], names: Names, path: str, name: str) -> Region | Files | FormatError:
    """The one block that is the target's new text."""
    language = language_of(path)
    fitting = [f for f in bare if speaks(language, f.language)]
    if not fitting:
        return FormatError(f"There was no code for {path} in the answer. Answer with the code in one fenced block.")
    chosen = _choose(fitting, name)
    if chosen is None:
        return FormatError(
            f"The answer had {len(bare)} code blocks and it is not clear which one is meant. Answer with exactly one "
            "fenced block."
        )
    for fence in bare:
        if fence is not chosen and (problem := beside(fence)):
            return FormatError(problem)
    label = _first_line(chosen.text, names)
    if label.path and label.path != path:
        if label.path in names.paths:
            return Files((FileEdit(label.path, whole=chosen.text),), "whole", ("took the first line as the path",))
        if label.path.rpartition("/")[2] != path.rpartition("/")[2]:
            return FormatError(
                f"The block begins with the path {label.path}, which is not the file that was asked for."
            )
    mended = ("left out the other code blocks",) if len(bare) > 1 else ()
    return Region(chosen.text, mended)


def _choose(fitting: list[Fence], name: str) -> Fence | None:
    if len(fitting) == 1:
        return fitting[0]
    short = name.rsplit(".", 1)[-1]
    pattern = re.compile(
        rf"\b(?:def|class|function|func|fn|const|let|var|struct|enum|trait|impl|type|interface)\b[^\n(]{{0,80}}?\b{re.escape(short)}\b"
        rf"|^\s{{0,12}}(?:[\w<>\[\], ]{{1,80}} )?{re.escape(short)}\s{{0,3}}\(",
        re.MULTILINE,
    )
    if short and not name.startswith("test"):
        defining = [f for f in fitting if pattern.search(f.text) and (defines(f.text) or not is_tests(f.text))]
        if len(defining) == 1:
            return defining[0]
        if defining:
            fitting = defining
    rest = [f for f in fitting if not may_be_left_out(f)]
    return rest[0] if len(rest) == 1 else None


_COMMENT = re.compile(r"^(?:#|//+|--|;+|/\*+|<!--)\s*(?P<in>[^\n]{1,200}?)\s*(?:\*/|-->)?$")


def _first_line(text: str, names: Names) -> Label:
    """What a comment in the block's first line names, where it is nothing but a path."""
    first = text.lstrip("\n").partition("\n")[0].strip()
    match = _COMMENT.match(first)
    if match is None or first.startswith("#!"):
        return PROSE
    inner = re.sub(r"^(?:file(?:name)?|path)\s*:\s*", "", match["in"], flags=re.IGNORECASE).strip("`* ")
    found = names.find(inner)
    if found.path or found.unclear:
        return found
    return Label(inner) if plainly_a_path(inner) and " " not in inner else PROSE
