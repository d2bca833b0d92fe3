"""The rows around an edit block, and the rows that look like one.

Models spell the rows a little differently each time. What can only be meant as such a row is taken as one; what looks
like one and is not taken makes the whole answer unreadable, for to drop it would be to apply half of the answer.
"""

from __future__ import annotations

import re

END_OF_EDITS = "END OF EDITS"
_ROW = r"[*_`]{0,3}"
_SEARCH = re.compile(rf"^{_ROW}(?:<{{4,10}} ?|-{{5,10}} )(?:SEARCH|ORIGINAL)(?P<rest>[^\n]{{0,300}})$", re.IGNORECASE)
_REPLACE = re.compile(
    rf"^{_ROW}(?:>{{4,10}} ?|\+{{5,10}} )(?:REPLACE|UPDATED|END)[*_`:.]{{0,4}}\s*$|^>{{5,10}}\s*$", re.IGNORECASE
)
_DIVIDER = re.compile(r"^={5,10}\s*$")
_NEAR = re.compile(
    r"^[\s*_`#>\-|]{0,12}(?:<{3,}|>{3,}|-{4,}|\+{4,}|={4,})\s*[*_`\[(<]{0,3}"
    r"(?:SEARCH|REPLACE|ORIGINAL|UPDATED|HEAD|OLD|NEW|BEFORE|AFTER|FIND)\b",
    re.IGNORECASE,
)
_PATCH = re.compile(
    r"^(?:\*\*\* (?:Begin|End) Patch\s*$|\*\*\* (?:Add|Update|Delete) File: |diff --git |@@ -\d+(?:,\d+)? \+\d)"
)
_BARE = re.compile(r"^\s{0,8}(?:<{5,}|>{5,})\s*$")
_END = re.compile(r"^[\s*_`#<>=\-/\[(~\"']{0,12}END OF EDITS\b[\s*_`#>=\-/\])~\"'.!:;<]{0,12}", re.IGNORECASE)


def search_row(line: str) -> str | None:
    """What follows the word of a row that begins a block (a path, or nothing); None where the line is no such row."""
    match = _SEARCH.match(line)
    if match is None:
        return None
    rest = match["rest"].strip("*_`: \t")
    return rest if not match["rest"] or not match["rest"][0].isalnum() else None


def width(line: str) -> int:
    """How many characters the row of a marker has."""
    return max(line.count("<"), line.count("-"))


def replace_row(line: str) -> bool:
    """Whether the line ends a block."""
    return _REPLACE.match(line) is not None


def near_divider(line: str) -> bool:
    """Whether the line parts old from new lines where a block has no better row."""
    return re.match(r"^(?:={5,10}|<{5,10}|-{5,10}|>{5,10}) ?(?:REPLACE|WITH)\s*$", line, re.IGNORECASE) is not None


def divider_row(line: str) -> bool:
    """Whether the line may stand between old and new lines."""
    return _DIVIDER.match(line) is not None


def near_row(line: str) -> bool:
    """Whether the line looks like a row of an edit block or of a patch, taken as one or not."""
    line = line[:400]
    return bool(_NEAR.match(line) or _BARE.match(line) or _PATCH.match(line))


def end_row(line: str) -> bool:
    """Whether the line says that the edits end here; a sentence may follow it."""
    match = _END.match(line[:400])
    return match is not None and (match.end() == len(line[:400]) or line[match.end() - 1] in " .!:;*")
