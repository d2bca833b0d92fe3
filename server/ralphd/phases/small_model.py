"""What can be made of a small model's hostile tests. Pure; runs nothing.

Measured with a model of 1.5 billion parameters (bench/defects.py): it forgets imports, copies the target instead of
importing it, goes on until it is cut, and claims what the code never said. The first three are mended here, since the gate
runs each test anyway; the last is refused, since a run cannot tell a wrong claim from wrong code.
"""

from __future__ import annotations

import ast
import builtins
import re

from ralphd.answers.fences import fences
from ralphd.answers.reasoning import without_reasoning
from ralphd.answers.values import FormatError
from ralphd.attack import test_modules
from ralphd.core.python_source import NOT_UNDERSTOOD, parsed

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
    suite = _whole(_code(answer))
    if suite is None or not suite.tests:
        return FormatError("There was no test in the answer. Answer with one fenced block: a complete test module.")
    own = _importable(source)
    kept = [item for item in suite.items if not item.future and (item.imports or not item.defines & own)]
    suite = test_modules.Suite(tuple(kept))
    chosen = test_modules.keep(suite, dict.fromkeys(suite.tests[:most], ()))
    tree = parsed(chosen)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {n.id for n in names if isinstance(n.ctx, ast.Store)} | {
        node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)
    }
    known = bound | set(dir(builtins)) | {name for item in suite.items for name in item.defines}
    missing = {n.id for n in names} - known
    lines = [line for name, line in _USUAL.items() if name in missing - own]
    if from_target := sorted(missing & own):
        lines.append(f"from {import_path} import {', '.join(from_target)}")
    return "\n".join([*lines, "", "", chosen]) if lines else chosen


def _code(answer: str) -> str:
    """The longest fenced block; one that was cut ends where the answer does."""
    answer = without_reasoning(answer).text
    for mark in ("", "\n```", "\n````", "\n~~~"):
        found, still_open = fences(answer + mark)
        if not still_open:
            return max((fence.text for fence in found), key=len, default="")
    return ""


def _whole(text: str) -> test_modules.Suite | None:
    """The statements before the place where the text was cut, or stops to be Python."""
    lines = text.split("\n")
    starts = [n for n, line in enumerate(lines) if re.match(r"(?:def|class|@)", line)]
    for end in (len(lines), *reversed(starts)):
        try:
            return test_modules.parse("\n".join(lines[:end]))
        except NOT_UNDERSTOOD:
            continue
    return None


def _importable(source: str) -> set[str]:
    """What a test may import from the target's file: its functions, classes and constants."""
    try:
        body = parsed(source).body
    except NOT_UNDERSTOOD:
        return set()
    found: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in found if not name.startswith("__")}


MAX_CLAIM_CHARACTERS = 5000
_QUOTE = re.compile(r'"([^"]{1,500})"|“([^”]{1,500})”')


def is_quoted(claim: str, source: str) -> bool:
    """Whether a test's docstring quotes what the code's docstrings or comments say: three words of it at least."""

    def words(text: str) -> str:
        return " ".join(["", *re.findall(r"\w+", text.lower()), ""])

    said = words(_prose(source))
    quotes = [words(match[1] or match[2]) for match in _QUOTE.finditer(claim[:MAX_CLAIM_CHARACTERS])]
    return any(len(quote.split()) >= 3 and quote in said for quote in quotes)


def _prose(source: str) -> str:
    try:
        nodes = list(ast.walk(parsed(source)))
    except NOT_UNDERSTOOD:
        return ""
    documented = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    docstrings = [ast.get_docstring(node) or "" for node in nodes if isinstance(node, documented)]
    return "\n".join([*docstrings, *re.findall(r"#(.*)", source)])
