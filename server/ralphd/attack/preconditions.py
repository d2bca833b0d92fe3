"""What a docstring asks of a function's arguments: inputs that it excludes prove nothing. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence
from typing import Any

from ralphd.attack.annotations import ANY_TEXT, WHOLE_NUMBERS

_SORTING = frozenset({"sort", "sorted"})
_NOT_EMPTY = re.compile(r"non-?empty|not be empty|at least one")
_SORTED = re.compile(r"\b(?:sorted|ascending)\b")
_NOT_NEGATIVE = re.compile(r"non-?negative|not negative|natural number|>= 0")
_POSITIVE = re.compile(r"\bpositive\b|>= 1|> 0")


def said_of_arguments(words: Collection[str], doc: str) -> str:
    """The docstring as far as it can be about arguments. `words`: those of the function's name; of one that sorts,
    "sorted" says how its result is."""
    return "" if _SORTING & set(words) else doc.lower()


def narrowed(code: str, doc: str, *, sole: bool) -> str:
    """A Hypothesis strategy kept to what the docstring asks. `sole`: of the only argument."""
    if _NOT_EMPTY.search(doc):
        code = re.sub(r"^st\.lists\((.*)\)$", r"st.lists(\1, min_size=1)", code)
        code = f"{code}.filter(bool)" if sole and code == ANY_TEXT else code
    if _SORTED.search(doc) and code.startswith("st.lists("):
        code += ".map(sorted)"
    if sole and code == WHOLE_NUMBERS:
        if _NOT_NEGATIVE.search(doc):
            return "st.integers(0, 10_000)"
        if _POSITIVE.search(doc):
            return "st.integers(1, 10_000)"
    return code


def allows(doc: str, values: Sequence[Any]) -> bool:
    """Whether the docstring lets a function be called with these arguments, as far as that can be read from it."""
    sole = len(values) == 1
    for value in values:
        if isinstance(value, list):
            if _NOT_EMPTY.search(doc) and not value:
                return False
            if _SORTED.search(doc) and not _is_sorted(value):
                return False
        if sole and isinstance(value, str) and not value and _NOT_EMPTY.search(doc):
            return False
        if sole and isinstance(value, int | float) and not isinstance(value, bool):
            if _NOT_NEGATIVE.search(doc) and value < 0:
                return False
            if not _NOT_NEGATIVE.search(doc) and _POSITIVE.search(doc) and value <= 0:
                return False
    return True


def _is_sorted(values: list[Any]) -> bool:
    try:
        return all(one <= other for one, other in itertools.pairwise(values))
    except TypeError:
        return True  # values that have no order cannot be asked to have one
