"""An input and the result for it, as the text of literals: what tests expect and what tables hold. Pure."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

Pair = tuple[str, str]
"""An input and the result for it, as normalised literals."""
AT_LEAST = 3
"""Fewer pairs stand in code by chance."""


def pair(key: str | None, value: str | None) -> Iterator[Pair]:
    """None where one of both computes something."""
    if key is not None and value is not None:
        yield key, value


def made_of(key: str, value: str) -> bool:
    """Whether a result has no letters but those of its input."""
    letters, given = (Counter(c for c in side.casefold() if c.isalnum()) for side in (value, key))
    return bool(letters) and not letters - given


def is_computed(pair: Pair) -> bool:
    """Whether a result has to be computed from its input, as `hello-world` of `Hello World` or 8 of 6; a name of it is in a
    table for good reasons."""
    try:
        key, value = (ast.literal_eval(side) for side in pair)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    given = key if isinstance(key, tuple) else (key,)
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (*given, value))
    return numbers or made_of(*pair)
