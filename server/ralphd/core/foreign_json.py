"""Reading JSON that somebody else wrote: providers, repositories, tests, older versions, other programs."""

from __future__ import annotations

import json
from typing import Any


def parse(text: str | bytes) -> Any:
    """The value. `ValueError` for all that is none, also for what is nested so deeply that no parser takes it."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def object_in(text: str | bytes | None) -> dict[str, Any] | None:
    """The object that a text holds; None where it holds none."""
    try:
        value = parse(text or "")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
