"""What the snapshots and data files that tests read expect, as pairs of input and result. Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from ralphd.core import foreign_json

SUFFIXES = (".snap", ".ambr", ".json", ".jsonl", ".csv", ".tsv", ".txt", ".golden")
_MOST = 500_000
"""Characters of one file."""
_JEST = re.compile(r"^exports\[`[^`]{0,400}`\] = `\s*([^`]*?)\s*`;$", re.MULTILINE)
_SYRUPY = re.compile(r"^# name: .*\n((?:  .*\n)+)# ---$", re.MULTILINE)


def pairs(path: str, text: str) -> Iterator[tuple[str, str]]:
    """Normalised literals. A snapshot holds results alone: there each stands for its input as well."""
    text = text[:_MOST]
    if path.endswith(".snap"):
        yield from ((value, value) for shown in _JEST.findall(text) if (value := _value(shown)))
    elif path.endswith(".ambr"):
        yield from ((value, value) for shown in _SYRUPY.findall(text) if (value := _value(shown.strip())))
    elif path.endswith((".json", ".jsonl")):
        for part in text.splitlines() if path.endswith(".jsonl") else [text]:
            try:
                yield from _rows(foreign_json.parse(part))
            except (ValueError, RecursionError):
                continue
    elif path.endswith((".csv", ".tsv")):
        for row in csv.reader(text.splitlines(), delimiter="\t" if path.endswith(".tsv") else ","):
            yield from pairwise(map(repr, row))
    elif path.endswith((".txt", ".golden")):
        yield from ((repr(line), repr(line)) for line in text.splitlines() if line)


def _value(shown: str) -> str:
    """`"a"` or `'a'` of a snapshot as a literal; what spans lines is no result that one would write down."""
    return repr(shown[1:-1]) if shown[:1] in "\"'" and "\n" not in shown else ""


def _rows(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield from ((repr(key), repr(one)) for key, one in value.items() if isinstance(one, str | int | float))
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    scalars = [repr(one) for one in inner if isinstance(one, str | int | float)]
    if 2 <= len(scalars) <= 8:
        yield from pairwise(scalars)
    for one in inner:
        if isinstance(one, dict | list):
            yield from _rows(one)
