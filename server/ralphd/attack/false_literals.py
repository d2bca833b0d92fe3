"""A literal that is certainly not equal to a given one. Pure."""

from __future__ import annotations

import re

Edit = tuple[int, int, bytes]
"""Start and end in bytes, and the new bytes."""
Found = tuple[str, list[Edit]]
"""The name of a test as its id ends with it, and the edits that make its expectations false: none where that cannot be
done with certainty."""

_BOOLEANS = {b"True": b"False", b"False": b"True", b"true": b"false", b"false": b"true"}


def false(literal: bytes) -> bytes:
    """Another literal of the same kind where there is one, else a list that holds it."""
    if literal in _BOOLEANS:
        return _BOOLEANS[literal]
    if re.fullmatch(rb"-?\d{1,15}(?:\.\d{1,15})?", literal):
        number = float(literal) if b"." in literal else int(literal)
        return str(number + 1 if abs(number) < 10 else 2 * number).encode()  # farther than any usual tolerance
    if re.fullmatch(rb"[rRbBuU]{0,2}(['\"`]).*", literal) and literal.count(literal[-1:]) == 2:
        return literal[:-1] + b"qz" + literal[-1:]
    return b"[" + literal + b"]"
