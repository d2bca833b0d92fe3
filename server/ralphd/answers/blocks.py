"""Reads an answer that has edit blocks: SEARCH, the old lines, a divider, the new lines, REPLACE.

Whole files in fences may stand beside the blocks. Everything that looks like a part of the answer is read or the answer
is refused, with the number of the line: half an answer is never applied.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ralphd.answers.fences import Fence, next_fence, opening
from ralphd.answers.labels import PROSE, Label, Names, name_in_info, name_of
from ralphd.answers.markers import (
    END_OF_EDITS,
    divider_row,
    end_row,
    near_divider,
    near_row,
    replace_row,
    search_row,
    width,
)
from ralphd.answers.sides import beside, fits
from ralphd.answers.values import Files, FormatError, SplitBlock, Unreadable
from ralphd.core.edits import Block, FileEdit

LOOK_AHEAD = 4
"""Lines with words that may stand between an opening fence and the first block inside it."""
LOOK_BACK = 6
"""Lines with words above a block that are searched for its label."""


def has_blocks(lines: Sequence[str]) -> bool:
    """Whether any line begins an edit block."""
    return any(search_row(line) is not None for line in lines)


def _refuse(feedback: str, *, truncated: bool = False) -> Unreadable:
    return Unreadable(FormatError(feedback, truncated))


@dataclass
class _Reader:
    """Where the reading stands: the line, the lines since the last part, the file in force."""

    lines: Sequence[str]
    names: Names
    path: str
    at: int = 0
    gap: list[str] = field(default_factory=list)
    info: str = ""
    fence: str = ""
    """The characters of the fence around blocks that is open."""
    ended: bool = False
    blocks: dict[str, list[Block]] = field(default_factory=dict)
    wholes: dict[str, str] = field(default_factory=dict)
    mended: list[str] = field(default_factory=list)


def read_blocks(lines: Sequence[str], names: Names, target: str, *, complete: bool) -> Files | FormatError:
    """`complete`: the end of the text is the end of the answer, also without the last line."""
    reader = _Reader(lines, names, target)
    try:
        while reader.at < len(lines):
            _step(reader)
    except Unreadable as unreadable:
        return unreadable.error
    wholes = [FileEdit(path, whole=text) for path, text in reader.wholes.items()]
    edits = (*wholes, *(FileEdit(path, tuple(blocks)) for path, blocks in reader.blocks.items()))
    if not reader.ended and not complete:
        feedback = (
            f"The last line must be {END_OF_EDITS}; without it the answer counts as cut off. Send it again, whole."
        )
        return FormatError(feedback, truncated=True, incomplete=edits)
    return Files(edits, "blocks", tuple(dict.fromkeys(reader.mended)))


def _step(reader: _Reader) -> None:
    line = reader.lines[reader.at]
    if search_row(line) is not None:
        _block(reader)
    elif end_row(line):
        reader.ended = True
        reader.at += 1
    elif near_row(line):
        raise _refuse(f"Line {reader.at + 1}, {line.strip()[:80]!r}, looks like a row of an edit block and is none. "
                      "Write the rows exactly as asked for and send all edits again.")  # fmt: skip
    elif opening(line) is not None:
        _fence(reader)
    else:
        if line.strip():
            reader.gap.append(line)
        reader.at += 1


def _fence(reader: _Reader) -> None:
    """An opening fence: around blocks it is stepped over, else it holds a whole file or something beside the edits."""
    opened = opening(reader.lines[reader.at])
    assert opened is not None
    _, mark, info = opened
    if reader.fence and not info and mark[0] == reader.fence[0] and len(mark) >= len(reader.fence):
        reader.fence, reader.info = "", ""
        reader.at += 1
        return
    if _holds_blocks(reader, mark):
        reader.fence, reader.info = mark, info
        reader.at += 1
        return
    fence = next_fence(reader.lines, reader.at)
    if not isinstance(fence, Fence):
        raise _refuse("The answer stopped before its closing fence. Send it again, whole.", truncated=True)
    _whole(reader, fence)
    reader.at, reader.gap = fence.last + 1, []


def _holds_blocks(reader: _Reader, mark: str) -> bool:
    words = 0
    for line in reader.lines[reader.at + 1 : reader.at + 200]:
        if search_row(line) is not None or end_row(line):
            return True
        opened = opening(line)
        if opened is not None and not opened[2] and opened[1][0] == mark[0] and len(opened[1]) >= len(mark):
            return False
        words += bool(line.strip())
        if words > LOOK_AHEAD:
            return False
    return False


def _whole(reader: _Reader, fence: Fence) -> None:
    label = name_in_info(fence.info, reader.names)
    if not label.path and not label.unclear:
        label = _nearest(reader.gap, reader.names, edits=False)
    if label.unclear:
        raise _refuse(_unclear(label, fence.first))
    if not label.path or not fits(fence, label):
        if problem := beside(fence):
            raise _refuse(problem)
        reader.mended.append(f"left out a code block that names no file (line {fence.first + 1})")
        return
    if any(search_row(line) is not None for line in fence.text.split("\n")):
        raise _refuse(f"The text of {label.path} (line {fence.first + 1}) holds rows of edit blocks, so it is not clear "
                      "what is meant. Send this file as edit blocks only.")  # fmt: skip
    if reader.wholes.setdefault(label.path, fence.text) != fence.text:
        raise _refuse(f"{label.path} was given twice. Give each file once, whole.")


def _unclear(label: Label, line: int) -> str:
    return (f"It is not clear which file {label.unclear[:80]!r} (above line {line + 1}) means. Write the path of an "
            "existing file, or of the new one, alone on the line before.")  # fmt: skip


def _nearest(gap: Sequence[str], names: Names, *, edits: bool) -> Label:
    """What the lines above a part name: the nearest line, else the nearest line above that is a name and nothing else."""
    for number, line in enumerate(gap[: -LOOK_BACK - 1 : -1]):
        label = name_of(line, names, edits=edits)
        if number == 0 and (label.path or label.unclear or label.mentioned):
            return label
        if label.path and label.alone:
            return label
    return PROSE


def _block(reader: _Reader) -> None:
    start = reader.at
    marker = reader.lines[start]
    end = start + 1
    while end < len(reader.lines) and not replace_row(reader.lines[end]):
        if search_row(reader.lines[end]) is not None:
            raise _refuse(
                f"The SEARCH block of line {start + 1} has no >>>>>>> REPLACE row. Send the edits again, whole."
            )
        end += 1
    if end == len(reader.lines):
        raise _refuse("The answer stopped inside an edit block. Send it again, whole.", truncated=True)
    block = _split(reader.lines[start + 1 : end], width(marker), start)
    path = _path_of(reader, search_row(marker) or "", block, start)
    reader.blocks.setdefault(path, []).append(block)
    reader.path, reader.at, reader.gap, reader.ended = path, end + 1, [], False


def _path_of(reader: _Reader, in_row: str, block: Block, start: int) -> str:
    """The file a block is for: named in its row, above it, or in the fence around it; else the one before."""
    edits = bool(block.old.strip())
    for text in (in_row,):
        if text:
            label = name_of(text, reader.names, edits=edits)
            if not label.path:
                raise _refuse(_unclear(Label(unclear=text), start))
            return label.path
    label = _nearest(reader.gap, reader.names, edits=edits)
    if not label.path and not label.unclear and reader.info:
        label = name_in_info(reader.info, reader.names, edits=edits)
    if label.unclear:
        raise _refuse(_unclear(label, start))
    if not label.path and label.mentioned - {reader.path}:
        raise _refuse(_unclear(Label(unclear=reader.gap[-1].strip()), start))
    return label.path or reader.path


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _split(body: Sequence[str], length: int, start: int) -> Block:
    """Old and new lines of a block. A row as long as the SEARCH row parts them where there is one, for a heading's
    underline is a row of `=` too; where several could, `resolving` takes the one whose old lines stand in the file."""
    rows = [i for i, line in enumerate(body) if divider_row(line)]
    rows = rows or [i for i, line in enumerate(body) if near_divider(line)]
    places = [i for i in rows if len(body[i].rstrip()) == length] or rows
    if len(places) > 1:
        places = [i for i in places if _whole_conflicts(body[:i]) and _whole_conflicts(body[i + 1 :])]
    if not places:
        raise _refuse(f"The SEARCH block of line {start + 1} has no ======= row between old and new lines. Send the edits "
                      "again, whole.")  # fmt: skip
    splits = [Block(_joined(body[:i]), _joined(body[i + 1 :])) for i in places[:20]]
    if len(splits) == 1:
        return splits[0]
    return SplitBlock(splits[0].old, splits[0].new, tuple(splits[1:]))


def _whole_conflicts(lines: Sequence[str]) -> bool:
    """Whether rows of a merge conflict that stand in the code are all there or not at all."""
    begins = sum(bool(re.match(r"<{7} ", line)) for line in lines)
    return begins == sum(bool(re.match(r">{7} ", line)) for line in lines)
