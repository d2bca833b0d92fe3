"""What an answer was read as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ralphd.core.edits import Block, FileEdit

MAX_ANSWER = 400_000
"""Characters of the longest answer that is read, about 100,000 tokens. A longer file is edited with blocks."""


MAX_PART = 60_000
"""Characters of one text in an answer, about 1,500 lines. What is given is parsed, and text that is no code costs a
grammar many times what code does."""
MAX_FENCE_MARKS = 20_000
"""Opening and closing marks of fenced blocks in one answer; more is refused unread, so that reading stays quick."""


@dataclass(frozen=True)
class FormatError:
    """What was wrong, written for the model. `truncated`: the answer stopped early."""

    feedback: str
    truncated: bool = False
    incomplete: tuple[FileEdit, ...] = ()
    """Blocks that parse completely although the last line is missing: two such answers that agree count as one."""


class Unreadable(Exception):
    """Carries the FormatError out of the nested steps of reading."""

    def __init__(self, error: FormatError) -> None:
        super().__init__(error.feedback)
        self.error = error


@dataclass(frozen=True)
class Hunk(Block):
    """A block of a patch. Its lines are the file's at the file's own depth, for what stands behind a row's sign is exact.
    `anchor`: a line of the file that the place stands below; "" for none."""

    anchor: str = ""


@dataclass(frozen=True)
class SplitBlock(Block):
    """A block with more than one row that may part old from new lines; `others` are the other splits."""

    others: tuple[Block, ...] = ()


@dataclass(frozen=True)
class Region:
    """The full new text of the target. `mended`: the rules that reading it needed, a sentence each."""

    text: str
    mended: tuple[str, ...] = ()


@dataclass(frozen=True)
class Files:
    """Edits by file: whole texts, blocks, or both."""

    edits: tuple[FileEdit, ...]
    form: Literal["whole", "blocks"]
    mended: tuple[str, ...] = ()
