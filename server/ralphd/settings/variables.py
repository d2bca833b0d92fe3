"""`${NAME}` and `${NAME:-default}` in settings: the one pattern, and how it is filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\}")
"""Group 1 is the variable's name; group 2 the text after `:-`, None where there is none. No brace may stand in that text:
so a match is found, or given up, in one pass over any text."""
_ALMOST = re.compile(
    r"\s*(?:\$\{?|\$env:|\{env:|env:|env\.|os\.environ/|%|\$\{env:|\$\{\{\s*|\{\{\s*)([A-Z][A-Z0-9_]{2,})\s*[%}]{0,2}\s*"
)
"""How shells, LiteLLM's proxy, editors and templates write a variable; here only `${NAME}` is one. In
capitals, as names of variables are: what a message repeats must not be a password."""
_SECRET_NAME = re.compile(r"(?:KEY|(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?))$", re.IGNORECASE)


def missing(text: str, environ: Mapping[str, str]) -> str | None:
    """Name of the first variable in `text` that is unset or empty and has no default; None where all are there."""
    for match in VARIABLE.finditer(text):
        if not environ.get(match[1]) and match[2] is None:
            return match[1]
    return None


def expanded(text: str, environ: Mapping[str, str]) -> str:
    """`text` with its variables filled in; one that is `missing` becomes nothing."""
    return VARIABLE.sub(lambda found: environ.get(found[1]) or found[2] or "", text)


def almost(text: str) -> str | None:
    """Name of the variable that `text` means and does not say: `$NAME`, `env:NAME` and the like; else None."""
    found = _ALMOST.fullmatch(text) if len(text) < 200 else None
    return found[1] if found else None


def names_a_secret(name: str) -> bool:
    """Does the variable look as if it held a key or a password?"""
    return _SECRET_NAME.search(name) is not None
