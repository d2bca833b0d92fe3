"""The tests that a Python file of the product holds itself: classes, functions, and what it asserts where it is run. Pure."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence

from ralphd.core.python_source import NOT_UNDERSTOOD, parsed
from ralphd.core.text import Span

MAIN = "__main__"


def found(text: str, names: Collection[str]) -> list[tuple[str, str, Span]]:
    """(What it is, what has to stay, where it stands in code points) of each test that is one of `names`, of what those
    are built on, and, where `__main__` is among them, of the assertions under `if __name__ == "__main__":`.

    Of several things of one name the last counts, as it does for the runner.
    """
    if not names:
        return []
    try:
        module = parsed(text)
        tests = _tests(module, set(names))
        starts = _line_starts(text)
        return [(f"`{name}`", ast.unparse(node), _span(node, starts)) for name, node in tests]
    except NOT_UNDERSTOOD:
        return []


def _tests(module: ast.Module, names: set[str]) -> Iterator[tuple[str, ast.stmt]]:
    bound: dict[str, ast.stmt] = {}
    for node in module.body:
        bound.update(dict.fromkeys(_binds(node), node))
    mains = [node for node in module.body if MAIN in names and _is_main(node) and _proves(node)]
    wanted = (names & bound.keys()) - _patched(module)
    wanted |= {
        name for node in mains for name in _named(node) & bound.keys() if "test" in name and _proves(bound[name])
    }
    while True:
        tests = {id(bound[name]) for name in wanted} | {id(node) for node in mains}
        product = set().union(*(_named(node) for node in module.body if id(node) not in tests))
        used = set().union(*(_named(node) for node in module.body if id(node) in tests))
        bases = {
            name for name in used & bound.keys() if isinstance(bound[name], ast.ClassDef | ast.Assign | ast.AnnAssign)
        }
        more = bases - product - wanted
        if not more:
            break
        wanted |= more
    yield from ((name, bound[name]) for name in sorted(wanted))
    yield from ((MAIN, node) for node in mains)


def _binds(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return {node.name}
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}


def _named(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}


def _patched(module: ast.Module) -> set[str]:
    """Names of which an attribute is set, `T.test_it = …`: what stands in such a class is not what runs."""
    return {
        one.value.id
        for one in ast.walk(module)
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and not isinstance(one.ctx, ast.Load)
    }


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and {"__name__"} <= _named(node.test) and MAIN in ast.unparse(node.test)


def _proves(node: ast.AST) -> bool:
    """Whether it asserts something, or starts a runner of tests."""
    return any(
        isinstance(one, ast.Assert) or (isinstance(one, ast.Name) and "test" in one.id) for one in ast.walk(node)
    )


def _line_starts(text: str) -> Sequence[int]:
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def _span(node: ast.stmt, starts: Sequence[int]) -> Span:
    """Whole lines, decorators among them."""
    first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
    last = node.end_lineno or node.lineno
    return starts[min(first - 1, len(starts) - 1)], starts[min(last, len(starts) - 1)]
