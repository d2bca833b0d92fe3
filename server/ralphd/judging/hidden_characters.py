"""Code that does not show what it is: characters of a text that hide or reorder others, as findings. Pure."""

from __future__ import annotations

import unicodedata
from collections import Counter

from ralphd.core.findings import Finding
from ralphd.core.text import Text
from ralphd.core.visible import hidden, number

_NAMED = 4
"""Characters that one sentence names."""


def added(before: str | None, after: str) -> list[int]:
    """Where `after` holds hidden characters that `before` has fewer of."""
    places = hidden(after)
    known = Counter((before or "")[at] for at in hidden(before or ""))
    new = Counter(after[at] for at in places) - known
    return [at for at in places if new[after[at]] > 0]


def named(text: str, places: list[int]) -> str:
    """`\\u202e (right-to-left override)`, for each kind among `places`."""
    kinds = list(dict.fromkeys(text[at] for at in places))
    told = [f"{number(char)} ({unicodedata.name(char, 'a control character').lower()})" for char in kinds[:_NAMED]]
    return ", ".join(told) + (f" and {len(kinds) - _NAMED} more" if len(kinds) > _NAMED else "")


def findings(path: str, before: str | None, after: str) -> tuple[Finding, ...]:
    """One finding on the first line of `after` that holds an added one; none where there is none."""
    places = added(before, after)
    if not places:
        return ()
    text = Text(after)
    start, end = text.line_span(text.line_of(places[0]))
    count = f"{len(places)} character{'s' if len(places) > 1 else ''}"
    message = f"This code holds {count} that show nothing or change how others are shown: {named(after, places)}."
    advice = "What runs may differ from what is seen. Look at these places before you trust it."
    return (Finding(path, after[start:end], start, end, "security", "warning", message, advice),)
