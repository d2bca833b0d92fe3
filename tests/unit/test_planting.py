"""Faults that are planted in changed code, by language."""

from __future__ import annotations

import ast

import pytest

from ralphd.attack.planting import broken_body, changed_lines, small_faults

PYTHON = 'def a(x):\n    """Doc."""\n    if x > 1:\n        return x + 1\n    return 0\n\n\ndef b():\n    return 2\n'
BEFORE = PYTHON.replace("x + 1", "x")


def test_only_the_changed_function_is_broken() -> None:
    fault = broken_body("m.py", BEFORE, PYTHON)
    assert fault is not None
    assert fault.text == PYTHON.replace("    if x > 1", "    raise RuntimeError\n    if x > 1")
    ast.parse(fault.text)


def test_small_faults_lie_in_changed_lines() -> None:
    faults = small_faults("m.py", BEFORE, PYTHON, 8)
    assert faults and {fault.line for fault in faults} == {4} == changed_lines(BEFORE, PYTHON)


@pytest.mark.parametrize(
    "path, text, broken",
    [
        ("a.js", "const f = (x) => x > 1;\n", "throw new Error"),
        ("a.js", "function f(x) {\n  return x > 1 && x < 3;\n}\n", "throw new Error"),
        ("a.ts", "export function f(x: number): boolean {\n  return x > 1;\n}\n", "throw new Error"),
        ("a.go", "package a\n\nfunc F(x int) bool {\n\treturn x > 1\n}\n", "panic("),
        ("a.rs", "fn f(x: i32) -> bool {\n    x > 1\n}\n", "panic!("),
        ("a.py", "def f(x): return x > 1\n", "raise RuntimeError; return"),
        ("a.py", 'def f(x):\n    "only a docstring"\n', "; raise RuntimeError"),
    ],
)
def test_every_language_can_be_broken(path: str, text: str, broken: str) -> None:
    fault = broken_body(path, None, text)
    assert fault is not None and broken in fault.text
    if "docstring" not in text:
        faults = small_faults(path, None, text, 8)
        assert faults and all(fault.text != text for fault in faults)


def test_nothing_to_plant() -> None:
    assert broken_body("a.py", None, "LIMIT = 3\n") is None
    assert broken_body("notes.txt", None, "x\n") is None
