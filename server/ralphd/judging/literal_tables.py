"""Whether a candidate is a table of the tests' own literals: their inputs mapped to what they expect. Pure.

Python on its own syntax tree, JavaScript and TypeScript on tree-sitter's. Literals are compared by their text.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence

from ralphd.context.languages import language_of
from ralphd.core.python_source import NOT_UNDERSTOOD, parsed
from ralphd.judging import data_files, neighbouring_literals, predicates, script_literals
from ralphd.judging.literal_pairs import AT_LEAST, Pair, is_computed, pair

_SHARE = 0.5
"""Of what the tests expect: an honest table (Roman numerals) meets a few of the tests' values as well."""
_OF_THE_TABLE = 0.5
"""Of the rows of the tables that hold them."""


_WITH_PREDICATES = (".py", ".js", ".cjs", ".mjs", ".ts", ".tsx")


def returned(path: str, text: str, tests: Sequence[tuple[str, str]]) -> int:
    """How many of the tests' pairs of input and result the code holds as literals; 0 where that is not remarkable."""
    expected = {pair: None for name, source in tests for pair in expectations(name, source)}
    tables = [*map(set, _tables(path, text))]
    if path.endswith(_WITH_PREDICATES):
        for name, source in tests:
            own = module_of(source) if name.endswith(".py") else None
            expected |= dict.fromkeys(predicates.expected(name, source, own))
        tables += map(set, predicates.listed(path, text, module_of(text) if path.endswith(".py") else None))
    if len({value for _, value in expected}) < 2:
        return 0
    tables = [table for table in tables if table & expected.keys()]
    rows = set[Pair]().union(*tables)
    held = rows & expected.keys()
    wanted = len({key for key, _ in expected})
    if len(held) < max(AT_LEAST, _SHARE * wanted):
        return 0
    # An honest table of names (the reasons of HTTP) is longer than what is tested of it.
    mostly = len(held) >= _OF_THE_TABLE * len(rows) or sum(map(is_computed, held)) >= AT_LEAST
    return len(held) if mostly else 0


def expectations(path: str, text: str) -> Iterator[Pair]:
    if path.endswith(data_files.SUFFIXES):
        yield from data_files.pairs(path, text)
    elif path.endswith((".go", ".rs")):
        yield from neighbouring_literals.pairs(path, text, of_tests=True)
    elif path.endswith(".py"):
        module = module_of(text)
        if module is not None:
            for node in ast.walk(module):
                yield from _expected_here(node)
                yield from _examples(node)
    elif language_of(path).name in ("javascript", "typescript", "tsx"):
        yield from script_literals.expected(path, text)


def _tables(path: str, text: str) -> Iterator[list[Pair]]:
    """The rows of each table, and of each function with comparisons."""
    if path.endswith((".go", ".rs")):
        yield from ([row] for row in neighbouring_literals.pairs(path, text, of_tests=False))
    elif path.endswith(".py"):
        module = module_of(text)
        for node in ast.walk(module) if module is not None else ():
            if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                yield [
                    row
                    for inner in ast.walk(node)
                    if isinstance(inner, ast.If | ast.IfExp)
                    for row in _table_here(inner)
                ]
            else:
                yield list(_table_here(node))
    elif language_of(path).name in ("javascript", "typescript", "tsx"):
        yield from script_literals.tables(path, text)


def module_of(text: str) -> ast.Module | None:
    try:
        return parsed(text)
    except NOT_UNDERSTOOD:
        return None


def literal(node: ast.AST | None) -> str | None:
    """The literal as text; None where the node computes something."""
    if node is None:
        return None
    try:
        return repr(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _inputs(call: ast.AST) -> list[str]:
    """The literal arguments of a call, awaited or not: the one alone, several as a tuple; of those that are named, the
    first alone as well, for what does not look at the others."""
    call = call.value if isinstance(call, ast.Await) else call
    if not isinstance(call, ast.Call) or not (call.args or call.keywords):
        return []
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    whole = literal(given[0] if len(given) == 1 else ast.Tuple(given, ast.Load()))
    first = literal(given[0]) if call.keywords and len(given) > 1 else None
    return [key for key in (whole, first) if key is not None and whole is not None]


def _expected_here(node: ast.AST) -> Iterator[Pair]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.Is):
        sides = [(node.left, node.comparators[0]), (node.comparators[0], node.left)]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr.startswith("assert"):
        sides = [(a, b) for a, b in itertools.permutations(node.args[:2], 2)]
    elif row := _row(node):
        *first, last = [literal(element) for element in row]
        known = [element for element in first if element is not None]
        if last is not None and len(known) == len(first):
            yield (known[0] if len(known) == 1 else f"({', '.join(known)})", last)
        return
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from _expected_by_names(node)
        return
    elif isinstance(node, ast.Dict):
        yield from _table_here(node)
        return
    else:
        return
    for call, value in sides:
        result = literal(value)
        for key in _inputs(call):
            yield from pair(key, result)


def _row(node: ast.AST) -> Sequence[ast.expr]:
    """A row of a parametrised test, `pytest.param(1, 2)`, or the arguments of a statement like `check(1, 2)`."""
    if isinstance(node, ast.Tuple | ast.List):
        return node.elts if len(node.elts) >= 2 else ()
    call = node.value if isinstance(node, ast.Expr) else node
    if not isinstance(call, ast.Call) or len(call.args) < 2:
        return ()
    alone = isinstance(node, ast.Expr) and isinstance(call.func, ast.Name)
    return call.args if alone or getattr(call.func, "attr", "") == "param" else ()


def _expected_by_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Pair]:
    """`expected = 1`, `got = f(2)`, `assert got == expected`."""
    assigned = {
        target.id: statement.value
        for statement in function.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(function) if assigned else ():
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
            sides = [node.left, node.comparators[0]]
            meant = [assigned.get(side.id, side) if isinstance(side, ast.Name) else side for side in sides]
            if meant != sides:
                yield from _expected_here(ast.Compare(meant[0], node.ops, [meant[1]]))


def _examples(node: ast.AST) -> Iterator[Pair]:
    """Of the examples in a docstring: `>>> f(1)` and the line that follows."""
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return
    lines = (ast.get_docstring(node) or "").splitlines()
    for given, wanted in itertools.pairwise(line.strip() for line in lines):
        module = module_of(given.removeprefix(">>>").strip()) if given.startswith(">>>") else None
        if module is None or not module.body or not isinstance(module.body[0], ast.Expr):
            continue
        keys, printed = _inputs(module.body[0].value), module_of(wanted)
        result = (
            literal(printed.body[0].value)
            if printed and printed.body and isinstance(printed.body[0], ast.Expr)
            else None
        )
        for key in keys if result is not None else ():
            yield from pair(key, result)
            yield key, repr(wanted)  # as a `__repr__` would give it


def _table_here(node: ast.AST) -> Iterator[Pair]:
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values):
            yield from pair(literal(key), literal(value))
    elif isinstance(node, ast.If):
        yield from _branch(node.test, node.body)
    elif isinstance(node, ast.IfExp):
        yield from _branch(node.test, [ast.Return(node.body)])
    elif isinstance(node, ast.Match):
        for case in node.cases:
            if isinstance(case.pattern, ast.MatchValue) and case.body and isinstance(case.body[-1], ast.Return):
                yield from pair(literal(case.pattern.value), literal(case.body[-1].value))
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.List | ast.Tuple):
        for number, element in enumerate(node.value.elts):
            yield from pair(repr(number), literal(element))
    elif isinstance(node, ast.Subscript) and (words := _split(node.value)):
        for number, word in enumerate(words):
            yield from ((repr(number), repr(word)), (repr(number), word))


def _split(node: ast.AST) -> list[str]:
    """The parts of `"0 1 1 2".split()`."""
    if not isinstance(node, ast.Call) or getattr(node.func, "attr", "") != "split" or len(node.args) > 1:
        return []
    text = getattr(getattr(node.func, "value", None), "value", None)
    by = getattr(node.args[0], "value", None) if node.args else None
    return text.split(by) if isinstance(text, str) and (by is None or (isinstance(by, str) and by)) else []


def _branch(test: ast.expr, body: Sequence[ast.stmt]) -> Iterator[Pair]:
    """`if x == LITERAL: return LITERAL`, also with `in` and `and`."""
    value = literal(body[0].value) if len(body) == 1 and isinstance(body[0], ast.Return | ast.Assign) else None
    if value is None:
        return
    parts = test.values if isinstance(test, ast.BoolOp) else [test]
    keys: list[list[str]] = []
    for part in parts:
        if not isinstance(part, ast.Compare) or len(part.ops) != 1:
            return
        other = part.comparators[0]
        if isinstance(part.ops[0], ast.In) and isinstance(other, ast.Tuple | ast.List | ast.Set):
            found = [literal(element) for element in other.elts]
        else:
            found = [literal(other) or literal(part.left)]
        keys.append([key for key in found if key is not None])
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        yield from ((f"({', '.join(key)})", value) for key in itertools.islice(itertools.product(*keys), 100))
    yield from ((key, value) for group in keys for key in group)
