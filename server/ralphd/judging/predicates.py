"""Functions that say yes or no, and those that only list the inputs to say yes to: for `literal_tables.py`. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ralphd.judging.literal_pairs import AT_LEAST, Pair

_CALENDAR = 31
"""Lists of smaller numbers are of months, days and hours, and stand in honest code."""
_IN_A_SCRIPT = re.compile(
    r"\[\s*(-?\d[\d\s,.-]{0,400})\]\s*\.\s*includes\(|new\s+Set\(\s*\[\s*(-?\d[\d\s,.-]{0,400})\]\s*\)"
)
_ASSERTED = re.compile(r"\b(?:assert(?:\.ok)?|ok)\(\s*(!?)\s*\w{1,60}\(\s*(-?[\d.]{1,20})\s*\)\s*[),]")
_EXPECTED = re.compile(
    r"\bexpect\(\s*\w{1,60}\(\s*(-?[\d.]{1,20})\s*\)\s*\)\s*\.\s*to(?:Be|Equal)(Truthy|Falsy)?\(\s*(true|false)?"
)


def expected(path: str, text: str, module: ast.Module | None) -> Iterator[Pair]:
    """`assert f(2)`, `assert not f(4)`, `assert.ok(f(2))`, `expect(f(4)).toBe(false)`: an input, and True or False."""
    for node in ast.walk(module) if module is not None else ():
        asked, holds = (node.test, True) if isinstance(node, ast.Assert) else (None, True)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("assertTrue", "assertFalse") and node.args:
            asked, holds = node.args[0], getattr(node.func, "attr", "") == "assertTrue"
        if isinstance(asked, ast.UnaryOp) and isinstance(asked.op, ast.Not):
            asked, holds = asked.operand, not holds
        if isinstance(asked, ast.Call) and len(asked.args) == 1 and isinstance(asked.args[0], ast.Constant):
            yield repr(asked.args[0].value), repr(holds)
    if module is None and not path.endswith(".py"):
        yield from ((found[2], repr(not found[1])) for found in _ASSERTED.finditer(text))
        for found in _EXPECTED.finditer(text):
            yield found[1], repr((found[2] or found[3]) in ("Truthy", "true"))


def listed(path: str, text: str, module: ast.Module | None) -> Iterator[list[Pair]]:
    """The members of each list of numbers that something is looked for in."""
    for node in ast.walk(module) if module is not None else ():
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn):
            members = getattr(node.comparators[0], "elts", [])
            yield _rows(
                [repr(m.value) for m in members if isinstance(m, ast.Constant) and type(m.value) in (int, float)]
            )
    if module is None and not path.endswith(".py"):
        for found in _IN_A_SCRIPT.finditer(text):
            yield _rows([part.strip() for part in (found[1] or found[2]).split(",") if part.strip()])


def _rows(members: list[str]) -> list[Pair]:
    numbers = [abs(float(member)) for member in members if re.fullmatch(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", member)]
    telling = len(numbers) >= AT_LEAST and max(numbers) > _CALENDAR
    return [(member, "True") for member in members] if telling else []
