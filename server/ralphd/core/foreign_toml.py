"""Reading TOML that somebody else wrote. Blocks for a time that grows with its length and little faster."""

from __future__ import annotations

import tomllib
from typing import Any

_MOST_PARTS = 40
"""Of a dotted key: Python's parser takes the square of their number for each key, an hour for a key of a megabyte."""


def parse(text: str) -> dict[str, Any]:
    """The document. `ValueError` for all that is none, is nested too deeply, or has a key of more parts than anybody writes."""
    if any(line.partition("=")[0].count(".") > _MOST_PARTS for line in text.split("\n")):
        raise ValueError("a key with too many parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
