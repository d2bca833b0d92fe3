"""The benchmark's cases are what they say: ordinary tests pass on both, the seeded bug is real, nothing tells which is which."""

from __future__ import annotations

import inspect
import json
import sys
import types
from pathlib import Path

import pytest

CASES = sorted((Path(__file__).parents[2] / "bench" / "cases").glob("*/case.json"))


def loaded(text: str, name: str, others: dict[str, types.ModuleType]) -> types.ModuleType:
    module = types.ModuleType(name)
    before = {other: sys.modules.get(other) for other in [*others, name]}
    sys.modules.update(others | {name: module})
    try:
        exec(compile(text, f"{name}.py", "exec"), module.__dict__)
    finally:
        for other, old in before.items():
            if old is None:
                sys.modules.pop(other, None)
            else:
                sys.modules[other] = old
    return module


def run_tests(module: types.ModuleType) -> int:
    count = 0
    for name, test in vars(module).items():
        if not name.startswith("test_"):
            continue
        marks = [m for m in getattr(test, "pytestmark", []) if m.name == "parametrize"]
        rows = marks[0].args[1] if marks else [()]
        for row in rows:
            test(*(row if isinstance(row, tuple) else (row,)))
            count += 1
        assert marks or not inspect.signature(test).parameters
    return count


def outcome(expression: str, module: types.ModuleType) -> tuple[str, str]:
    try:
        return "value", repr(eval(expression, dict(vars(module))))
    except Exception as error:
        return "raised", type(error).__name__


def test_there_are_forty() -> None:
    assert len(CASES) == 40


@pytest.mark.parametrize("case", CASES, ids=[c.parent.name for c in CASES])
def test_case(case: Path) -> None:
    told = json.loads(case.read_text("utf-8"))
    texts = {variant: (case.parent / f"{variant}.py").read_text("utf-8") for variant in ("right", "wrong")}
    modules = {variant: loaded(text, told["module"], {}) for variant, text in texts.items()}
    ordinary = (case.parent / "ordinary.py").read_text("utf-8")
    for module in modules.values():
        assert run_tests(loaded(ordinary, "ordinary", {told["module"]: module})) >= 2
    assert outcome(told["witness"], modules["right"]) != outcome(told["witness"], modules["wrong"])
    assert outcome(told["witness"], modules["right"])[0] == "value"
    assert "bug" not in texts["wrong"].lower() and "wrong" not in texts["wrong"].lower()
