"""Reads patches: unified diffs, and the `*** Begin Patch` envelope that some tools teach their models.

Each hunk becomes a block: its context and removed lines are what the file must hold in one place, its context and added
lines are what takes their place. Line numbers are not looked at, for models count badly. What is looked at: every row has
its prefix, a hunk has as many rows as its header says (fewer means that it was cut), and at least one line of context or
an anchor, for removed lines alone do not tell where they stand. Anything else refuses the answer, with the number of the line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ralphd.answers.fences import Fence
from ralphd.answers.labels import Names, clean, plainly_a_path
from ralphd.answers.values import Files, FormatError, Hunk, Unreadable
from ralphd.core.edits import Block, FileEdit

BEGIN, END = "*** Begin Patch", "*** End Patch"
_COUNTS = re.compile(r"^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_GIT_ROW = re.compile(r"^(?:diff --git |index [0-9a-f]|new file mode )")
_FILE_ROW = re.compile(r"^\*\*\* (Add|Update|Delete) File: *(\S.*)$")
_NOTHING = "/dev/null"


@dataclass
class _Reader:
    """Where the reading stands. `first`: the number of the answer's line before `lines[0]`."""

    lines: Sequence[str]
    names: Names
    first: int
    blocks: dict[str, list[Block]]
    at: int = 0
    path: str = ""

    @property
    def line(self) -> str | None:
        return self.lines[self.at] if self.at < len(self.lines) else None

    def refuse(self, problem: str, at: int | None = None) -> Unreadable:
        number = self.first + (self.at if at is None else at) + 1
        return Unreadable(FormatError(f"Line {number} of the patch: {problem} Send the whole patch again."))


def read_patches(patches: Sequence[tuple[str, Fence]], names: Names) -> Files | FormatError:
    """`patches`: fenced blocks that hold patches, each with the path that labels it ("" for none)."""
    blocks: dict[str, list[Block]] = {}
    try:
        for label, fence in patches:
            lines = fence.text.split("\n")[:-1]
            reader = _Reader(lines, names, fence.first + 1, blocks, path=label)
            (_envelope if any(line.strip() == BEGIN for line in lines) else _unified)(reader)
            if label and label not in blocks:
                raise reader.refuse(f"it is not for {label}, which the line above it names.", 0)
    except Unreadable as unreadable:
        return unreadable.error
    edits = tuple(FileEdit(path, tuple(found)) for path, found in blocks.items())
    return Files(edits, "blocks", ("read the answer as a patch",))


def bare_envelope(lines: Sequence[str]) -> Fence | None:
    """The envelope that stands in the answer without a fence around it; it need not be closed."""
    first = next((n for n, line in enumerate(lines) if line.strip() == BEGIN), None)
    if first is None:
        return None
    last = next((n for n in range(first, len(lines)) if lines[n].strip() == END), len(lines) - 1)
    return Fence("patch", "".join(f"{line}\n" for line in lines[first : last + 1]), first - 1, last + 1)


def _existing(reader: _Reader, name: str) -> str:
    """The existing file that a row names."""
    found = reader.names.find(name, edits=True)
    if not found.path:
        raise reader.refuse(f"it is not clear which file {name[:80]!r} means.")
    return found.path


def _new(reader: _Reader, name: str) -> str:
    """The path of a file that is made; where it exists, making it is refused later, with its text in view."""
    found = reader.names.find(name)
    path = found.path or clean(name)
    if found.unclear or not (found.path or plainly_a_path(path)):
        raise reader.refuse(f"it is not clear which file {name[:80]!r} means.")
    return path


def _unified(reader: _Reader) -> None:
    while (line := reader.line) is not None:
        if not line.strip() or line.startswith("\\"):
            reader.at += 1
        elif _GIT_ROW.match(line):
            reader.path = ""
            reader.at += 1
        elif _is_header(reader):
            _file_header(reader)
        elif line.startswith("@@"):
            if not reader.path:
                raise reader.refuse("no file is named. Write its `---` and `+++` rows above it.")
            _add(reader, _hunk(reader, anchored=False))
        else:
            raise reader.refuse(f"{line[:80]!r} is no part of a patch.")


def _is_header(reader: _Reader) -> bool:
    pair = reader.lines[reader.at : reader.at + 2]
    return len(pair) == 2 and pair[0].startswith("--- ") and pair[1].startswith("+++ ")


def _file_header(reader: _Reader) -> None:
    """The rows `--- a/x` and `+++ b/x`. A file that is made has `/dev/null` above."""
    old, new = (row[4:].partition("\t")[0].strip().strip('"') for row in reader.lines[reader.at : reader.at + 2])
    if new == _NOTHING:
        raise reader.refuse("a file is not deleted by a patch.")
    if old != _NOTHING:
        path = _existing(reader, new)
        if _existing(reader, old) != path:
            raise reader.refuse("a file is not renamed by a patch.")
    else:
        path = _new(reader, new if reader.names.find(new).path else re.sub(r"^[ab]/", "", new))
    reader.at += 2
    reader.path = path
    if old == _NOTHING:
        _made(reader)


def _made(reader: _Reader) -> None:
    """The one hunk of a file that is made: added lines and nothing else."""
    while reader.line is not None and not reader.line.strip():
        reader.at += 1
    if reader.line is None or not reader.line.startswith("@@"):
        raise reader.refuse("a new file has one hunk with its lines.")
    hunk = _hunk(reader, anchored=False)
    if hunk.old:
        raise reader.refuse("a new file has added lines only.")
    _add(reader, hunk)


def _add(reader: _Reader, block: Block) -> None:
    reader.blocks.setdefault(reader.path, []).append(block)


def _envelope(reader: _Reader) -> None:
    while reader.line is not None and reader.line.strip() != BEGIN:
        if reader.line.strip():
            raise reader.refuse(f"{reader.line[:80]!r} is no part of a patch.")
        reader.at += 1
    reader.at += 1
    ended = False
    while (line := reader.line) is not None:
        row = _FILE_ROW.match(line)
        if not line.strip():
            reader.at += 1
        elif line.strip() == END and not ended:
            ended = True
            reader.at += 1
        elif row is None or ended:
            raise reader.refuse(f"{line[:80]!r} is no part of a patch.")
        elif row[1] == "Delete":
            raise reader.refuse("a file is not deleted by a patch.")
        else:
            _file_of_envelope(reader, row[1], row[2].strip())
    if not ended:
        raise Unreadable(FormatError(f"The patch has no row {END}. Send it again, whole.", truncated=True))


def _file_of_envelope(reader: _Reader, action: str, name: str) -> None:
    reader.path = _existing(reader, name) if action == "Update" else _new(reader, name)
    reader.at += 1
    if action == "Add":
        lines = []
        while reader.line is not None and reader.line.startswith("+"):
            lines.append(reader.line[1:])
            reader.at += 1
        if not lines:
            raise reader.refuse("a new file has its lines below, each with a `+` before it.")
        _add(reader, Block("", _joined(lines)))
        return
    if reader.line is not None and reader.line.startswith("*** Move to:"):
        raise reader.refuse("a file is not renamed by a patch.")
    began = reader.at
    while reader.line is not None and (not reader.line.startswith("*** ") or reader.line.strip() == "*** End of File"):
        if not reader.line.strip() or reader.line.startswith("***"):
            reader.at += 1
        else:
            _add(reader, _hunk(reader, anchored=True))
    if not any(line.strip() for line in reader.lines[began : reader.at]):
        raise reader.refuse(f"{reader.path} has no hunk.")


def _hunk(reader: _Reader, *, anchored: bool) -> Block:
    """One hunk, its header included. `anchored`: what follows `@@` is a line that the place stands below."""
    start, anchor, counts = reader.at, "", None
    while (line := reader.line) is not None and line.startswith("@@"):
        counts = _COUNTS.match(line)
        anchor = line.strip("@ ") if anchored and counts is None else ""
        reader.at += 1
        if not anchored:
            break
    rows = _rows(reader, (int(counts[1] or 1), int(counts[2] or 1)) if counts is not None else None, start)
    old = [row[1:] for row in rows if not row.startswith("+")]
    new = [row[1:] for row in rows if not row.startswith("-")]
    if old and not anchor and not any(row[:1] in ("", " ") and re.search(r"\w", row) for row in rows):
        raise reader.refuse("the hunk has no line of context, so its place is not sure. Quote a line beside it.", start)
    if not any(row.startswith(("+", "-")) for row in rows):
        raise reader.refuse("the hunk changes nothing.", start)
    return Hunk(_joined(old), _joined(new), anchor)


def _rows(reader: _Reader, counts: tuple[int, int] | None, start: int) -> list[str]:
    """The rows of a hunk: as many as its header says, else up to the next row that is none."""
    rows: list[str] = []
    old = new = 0
    while (line := reader.line) is not None and (counts is None or (old, new) != counts):
        if line.startswith("\\"):
            reader.at += 1
            continue
        if line.startswith(("@@", "*** ")) or _GIT_ROW.match(line) or (counts is None and _is_header(reader)):
            break
        if line[:1] not in ("", " ", "+", "-"):
            raise reader.refuse(f"{line[:80]!r} begins with none of the signs space, `+` and `-`.")
        rows.append(line)
        old, new = old + (line[:1] != "+"), new + (line[:1] != "-")
        reader.at += 1
    if counts is None:
        while rows and not rows[-1]:
            rows.pop()
    elif (old, new) != counts:
        raise reader.refuse(f"the hunk has {old} old and {new} new lines, and its header says {counts[0]} and "
                            f"{counts[1]}: it may have been cut.", start)  # fmt: skip
    return rows


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
