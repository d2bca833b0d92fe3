"""The vote: on which input the code gives something else than versions that were written without seeing it. Pure."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from ralphd.core.python_source import NOT_UNDERSTOOD, expression
from ralphd.opinions.inputs import parts
from ralphd.opinions.polling import Given

LEAST_VERSIONS = 3
LEAST_SHARE = 0.75
_NEAR = 1e-9
"""How far two floating point numbers may lie apart, relative to their size, and still be the same result."""


@dataclass(frozen=True)
class Difference:
    """One input on which the versions agree, and the code differs."""

    input: str
    """Source of the tuple of arguments."""
    got: Given
    expected: Given
    agree: int
    versions: int


def differences(
    inputs: Sequence[str], code: Sequence[Given], versions: Sequence[Sequence[Given]], doc: str
) -> list[Difference]:
    """In the order of `inputs`. `doc`: what says what the function does; an exception that it does not name is no result
    that versions can agree on."""
    if len(versions) < LEAST_VERSIONS or not code:
        return []
    found = []
    for number, text in enumerate(inputs):
        got, votes = code[number], [version[number] for version in versions]
        if got.kind in ("varies", "none") or got.deliberate:
            continue
        expected, agree = majority([vote for vote in votes if _is_result(vote, doc)])
        if expected is not None and agree >= LEAST_SHARE * len(votes) and not same(expected, got):
            found.append(Difference(text, got, expected, agree, len(votes)))
    return found


def simplest(found: Sequence[Difference], first: Sequence[str]) -> Difference:
    """The one to show: on an input of `first` where there is one, then where most agree, then the shortest."""
    return min(found, key=lambda d: (d.input not in first, -d.agree / d.versions, len(d.input), d.input))


def majority(votes: Sequence[Given]) -> tuple[Given | None, int]:
    """The result that most give, and how many do."""
    groups: list[list[Given]] = []
    for vote in votes:
        group = next((group for group in groups if same(group[0], vote)), None)
        if group is None:
            groups.append([vote])
        else:
            group.append(vote)
    largest = max(groups, key=len, default=[])
    return (largest[0], len(largest)) if largest else (None, 0)


def _is_result(vote: Given, doc: str) -> bool:
    if vote.kind == "raise":
        return vote.deliberate and str(vote.value) in doc
    return vote.kind in ("value", "changed")


def same(one: Given, other: Given) -> bool:
    return one.kind == other.kind and _equal(one.value, other.value)


def _equal(one: JsonValue, other: JsonValue) -> bool:
    """Equal as `==` has it, but for the last digits of floats, for nan, and for whether a sequence is a list."""
    if isinstance(one, list) and isinstance(other, list):
        if (left := _number(one)) is not None and (right := _number(other)) is not None:
            whole = isinstance(left, int) and isinstance(right, int)
            alike = left == right if whole else _near(left, right)
            return alike or (left != left and right != right)
        return len(one) == len(other) and all(map(_equal, one, other))
    return one == other


def _near(one: float, other: float) -> bool:
    try:
        return math.isclose(one, other, rel_tol=_NEAR, abs_tol=_NEAR)
    except OverflowError:
        return False  # one is a whole number beyond every float


def _number(value: list[JsonValue]) -> float | int | None:
    """The number that `Values` in judging/runner_plugins/for_calls.py wrote; None where it is none."""
    if value in (["True"], ["False"]):
        return int(value == ["True"])
    if len(value) == 2 and value[0] == "number" and isinstance(value[1], str):
        try:
            return int(value[1]) if value[1].lstrip("-").isdecimal() else float(value[1])
        except ValueError:
            return None
    return None


def call(name: str, input_: str) -> str:
    """How a person writes the call: `percentage(3, 0)`."""
    return f"{name}({', '.join(parts(input_))})"


def in_words(given: Given, *, many: bool = False) -> str:
    """What a call did: the end of "`f(1)` …", or of "4 of 5 versions …"."""
    s = "" if many else "s"
    match given.kind:
        case "raise":
            return f"raise{s} {given.shown}"
        case "slow":
            return "do not end" if many else "does not end"
        case "changed":
            return f"change{s} {'their' if many else 'its'} arguments to {given.shown}"
        case "value":
            return f"give{s} {given.shown}"
        case _:
            return f"give{s} nothing that can be compared"


def test_module(module: str, name: str, found: Difference, others: Sequence[str]) -> str:
    """A test that says what the versions give; "" where that cannot be written as one comparison. `others`: what else
    the file defines, for inputs that name it."""
    called, expected = call(name, found.input), found.expected
    if expected.iterated or found.got.iterated:
        called = f"list({called})"
    used = {n.id for n in ast.walk(expression(found.input)) if isinstance(n, ast.Name)}
    imported = ", ".join([name, *sorted(used & set(others) - {name})])
    if expected.kind == "raise":
        if not expected.shown.isidentifier():
            return ""  # the name of a class may be any text, and would be code here
        head, body = "import pytest\n\n", f"    with pytest.raises({expected.shown}):\n        {called}\n"
    elif expected.kind == "value" and (compared := _comparison(called, expected)):
        head, body = ("import pytest\n\n" if "pytest." in compared else ""), f"    assert {compared}\n"
    else:
        return ""
    return f"{head}from {module} import {imported}\n\n\ndef test_{name}_by_second_opinions():\n{body}"


def _comparison(called: str, expected: Given) -> str:
    try:
        value = ast.literal_eval(expected.shown)
    except NOT_UNDERSTOOD:
        return f"{called} != {called}" if expected.shown == "nan" else ""
    if value is None or isinstance(value, bool):
        return f"{called} is {value}"
    if isinstance(value, float) and len(expected.shown) > len("100.125"):
        return f"{called} == pytest.approx({expected.shown})"
    return f"{called} == {expected.shown}"
