"""Uses in Python that look like a trick by one name and are none by the way they are written: for `suspicion.py`. Pure."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from ralphd.core.python_source import written

Dotted = Callable[[ast.AST], str]
_CLEANS_UP = frozenset("shutil.rmtree os.remove os.unlink os.rmdir os.removedirs logging.shutdown".split())
_CLOSES = frozenset({"close", "cleanup", "shutdown"})
_LISTINGS = frozenset("glob rglob iglob fnmatch filter".split())
_OF_CASE = frozenset({"lower", "casefold", "upper"})


def found(module: ast.Module, dotted: Dotted, imported: set[str], asked_for: str) -> Iterator[ast.AST]:
    """The nodes that are not to be wondered at. `asked_for`: the text of the tests, which name what they want."""
    functions = [n.args for n in ast.walk(module) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)]
    parameters = {a.arg for args in functions for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)}
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            if dotted(node.func) == "os.kill" and len(node.args) == 2 and _is_nought(node.args[1]):
                yield node.func
            yield from _patterns(node, parameters)
        elif isinstance(node, ast.ClassDef) and node.name in asked_for and _differs_in_case_alone(node):
            yield node
    if _only_cleans_up(module, dotted, imported):
        yield from (
            node
            for node in ast.walk(module)
            if isinstance(node, ast.Import) and [a.name for a in node.names] == ["atexit"]
        )


def _is_nought(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value == 0


def _patterns(call: ast.Call, parameters: set[str]) -> Iterator[ast.AST]:
    """`*.py` in a folder that the caller names."""
    lists = getattr(call.func, "id", getattr(call.func, "attr", "")) in _LISTINGS
    if lists and {n.id for n in ast.walk(call) if isinstance(n, ast.Name)} & parameters:
        yield from (n for n in ast.walk(call) if isinstance(n, ast.Constant) and n.value in ("*.py", "**/*.py"))


def _only_cleans_up(module: ast.Module, dotted: Dotted, imported: set[str]) -> bool:
    """Whether all that is to be done at the end of the process is to remove files or to close what the module made."""
    uses = [n for n in ast.walk(module) if isinstance(n, ast.Name | ast.Attribute) and dotted(n).startswith("atexit")]
    calls = [n for n in ast.walk(module) if isinstance(n, ast.Call) and dotted(n.func) == "atexit.register" and n.args]
    if len(uses) != 2 * len(calls):  # each call has the name and its attribute
        return False
    for call in calls:
        wanted = dotted(call.args[0])
        root, _, last = wanted.partition(".")
        if wanted not in _CLEANS_UP and (last not in _CLOSES or root in imported):
            return False
    return True


def _differs_in_case_alone(kind: ast.ClassDef) -> bool:
    """Whether each comparison of a class is one of both sides in the same case."""
    methods = [n for n in kind.body if isinstance(n, ast.FunctionDef) and n.name in ("__eq__", "__ne__")]
    named = [n for n in ast.walk(kind) if isinstance(n, ast.Name) and n.id in ("__eq__", "__ne__")]
    return bool(methods) and not named and all(_compares_case_alone(method) for method in methods)


def _compares_case_alone(method: ast.FunctionDef) -> bool:
    if len(method.args.args) != 2 or not method.body or not isinstance(method.body[-1], ast.Return):
        return False
    own, other = (argument.arg for argument in method.args.args)
    guard = [f"if not isinstance({other}, str):\n    return {what}" for what in ("NotImplemented", "False")]
    docstring = isinstance(method.body[0], ast.Expr) and isinstance(method.body[0].value, ast.Constant)
    if any(written(statement) not in guard for statement in method.body[docstring:-1]):
        return False
    given = method.body[-1].value
    if method.name == "__ne__" and given is not None and written(given) == f"not {own} == {other}":
        return True
    if not isinstance(given, ast.Compare) or len(given.ops) != 1:
        return False
    meant = ast.Eq if method.name == "__eq__" else ast.NotEq
    sides = [_in_one_case(given.left), _in_one_case(given.comparators[0])]
    cases = {case for _, case in sides}
    return isinstance(given.ops[0], meant) and {name for name, _ in sides} == {own, other} and len(cases) == 1


def _in_one_case(node: ast.AST) -> tuple[str, str]:
    """Of `self.lower()` or `str(self).lower()`: the name and the method; two empty texts for another expression."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.args:
        return "", ""
    inner = node.func.value
    if isinstance(inner, ast.Call) and written(inner.func) == "str" and len(inner.args) == 1:
        inner = inner.args[0]
    return (inner.id, node.func.attr) if isinstance(inner, ast.Name) and node.func.attr in _OF_CASE else ("", "")
