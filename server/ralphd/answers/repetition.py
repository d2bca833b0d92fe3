"""Texts that say the same thing over and over: what a model writes that got into a loop, and what no grammar is fed.

The grammars mend broken text by trying many readings, and in text that repeats what they cannot read the readings
multiply: 4,000 characters of `<!--` keep one of them busy for ten seconds, 10,000 of `<a ` take another a gigabyte of memory.
What repeats itself is told by how small it can be compressed, which is the same on every machine.
"""

from __future__ import annotations

import re
import zlib

WINDOW = 1_000
"""Characters that are looked at together."""
SMALLEST = 0.05
"""What is compressed to less than this part of its length repeats itself. Real code stays above 0.1."""
_WORD = re.compile(r"\w+")
_DATA = re.compile(r"[\d\s,.]{100,}|([\w=*#~/ .+-])\1{50,}")
"""Rows of numbers, blank lines, one long word, a line drawn of one sign: these repeat themselves and are read quickly."""


def repeats_itself(text: str) -> bool:
    """Whether a stretch of `text` repeats itself."""
    if len(text) <= WINDOW:
        return False
    text = _DATA.sub("0", text)
    stretches = _stretches(text)
    for line in text.split("\n"):
        if len(line) > WINDOW:  # rows of a table are alike too, but each stands on its own line
            stretches += _stretches(_WORD.sub("a", line))
    return any(map(_tiny, stretches))


def _stretches(text: str) -> list[str]:
    return [text[at : at + WINDOW] for at in range(0, len(text) - WINDOW + 1, WINDOW // 2)]


def _tiny(text: str) -> bool:
    data = text.encode("utf-8", "surrogatepass")
    return len(zlib.compress(data, 1)) < SMALLEST * len(data) + 8
