"""Python annotations -> Hypothesis strategies and checks, as source text. Pure; evaluates nothing."""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass

from ralphd.core.python_source import NOT_UNDERSTOOD, expression, written

WHOLE_NUMBERS = "st.integers(-10_000, 10_000)"
"""A bare number may be a length: no test may eat the machine's memory."""
ANY_TEXT = "any_text"
"""A strategy that the written module defines: all of Unicode, and a few characters that then repeat."""
_PLAIN = {
    "int": WHOLE_NUMBERS,
    "str": ANY_TEXT,
    "bytes": "st.binary()",
    "bool": "st.booleans()",
    "float": "st.floats(allow_nan=False, allow_infinity=False)",
    "None": "st.none()",
    "complex": "st.complex_numbers(allow_nan=False, allow_infinity=False)",
}
_LISTS = frozenset({"list", "List", "Sequence", "Iterable", "Collection", "MutableSequence"})
_SETS = {"set": "sets", "Set": "sets", "AbstractSet": "sets", "frozenset": "frozensets", "FrozenSet": "frozensets"}
_DICTS = frozenset({"dict", "Dict", "Mapping", "MutableMapping"})
_TUPLES = frozenset({"tuple", "Tuple"})
_CLASSES = {
    "Sequence": "(list, tuple, str, bytes)", "Collection": "(list, tuple, set, frozenset, dict, str)", "List": "list", "Dict": "dict",
    "Set": "set", "FrozenSet": "frozenset", "Tuple": "tuple", "Mapping": "dict",
}  # fmt: skip


@dataclass(frozen=True)
class Written:
    code: str
    names: frozenset[str] = frozenset()
    """Names of the module under test that the code needs."""


def strategy(node: ast.expr, classes: Collection[str]) -> Written | None:
    """What generates values of an annotation; None where the annotation alone does not say, or is nested too deeply."""
    try:
        return _strategy(node, classes)
    except RecursionError:
        return None


def checked(node: ast.expr, classes: Collection[str], value: str) -> Written | None:
    """An expression that is true of every value of the annotation; None where nothing can be said."""
    try:
        return _checked(node, classes, value)
    except RecursionError:
        return None


def _strategy(node: ast.expr, classes: Collection[str]) -> Written | None:
    node = _unquoted(node)
    if isinstance(node, ast.Constant) and node.value is None:
        return Written(_PLAIN["None"])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _joined([node.left, node.right], classes, "{} | {}")
    name = _name(node)
    if isinstance(node, (ast.Name, ast.Attribute)):
        if name in _PLAIN:
            return Written(_PLAIN[name])
        return Written(f"st.from_type({name})", frozenset({name})) if name in classes else None
    if not isinstance(node, ast.Subscript):
        return None
    inside = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Literal":
        values = [written(value) for value in inside]
        return Written(f"st.sampled_from([{', '.join(values)}])") if all(values) else None
    if name == "Optional":
        return _joined([ast.Constant(None), *inside], classes, "{} | {}")
    if name == "Union" and len(inside) > 1:
        return _joined(inside, classes, " | ".join("{}" for _ in inside))
    if name in _LISTS and len(inside) == 1:
        return _joined(inside, classes, "st.lists({})")
    if name in _SETS and len(inside) == 1:
        return _joined(inside, classes, f"st.{_SETS[name]}({{}})")
    if name in _DICTS and len(inside) == 2:
        return _joined(inside, classes, "st.dictionaries({}, {})")
    if name in _TUPLES and len(inside) == 2 and isinstance(inside[1], ast.Constant) and inside[1].value is ...:
        return _joined(inside[:1], classes, "st.lists({}).map(tuple)")
    if name in _TUPLES:
        return _joined(inside, classes, f"st.tuples({', '.join('{}' for _ in inside)})")
    return None


def _checked(node: ast.expr, classes: Collection[str], value: str) -> Written | None:
    node = _unquoted(node)
    if isinstance(node, ast.Constant) and node.value is None:
        return Written(f"{value} is None")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _either([node.left, node.right], classes, value)
    name = _name(node)
    if isinstance(node, (ast.Name, ast.Attribute)):
        if name == "float":
            return Written(f"isinstance({value}, (int, float))")
        if name in _PLAIN or name in ("list", "dict", "set", "tuple", "frozenset"):
            return Written(f"isinstance({value}, {name})")
        return Written(f"isinstance({value}, {name})", frozenset({name})) if name in classes else None
    if not isinstance(node, ast.Subscript):
        return None
    inside = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Literal":
        values = [written(one) for one in inside]
        return Written(f"{value} in ({', '.join(values)},)") if all(values) else None
    if name == "Optional":
        return _either([ast.Constant(None), *inside], classes, value)
    if name == "Union":
        return _either(inside, classes, value)
    outer = _CLASSES.get(name, name if name in ("list", "dict", "set", "frozenset", "tuple") else "")
    if not outer:
        return None
    code = f"isinstance({value}, {outer})"
    if (name in _LISTS or name in _SETS) and len(inside) == 1 and outer in ("list", "set", "frozenset"):
        item = _checked(inside[0], classes, "item")
        return Written(f"{code} and all({item.code} for item in {value})", item.names) if item else Written(code)
    if name in _TUPLES and len(inside) > 1 and not any(isinstance(i, ast.Constant) and i.value is ... for i in inside):
        return Written(f"{code} and len({value}) == {len(inside)}")
    return Written(code)


def _joined(nodes: list[ast.expr], classes: Collection[str], template: str) -> Written | None:
    parts = [_strategy(node, classes) for node in nodes]
    if any(part is None for part in parts):
        return None
    known = [part for part in parts if part is not None]
    return Written(
        template.format(*(part.code for part in known)), frozenset[str]().union(*(part.names for part in known))
    )


def _either(nodes: list[ast.expr], classes: Collection[str], value: str) -> Written | None:
    parts = [_checked(node, classes, value) for node in nodes]
    if any(part is None for part in parts):
        return None
    known = [part for part in parts if part is not None]
    return Written(
        " or ".join(f"({part.code})" for part in known), frozenset[str]().union(*(part.names for part in known))
    )


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        node = node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _unquoted(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return expression(node.value)
        except NOT_UNDERSTOOD:
            return node
    return node
