"""Ways to end the process before the tests are through: rules of `suspicion.py`. Pure.

Where a runner reports its tests one by one, a process that ends early is noticed. Where a plain script says by its exit
code that all is well, a function that ends the process says the same.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

from ralphd.core.python_source import written

_ENDS = frozenset(
    "sys.exit exit quit SystemExit builtins.exit builtins.quit builtins.SystemExit os._exit os.abort os.kill os.killpg".split()
)


def at_import(body: Sequence[ast.stmt], dotted: Callable[[ast.AST], str]) -> Iterator[str]:
    """Of a module's statements, those that end the process while it is imported."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(statement, ast.If) and "__name__" in written(statement.test):
            continue
        for node in ast.walk(statement):
            called = dotted(node.func) if isinstance(node, ast.Call) else ""
            if called in ("sys.exit", "exit", "quit") or (
                isinstance(node, ast.Raise) and node.exc is not None and "SystemExit" in written(node.exc)
            ):
                yield "ends the process when it is imported"


def found(module: ast.Module, dotted: Callable[[ast.AST], str]) -> Iterator[str]:
    """In Python, as ends of a sentence; the main program may end as it likes."""
    own = {n.id for n in ast.walk(module) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    own |= {n.arg for n in ast.walk(module) if isinstance(n, ast.arg)}
    for node in _outside_of_the_program(module):
        if isinstance(node, ast.Name | ast.Attribute) and (name := dotted(node)) in _ENDS and name not in own:
            yield f"ends the process with `{name}`, and only the exit code of the tests says how they went"


def _outside_of_the_program(module: ast.Module) -> Iterator[ast.AST]:
    todo: list[ast.AST] = [module]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and written(node.test).startswith("__name__ =="):
            todo.extend(node.orelse)
            continue
        yield node
        todo.extend(ast.iter_child_nodes(node))
