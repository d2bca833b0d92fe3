"""Comparisons that say what the tests want to hear, whatever they compare: a rule of `suspicion.py`. Pure."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Sequence

from ralphd.core.python_source import written

_BUILTIN_TYPES = frozenset("str bytes int float complex list tuple dict set frozenset".split())
_COMPARING = frozenset(
    {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__instancecheck__", "__subclasscheck__"}
)


def found(node: ast.AST) -> Iterator[str]:
    """What stands out at one node of Python's syntax tree, as ends of a sentence."""
    if isinstance(node, ast.ClassDef):
        base = next((n for n in map(written, node.bases) if n in _BUILTIN_TYPES), None)
        equal = {getattr(part, "name", "") for part in node.body} & {"__eq__", "__ne__"}
        if base is not None and equal:
            yield f"has a `{base}` with a `{min(equal)}` of its own"
        yield from _leaves_out(node)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        if node.name in _COMPARING and _ignores_its_argument(node.args, node.body):
            yield f"has a `{node.name}` that does not look at what it compares with"
        elif node.name == "__hash__" and _gives_a_constant(node.body):
            yield "has a `__hash__` that is constant"
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            name = target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")
            if name not in _COMPARING:
                continue
            if isinstance(node.value, ast.Lambda):
                if _ignores_its_argument(node.value.args, [ast.Expr(node.value.body)]):
                    yield f"has a `{name}` that does not look at what it compares with"
            elif not (isinstance(node.value, ast.Attribute) and node.value.attr == name) and not (
                isinstance(node.value, ast.Constant) and node.value.value is None
            ):
                yield f"has a `{name}` that is another function"


def _leaves_out(kind: ast.ClassDef) -> Iterator[str]:
    """A class with values of its own whose comparison does not look at them, or not at all of them."""
    has_values = any(
        isinstance(n, ast.AnnAssign) or (isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store))
        for n in ast.walk(kind)
    )
    for part in kind.body if has_values else ():
        if isinstance(part, ast.FunctionDef) and part.name in ("__eq__", "__ne__") and _asks_for_the_kind_alone(part):
            yield f"has a `{part.name}` that asks for the class alone"
        elif isinstance(part, ast.AnnAssign) and _is_not_compared(part):
            yield f"leaves `{written(part.target)}` out of comparisons"
    for decorator in kind.decorator_list:
        given = decorator.keywords if isinstance(decorator, ast.Call) else []
        if any(k.arg == "eq" and isinstance(k.value, ast.Constant) and not k.value.value for k in given):
            yield f"takes the comparison of `{kind.name}` away"


def _asks_for_the_kind_alone(method: ast.FunctionDef) -> bool:
    """`isinstance(other, Own)`, or `type(self.x) is type(other.x)`, and nothing else of the other side."""
    other = method.args.args[-1].arg if len(method.args.args) == 2 else ""
    asked = [
        n
        for n in ast.walk(method)
        if (isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id in ("isinstance", "type"))
        or (isinstance(n, ast.Attribute) and n.attr == "__class__")
    ]
    inside = {n for call in asked for n in ast.walk(call)}
    uses = [n for n in ast.walk(method) if isinstance(n, ast.Name) and n.id == other]
    return bool(uses) and all(use in inside for use in uses)


def _is_not_compared(field: ast.AnnAssign) -> bool:
    """`x: int = field(compare=False)`; what begins with `_` or is not given to the class is no part of its value."""
    given = {k.arg: k.value for k in field.value.keywords} if isinstance(field.value, ast.Call) else {}
    off = {name for name, value in given.items() if isinstance(value, ast.Constant) and value.value is False}
    return bool(off & {"compare", "eq"}) and "init" not in off and not written(field.target).startswith("_")


def _ignores_its_argument(args: ast.arguments, body: Sequence[ast.stmt]) -> bool:
    names = [arg.arg for arg in (*args.posonlyargs, *args.args)]
    if len(names) < 2:
        return True
    used = {n.id for statement in body for n in ast.walk(statement) if isinstance(n, ast.Name)}
    blind = names[0] not in used and names[1] in used and not used & {"super", "NotImplemented"}
    if blind and not _asks_for_its_own_kind(body):
        return True
    raises = any(isinstance(n, ast.Raise) for statement in body for n in ast.walk(statement))
    return names[1] not in used and "NotImplemented" not in used and not raises


def _asks_for_its_own_kind(body: Sequence[ast.stmt]) -> bool:
    """Whether a comparison that does not look at its own value at least asks for a class of the project."""
    calls = [n for statement in body for n in ast.walk(statement) if isinstance(n, ast.Call)]
    kinds = [
        c.args[1] for c in calls if isinstance(c.func, ast.Name) and c.func.id == "isinstance" and len(c.args) == 2
    ]
    return any(isinstance(kind, ast.Name) and not hasattr(builtins, kind.id) for kind in kinds)


def _gives_a_constant(body: Sequence[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], ast.Return) and isinstance(body[-1].value, ast.Constant)
