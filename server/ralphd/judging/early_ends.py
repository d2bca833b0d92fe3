"""Ways to end the process, for runs that are judged by their exit code alone: a rule of `suspicion.py`. Pure.

Where a runner reports its tests one by one, a process that ends early is noticed. Where a plain script says by its exit
code that all is well, a function that ends the process says the same.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from ralphd.core.python_source import written

_ENDS = frozenset(
    "sys.exit exit quit SystemExit builtins.exit builtins.quit builtins.SystemExit os._exit os.abort os.kill os.killpg".split()
)


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
