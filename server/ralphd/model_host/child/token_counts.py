"""What a provider says of the tokens that an answer used: which of its numbers can be counts at all.

A wrong one must not cost a person the answer that they paid for, and neither fill nor empty the books.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def count(value: Any) -> int | None:
    """A number of tokens; None for what cannot be one (negative, not finite, more than any model reads)."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1_000_000_000:
        return None
    return int(value)


def with_sound_usage(answer: Any) -> bool:
    """Leave out, in place, what cannot be a count in the usage of an answer, in any of the wire formats. True where something
    was changed."""
    changed = False
    holders = [answer, answer.get("message")] if isinstance(answer, dict) else []
    for holder in [one for one in holders if isinstance(one, dict)]:
        for name in ("usage", "usageMetadata"):
            usage = holder.get(name)
            if isinstance(usage, dict):
                changed |= _mended(usage)
            elif usage is not None:
                changed = True
                del holder[name]
    return changed


def _mended(usage: dict[str, Any]) -> bool:
    """In place. What cannot be is taken out: the library reads a count that is not there as none."""
    changed = False
    for name, value in [*usage.items()]:
        if value is None or "token" not in name.lower():
            continue
        found: Any = count(value)
        if name.lower().endswith("details"):
            inner = value if isinstance(value, list) else [value]  # Gemini has a list, by kinds of input
            found = value if all(isinstance(one, dict) for one in inner) else None
            for one in inner if found is not None else ():
                changed |= _mended(one)
        if found is None:
            del usage[name]
        else:
            usage[name] = found
        changed |= found != value
    return changed


def fits_together(usage: Any, prompt: int) -> bool:
    """Whether a price can be made of all parts of the library's usage: each is a count, and no more came from a cache than was
    asked."""
    parts = list(_parts(usage.model_dump() if hasattr(usage, "model_dump") else {}))
    return all(
        (found := count(value)) is not None and ("cache" not in name or found <= prompt) for name, value in parts
    )


def _parts(usage: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Name and value of each count in a usage, of those inside its parts too."""
    for name, value in usage.items():
        if isinstance(value, Mapping):
            yield from _parts(value)
        elif "token" in name.lower():
            yield name, value
