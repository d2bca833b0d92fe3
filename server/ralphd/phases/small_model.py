"""What can be made of a small model's hostile tests. Pure; runs nothing.

Measured with a model of 1.5 billion parameters (bench/defects.py): it forgets imports, copies the target instead of
importing it, goes on until it is cut, and claims what the code never said. The first three are mended here, since the gate
runs each test anyway; the last is refused, since a run cannot tell a wrong claim from wrong code.
"""

from __future__ import annotations

import builtins
import re

from ralphd.phases import suites
from ralphd.phases.replies import FormatError, fences

_USUAL = {
    "pytest": "import pytest",
    "math": "import math",
    "string": "import string",
    "given": "from hypothesis import given",
    "assume": "from hypothesis import assume",
    "example": "from hypothesis import example",
    "st": "from hypothesis import strategies as st",
}


def read(answer: str, source: str, import_path: str, most: int) -> str | FormatError:
    """The first `most` tests of an answer, also of one that was cut, with the imports that they need."""
    found, _ = fences(f"{answer}\n```" if fences(answer)[1] else answer)
    text = max((fence.text for fence in found), key=len, default="")
    suite = _whole(text)
    if suite is None or not suite.tests:
        return FormatError("There was no test in the answer. Answer with one fenced block: a complete test module.")
    own = _defined(source)
    kept = [item for item in suite.items if item.imports or not item.defines & own]
    suite = suites.Suite(tuple(kept))
    chosen = suites.keep(suite, dict.fromkeys(suite.tests[:most], ()))
    known = set(dir(builtins)) | {name for item in suites.parse(chosen).items for name in item.defines}
    missing = {name for item in suites.parse(chosen).items for name in item.uses} - known
    lines = [line for name, line in _USUAL.items() if name in missing - own]
    if from_target := sorted(missing & own):
        lines.append(f"from {import_path} import {', '.join(from_target)}")
    return "\n".join([*lines, "", "", chosen]) if lines else chosen


def _whole(text: str) -> suites.Suite | None:
    """The statements before the place where the text was cut, or stops to be Python."""
    lines = text.split("\n")
    starts = [n for n, line in enumerate(lines) if re.match(r"(?:def|class|@)", line)]
    for end in (len(lines), *reversed(starts)):
        try:
            return suites.parse("\n".join(lines[:end]))
        except (SyntaxError, ValueError, RecursionError):
            continue
    return None


def _defined(source: str) -> set[str]:
    """The names of the target's file that a test may import."""
    try:
        items = suites.parse(source).items
    except (SyntaxError, ValueError, RecursionError):
        return set()
    return {name for item in items if not item.imports for name in item.defines if not name.startswith("__")}


def is_quoted(claim: str, source: str) -> bool:
    """Whether a test's docstring quotes something that stands in the code: three words of it at least."""

    def words(text: str) -> str:
        return " ".join(re.findall(r"\w+", text.lower()))

    quotes = [words(quote) for quote in re.findall(r'["“](.{8,}?)["”]', claim, re.DOTALL)]
    return any(len(quote.split()) >= 3 and quote in words(source) for quote in quotes)
