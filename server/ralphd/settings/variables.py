"""`${NAME}` and `${NAME:-default}` in settings: the one pattern, and how it is filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\}")
"""Group 1 is the variable's name; group 2 the text after `:-`, None where there is none. No brace may stand in that text:
so a match is found, or given up, in one pass over any text."""
_SECRET_NAME = re.compile(r"(?:^|_)(?:\w*KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$", re.IGNORECASE)


def missing(text: str, environ: Mapping[str, str]) -> str | None:
    """Name of the first variable in `text` that is unset or empty and has no default; None where all are there."""
    for match in VARIABLE.finditer(text):
        if not environ.get(match[1]) and match[2] is None:
            return match[1]
    return None


def expanded(text: str, environ: Mapping[str, str]) -> str:
    """`text` with its variables filled in; one that is `missing` becomes nothing."""
    return VARIABLE.sub(lambda found: environ.get(found[1]) or found[2] or "", text)


def names_a_secret(name: str) -> bool:
    """Does the variable look as if it held a key or a password?"""
    return _SECRET_NAME.search(name) is not None
