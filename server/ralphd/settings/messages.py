"""What is wrong with a value, in words for a person. Never quotes the value: it may be a misplaced key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TYPES: Mapping[str, str] = {
    "int_type": "must be a whole number.",
    "int_from_float": "must be a whole number.",
    "float_type": "must be a number.",
    "bool_type": "must be true or false.",
    "string_type": "must be text; put it in quotes.",
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


def explain(error: Mapping[str, Any]) -> str:
    """The rest of a sentence that begins with the setting's name; `error` is one of pydantic's."""
    kind, context = error["type"], error.get("ctx") or {}
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return (
            f"{words} {context[name]:,g}."
            if isinstance(context.get(name), (int, float))
            else f"{words} {context.get(name)}."
        )
    if kind == "literal_error":
        return f"must be {str(context.get('expected', '')).replace(chr(39), '`')}."
    if kind == "missing":
        return f"needs `{error['loc'][-1]}`."
    if kind == "extra_forbidden":
        return f"has no part `{error['loc'][-1]}`."
    if kind == "value_error":
        return "must be a command whose quotes match."
    return _TYPES.get(kind, "is not valid.")
