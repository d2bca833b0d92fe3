"""Placing a region answer: the target changes, its imports are hoisted, and every other byte stays."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ralphd.answers import placing
from ralphd.answers.resolving import resolve
from ralphd.context.target import Target, find_target
from ralphd.core.edits import FileEdit, Refusal

quick = settings(max_examples=80, deadline=None)
HEAD = st.sampled_from(
    [
        "",
        '"""A module. 🙂"""\n',
        "#!/usr/bin/env python\n# note\n",
        "import os\n\n",
        '"""Doc."""\nfrom os import path\n\n',
    ]
)
BEFORE = st.sampled_from(
    ["", "X = 1   \n\n\n", "def helper():\n\treturn '\x0c'\n\n\n", "@dec\ndef other(a):\n    pass\n\n\n"]
)
AFTER = st.sampled_from(
    ["", "\n\ndef last():\n    return 'é'  \n", "\n\nclass C:\n    def f(self):\n        pass\n", "\n\nY = 2"]
)
BODY = st.sampled_from(["    raise NotImplementedError", "    pass  # ünï", '    """Doc."""\n    return x'])
NEW = st.sampled_from(
    [
        "    return 1",
        "    y = [x,\n         x]\n    return y",
        '    """Doc 🙂."""\n    if x:\n        return 2\n    return 3',
    ]
)


def place_region(source: str, target: Target, region: str) -> str | Refusal:
    """The new text; a whole file is placed as one."""
    if target.kind == "file":
        resolved = resolve((FileEdit(target.path, whole=region),), {target.path: source})
        return resolved.refusals[0] if resolved.refusals else resolved.texts.get(target.path, source)
    placed = placing.place_region(source, target, region)
    return placed if isinstance(placed, Refusal) else placed.text


@quick
@given(HEAD, BEFORE, BODY, AFTER, NEW, st.booleans(), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\ufeff"]))
def test_only_the_target_changes(
    head: str, before: str, body: str, after: str, new: str, imports: bool, eol: str, bom: str
) -> None:
    source = (bom + head + before + "def f(x):\n" + body + "\n" + after).replace("\n", eol)
    at = source.index("def f(x)")
    target = find_target("m.py", source, (at, at))
    assert target.name == "f"
    new = new if not imports else new.replace("    return", "    re.purge()\n    return", 1)
    region = ("import re\n\n" if imports else "") + "def f(x):\n" + new + "\n"
    placed = place_region(source, target, region)
    assert isinstance(placed, str), placed
    assert placed.startswith(bom) and (eol == "\n" or "\n" not in placed.replace("\r\n", ""))
    assert placed.endswith("\n") == source.endswith("\n")
    start, end = target.span
    assert placed.endswith(source[end:]), "what follows keeps its bytes"
    without = placed.replace("import re", "", 1) if imports else placed
    expected = source[:start].removeprefix("\ufeff") + "def f(x):\n" + new + source[end:]
    assert "".join(without.removeprefix("\ufeff").split()) == "".join(expected.split())
    if not imports:
        assert placed.startswith(source[:start])
    module = ast.parse(placed.removeprefix("\ufeff"))
    assert [n.name for n in module.body if isinstance(n, ast.FunctionDef)].count("f") == 1
    if imports:
        assert any(isinstance(n, ast.Import) and n.names[0].name == "re" for n in module.body)
        again = place_region(placed, find_target("m.py", placed, (placed.index("def f(x)"),) * 2), region)
        assert isinstance(again, str) and again.count("import re") == 1, "an import that is there is not made twice"


@quick
@given(st.integers(1, 8), st.integers(0, 8))
def test_a_method_keeps_the_class_indentation(theirs: int, base: int) -> None:
    source = "class C:\n    def f(self):\n        pass\n\n    def g(self):\n        return 1\n"
    target = find_target("m.py", source, (source.index("pass"),) * 2)
    region = f"{' ' * base}def f(self):\n{' ' * (base + theirs)}return 2\n"
    placed = place_region(source, target, region)
    assert isinstance(placed, str) and "\n    def f(self):\n" in placed and ast.parse(placed)
    assert placed.endswith("\n\n    def g(self):\n        return 1\n")


@pytest.mark.parametrize("path", ["m.py", "m.pyi"])
def test_a_classs_only_method_may_be_one_line(path: str) -> None:
    source = "class C:\n    def m(self, x: int) -> int: ...\n"
    target = find_target(path, source, (source.index("def m"),) * 2)
    placed = place_region(source, target, "def m(self, x: str) -> str: ...\n")
    assert placed == "class C:\n    def m(self, x: str) -> str: ...\n"


@pytest.mark.parametrize(
    ("region", "why"),
    [
        ("", "empty"),
        ("def f(x:\n    return", "does not parse"),
        ("def other(x):\n    return 1", "`f` is not in"),
        ("def f(x):\n    return 1\n\ndef f(x):\n    return 2", "more than once"),
        ("def f(x):\n    return 1\n\ndef g():\n    return 'changed'", "You also changed `g`"),
        ("def f(x):\n    # ... rest of the code unchanged\n    return 1", "left out"),
        ("def f(x):\n    # ...\n    return 1", "left out"),
        ("x = 1\n\0", "does not parse"),
    ],
)
def test_what_does_not_fit_is_told_to_the_model(region: str, why: str) -> None:
    source = "def f(x):\n    return 0\n\n\ndef g():\n    return 1\n"
    placed = place_region(source, find_target("m.py", source, (0, 0)), region)
    assert isinstance(placed, Refusal) and why in placed.feedback, placed


@quick
@given(
    st.text(alphabet="def f(x):\n\t return1#'\"\\\0🙂\f\r\u2028{}[]", max_size=40),
    st.sampled_from(["m.py", "m.js", "m.go", "m.txt"]),
)
def test_any_region_is_a_text_or_a_refusal(region: str, path: str) -> None:
    source = "function f(x) {\n  return 0\n}\n" if path == "m.js" else "def f(x):\n    return 0\n"
    assert isinstance(place_region(source, find_target(path, source, (1, 1)), region), str | Refusal)


def test_an_empty_file_is_filled() -> None:
    placed = place_region("", find_target("m.py", "", (0, 0)), "def f():\n    return 1\n")
    assert placed == "def f():\n    return 1\n"
