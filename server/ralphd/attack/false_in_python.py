"""Python's tests with expectations made false: see `false_expectations.py`. Pure."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from ralphd.attack.false_literals import Edit, Found, false
from ralphd.core.python_source import NOT_UNDERSTOOD, parsed, written


def in_python(source: bytes) -> Iterator[Found]:
    try:
        module = parsed(source.decode("utf-8", "surrogatepass"))
    except NOT_UNDERSTOOD:
        return
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    tables = _tables(module)
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            wrong = [_false_literal(literal, starts, source) for literal in _expected(node, tables)]
            yield node.name, wrong or _opposite(node, starts)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and ast.get_docstring(node):
            yield from _examples(node, starts, source)


def _tables(module: ast.Module) -> dict[str, ast.expr]:
    """The lists that stand in the module under a name and are used once: another use might take the same literals as
    something else than expectations."""
    uses = Counter(node.id for node in ast.walk(module) if isinstance(node, ast.Name))
    return {
        target.id: statement.value
        for statement in module.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name) and uses[target.id] == 2
    }


_WANT = re.compile(
    rb"^[ \t]*>>> .+\n(?:[ \t]*\.\.\. ?.*\n)*[ \t]*(?!>>>|\.\.\.|Traceback)(\S.*)\n[ \t]*(?:\n|>>>|['\"]{3})",
    re.MULTILINE,
)


def _examples(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, starts: Sequence[int], source: bytes
) -> Iterator[Found]:
    """The first example in a docstring whose result is one line: doctest runs a docstring as one test."""
    first = node.body[0]
    end = starts[(first.end_lineno or first.lineno) - 1] + (first.end_col_offset or 0)
    place = _WANT.search(source, starts[first.lineno - 1], end)
    if place is not None and b"doctest:" not in place[0]:
        yield f".{node.name}", [(place.end(1), place.end(1), b"qz")]
    elif b">>>" in source[starts[first.lineno - 1] : end]:
        yield f".{node.name}", []


_OPPOSITES = {
    "assertTrue": "assertFalse", "assertIn": "assertNotIn", "assertIsNone": "assertIsNotNone", "assertIs": "assertIsNot",
    "assertEqual": "assertNotEqual", "assertIsInstance": "assertNotIsInstance", "assertGreater": "assertLessEqual",
    "assertLess": "assertGreaterEqual", "assertAlmostEqual": "assertNotAlmostEqual", "assertRegex": "assertNotRegex",
}  # fmt: skip
_OPPOSITES |= {opposite: name for name, opposite in _OPPOSITES.items()}
_MAY_LEAVE = (ast.Return, ast.Raise, ast.If, ast.Try, ast.With, ast.AsyncWith, ast.While, ast.Match)
"""What follows such a statement may not be reached."""


def _expected(test: ast.FunctionDef | ast.AsyncFunctionDef, tables: Mapping[str, ast.expr]) -> Iterator[ast.expr]:
    """The literals that the statements of the test's own body compare with, and those of rows that it goes through."""
    columns: set[str] = set()
    uses = Counter(node.id for node in ast.walk(test) if isinstance(node, ast.Name))
    named: dict[str, ast.expr] = {}
    for statement in test.body:
        if isinstance(statement, _MAY_LEAVE):
            break
        if isinstance(statement, ast.For):
            yield from _of_rows(statement, tables)
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and _is_literal(statement.value):
            title = getattr(statement.targets[0], "id", "")
            named |= (
                {title: statement.value} if uses[title] == 2 else {}
            )  # `expected = "a"`, and one comparison with it
        literals, names = _compared(statement)
        yield from literals
        yield from (named[name] for name in names if name in named)
        columns |= names
    for decorator in test.decorator_list:
        yield from _column(decorator, columns, tables)


_EQUALS = frozenset(
    "assertEqual assertEquals assertAlmostEqual assertIs assertListEqual assertTupleEqual assertDictEqual assertSetEqual"
    " assertCountEqual assertSequenceEqual assertMultiLineEqual".split()
)
_CLOSE = frozenset({"isclose", "assert_allclose", "assert_almost_equal", "assert_approx_equal"})
_TOLERANCE = 0.5
"""False numbers lie farther off."""


def _compared(statement: ast.stmt) -> tuple[list[ast.expr], set[str]]:
    """The literal that a statement compares something with; else the names, one of which may hold the expectation."""
    sides = [_within_approx(side) for side in _sides(statement)]
    literals = [side for side in sides if _is_literal(side)]
    if len(sides) != 2 or len(literals) == 2:
        return [], set()
    return literals, set() if literals else {side.id for side in sides if isinstance(side, ast.Name)}


def _sides(statement: ast.stmt) -> Sequence[ast.expr]:
    """The two values that a statement says are equal, close to each other, or one within the other; none for others."""
    held = statement.test if isinstance(statement, ast.Assert) else getattr(statement, "value", None)
    if isinstance(statement, ast.Assert) and isinstance(held, ast.Compare) and len(held.ops) == 1:
        return _of_comparison(held)
    if not isinstance(held, ast.Call) or not isinstance(statement, ast.Assert | ast.Expr):
        return ()
    name, given = getattr(held.func, "attr", getattr(held.func, "id", "")), held.args[:2]
    exact = not held.keywords and len(held.args) <= 3
    if isinstance(statement, ast.Expr) and name in _EQUALS:
        return given if name != "assertAlmostEqual" or exact else ()
    if isinstance(statement, ast.Expr) and name == "assertIn":
        return given if _is_text(held.args[0]) else ()
    return given if name in _CLOSE and exact and any(map(_is_number, given)) else ()


def _of_comparison(compared: ast.Compare) -> Sequence[ast.expr]:
    left, right = compared.left, compared.comparators[0]
    match compared.ops[0]:
        case ast.Eq() | ast.Is():
            return left, right
        case ast.In() if _is_text(left):
            return left, right
        case ast.Lt() | ast.LtE() if _is_number(right) and float(ast.literal_eval(right)) <= _TOLERANCE:
            inner = left.args[0] if isinstance(left, ast.Call) and getattr(left.func, "id", "") == "abs" else None
            if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub):
                return inner.left, inner.right
    return ()


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_number(node: ast.expr) -> bool:
    return _is_literal(node) and type(ast.literal_eval(node)) in (int, float)


def _within_approx(side: ast.expr) -> ast.expr:
    called = side.func if isinstance(side, ast.Call) and len(side.args) == 1 and not side.keywords else None
    approximate = getattr(called, "attr", getattr(called, "id", "")) == "approx"
    return side.args[0] if approximate and isinstance(side, ast.Call) else side


def _of_rows(loop: ast.For, tables: Mapping[str, ast.expr]) -> Iterator[ast.expr]:
    """`for given, right in [("a", 1), …]: assert f(given) == right`, also inside `with self.subTest(…):`."""
    if not isinstance(loop.target, ast.Tuple):
        return
    body = loop.body
    if len(body) == 1 and isinstance(body[0], ast.With) and "subTest" in written(body[0].items[0]):
        body = body[0].body
    names: set[str] = set()
    for statement in body:
        if isinstance(statement, _MAY_LEAVE):
            break
        names |= _compared(statement)[1]
    yield from _under([written(title) for title in loop.target.elts], names, loop.iter, tables)


def _column(decorator: ast.expr, names: set[str], tables: Mapping[str, ast.expr]) -> Iterator[ast.expr]:
    """The literals of a parametrised test that stand under one of `names`."""
    if not (isinstance(decorator, ast.Call) and len(decorator.args) >= 2 and "parametrize" in written(decorator.func)):
        return
    given, rows = decorator.args[:2]
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        titles = [name.strip() for name in given.value.split(",")]
    elif isinstance(given, ast.List | ast.Tuple):
        titles = [str(getattr(name, "value", "")) for name in given.elts]
    else:
        return
    yield from _under(titles, names, rows, tables)


def _under(
    titles: Sequence[str], names: set[str], rows: ast.expr, tables: Mapping[str, ast.expr]
) -> Iterator[ast.expr]:
    """The literals of `rows` in the column whose title is one of `names`, where one column is."""
    if isinstance(rows, ast.Name):
        rows = tables.get(rows.id, rows)
    wanted = [number for number, title in enumerate(titles) if title in names]
    if len(wanted) != 1 or len(titles) < 2 or not isinstance(rows, ast.List | ast.Tuple):
        return
    for row in rows.elts:
        cells: Sequence[ast.expr] = ()
        if isinstance(row, ast.Tuple | ast.List):
            cells = row.elts
        elif isinstance(row, ast.Call) and isinstance(row.func, ast.Attribute) and row.func.attr == "param":
            cells = row.args
        if len(cells) == len(titles) and _is_literal(cells[wanted[0]]):
            yield cells[wanted[0]]


def _opposite(test: ast.FunctionDef | ast.AsyncFunctionDef, starts: Sequence[int]) -> list[Edit]:
    """Of a test that compares with no literal: the first assertion that is certainly made, turned into its opposite."""
    for statement in test.body:
        if isinstance(statement, _MAY_LEAVE):
            break
        if isinstance(statement, ast.Assert):
            start, end = _span(statement.test, starts)
            return [(start, start, b"not ("), (end, end, b")")]
        called = (
            statement.value.func if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) else None
        )
        if isinstance(called, ast.Attribute) and (opposite := _OPPOSITES.get(called.attr)):
            _, end = _span(called, starts)
            return [(end - len(called.attr), end, opposite.encode())]
    return []


def _span(node: ast.expr, starts: Sequence[int]) -> tuple[int, int]:
    assert node.end_lineno is not None and node.end_col_offset is not None  # the text was parsed
    return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except NOT_UNDERSTOOD + (TypeError,):
        return False
    return True


def _false_literal(node: ast.expr, starts: Sequence[int], source: bytes) -> Edit:
    start, end = _span(node, starts)
    return start, end, false(source[start:end])
