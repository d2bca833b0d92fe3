"""What is wrong with a value, in words for a person. Never quotes the value: it may be a misplaced key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

_TYPES: Mapping[str, str] = {
    "int_type": "must be a whole number.",
    "int_from_float": "must be a whole number.",
    "float_type": "must be a number.",
    "bool_type": "must be true or false.",
    "string_type": "must be text; put it in quotes.",
    "string_unicode": "holds half of a character.",
    "int_parsing_size": "is too big.",
    "tuple_type": "must be a list.",
    "mapping_type": "must be a mapping.",
    "model_type": "must be a mapping.",
    "finite_number": "must be a finite number.",
    "string_too_short": "must not be empty.",
    "string_too_long": "is too long.",
    "string_pattern_mismatch": "holds a character that cannot stand there (white space or a control character).",
    "too_short": "must not be empty.",
    "too_long": "is too long.",
}

_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than_equal": ("ge", "must be at least"),
    "greater_than": ("gt", "must be greater than"),
    "less_than_equal": ("le", "must be at most"),
    "less_than": ("lt", "must be less than"),
}


_HOW_TO_WRITE: Mapping[str, tuple[re.Pattern[str], str]] = {
    "bool_type": (re.compile("yes|no|on|off|y|n", re.IGNORECASE), "In YAML 1.2 yes, no, on and off are text."),
    "int_type": (re.compile(r"[-+]?[0-9][0-9_,']*"), "Write the digits alone, without quotes and marks between them."),
    "float_type": (
        re.compile(r"[-+]?[0-9][0-9_,']*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?"),
        "Write it without quotes and without marks between the digits.",
    ),
}
"""By pydantic's name of the error: values that were nearly right, and what to do about them."""


def nearest_choice(error: Mapping[str, Any], value: Any) -> str:
    """Of the words that may stand there, the one that `value` comes near to; empty where none does."""
    if error["type"] != "literal_error" or not isinstance(value, str):
        return ""
    choices = re.findall("'([^']*)'", str((error.get("ctx") or {}).get("expected", "")))
    return next(iter(difflib.get_close_matches(value[:100].lower(), choices, 1, 0.5)), "")


def explain(error: Mapping[str, Any], value: Any = None) -> str:
    """The rest of a sentence that begins with the setting's name; `error` is one of pydantic's, of `value`."""
    kind, context = error["type"], error.get("ctx") or {}
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        bound = context.get(name)
        return f"{words} {bound:,g}." if isinstance(bound, (int, float)) else f"{words} {bound}."
    if kind == "literal_error":
        return f"must be {str(context.get('expected', '')).replace(chr(39), '`')}."
    if kind == "missing":
        return f"needs `{error['loc'][-1]}`."
    if kind == "extra_forbidden":
        return f"has no part `{error['loc'][-1]}`."
    if kind == "value_error":
        return "must be a command whose quotes match."
    if kind == "endpoint":
        return f"is no address of a model's server. {context['problem']}"
    nearly, advice = _HOW_TO_WRITE.get(kind, (None, ""))
    told = _TYPES.get(kind, "is not valid.")
    return f"{told} {advice}" if nearly and isinstance(value, str) and nearly.fullmatch(value[:64]) else told
