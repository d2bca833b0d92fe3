"""Text of others made safe to show to a person who decides on it: nothing invisible, nothing that moves the cursor."""

from __future__ import annotations

import re
import unicodedata

_BLANK_BUT_NO_SPACE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that Unicode counts as letters, marks or symbols, and that show nothing."""
_BLANKS = re.compile(" {4,}")


def visible(text: str) -> str:
    """`text` with every character that shows nothing, or changes how others are shown, written as its number.

    Control characters, line ends, text direction, zero width, tags and combining marks become `\\x1b` or `\\u202e`; a
    run of blanks becomes `[300 blanks]`.
    """
    shown = "".join(char if _shows(char) else _number(char) for char in text)
    return _BLANKS.sub(lambda found: f"[{len(found[0])} blanks]", shown)


def shortened(text: str, limit: int) -> str:
    """`text`, or its beginning and its end with what is left out between them, where it is longer than `limit`."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    left_out = len(text) - head - tail
    return f"{text[:head]} [… {left_out:,} of {len(text):,} characters left out …] {text[-tail:]}"


def not_ascii(text: str) -> list[str]:
    """Each letter of `text` that is not ASCII, once, with its name: it may look like another one."""
    letters = dict.fromkeys(char for char in text if not char.isascii() and _shows(char))
    return [f"{char} ({unicodedata.name(char, _number(char)).lower()})" for char in letters]


def _shows(char: str) -> bool:
    if char.isascii():
        return char.isprintable()
    return unicodedata.category(char)[0] in "LNPS" and char not in _BLANK_BUT_NO_SPACE


def _number(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
