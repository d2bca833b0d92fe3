"""Tests whose expectation is made false on purpose: each of them has to fail. Pure.

A test that passes with a false expectation as well was not decided by what the code returns: a result is equal to
everything, an assertion or the runner was replaced, or the code reads the answer out of the tests. Changed are only
expectations that are certainly checked: a comparison with a literal that stands directly in the body of a test, or a
literal in the column of a parametrised test that such a comparison uses.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ralphd.context.languages import language_of, parse
from ralphd.core.python_source import NOT_UNDERSTOOD

if TYPE_CHECKING:
    from tree_sitter import Node

_Edit = tuple[int, int, bytes]
"""Start and end in bytes, and the new bytes."""
_Found = tuple[str, list[_Edit]]
"""The name of a test as its id ends with it, and the edits that make its expectations false."""


@dataclass(frozen=True)
class FalseExpectations:
    path: str
    text: str
    """The whole test file with the false expectations."""
    tests: frozenset[str]
    """The names of the tests that have one: functions, or titles in JavaScript."""


def falsified(path: str, text: str) -> FalseExpectations | None:
    """The test file with false expectations; None where none is certain to be checked."""
    source = text.encode("utf-8", "surrogatepass")
    found = list(_in_python(text, source) if path.endswith(".py") else _elsewhere(path, source))
    edits = {(start, end): new for _, changes in found for start, end, new in changes}
    if not edits:
        return None
    for (start, end), new in sorted(edits.items(), reverse=True):
        source = source[:start] + new + source[end:]
    return FalseExpectations(path, source.decode("utf-8", "surrogatepass"), frozenset(name for name, _ in found))


def named(nodeid: str) -> str:
    """The name of a test at the end of its id, without parameters: of `a_test.py::T::test_x[1]` it is `test_x`."""
    if "::" not in nodeid:
        return nodeid.rpartition(".Test")[2] and "Test" + nodeid.rpartition(".Test")[2]  # `package.TestX/case` of Go
    if nodeid.split("::")[0].endswith(".py"):
        nodeid = nodeid.split("[", 1)[0]
    last = nodeid.rpartition("::")[2]
    return "." + last.rpartition(".")[2] if ".py::" in nodeid and "." in last else last  # examples of `module.function`


# ---- Python ------------------------------------------------------------------------------------------------------


def _in_python(text: str, source: bytes) -> Iterator[_Found]:
    try:
        module = ast.parse(source)
    except NOT_UNDERSTOOD:
        return
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            wrong = [_false_literal(literal, starts, source) for literal in _expected(node)]
            if edits := [edit for edit in wrong if edit is not None]:
                yield node.name, edits
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and ast.get_docstring(node):
            yield from _examples(node, starts, source)


_WANT = re.compile(
    rb"^[ \t]*>>> .+\n(?:[ \t]*\.\.\. ?.*\n)*[ \t]*(?!>>>|\.\.\.|Traceback)(\S.*)\n[ \t]*(?:\n|>>>|['\"]{3})",
    re.MULTILINE,
)


def _examples(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, starts: Sequence[int], source: bytes
) -> Iterator[_Found]:
    """The first example in a docstring whose result is one line: doctest runs a docstring as one test."""
    first = node.body[0]
    end = starts[(first.end_lineno or first.lineno) - 1] + (first.end_col_offset or 0)
    place = _WANT.search(source, starts[first.lineno - 1], end)
    if place is not None and b"doctest:" not in place[0]:
        yield f".{node.name}", [(place.end(1), place.end(1), b"qz")]


def _expected(test: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    """The literals that the statements of the test's own body compare with."""
    columns: set[str] = set()
    for statement in test.body:
        if isinstance(statement, ast.Return | ast.Raise | ast.If | ast.Try | ast.With | ast.AsyncWith):
            break  # what follows may not be reached
        sides: Sequence[ast.expr] = ()
        if isinstance(statement, ast.Assert):
            compared = statement.test
            if isinstance(compared, ast.Compare) and len(compared.ops) == 1 and isinstance(compared.ops[0], ast.Eq):
                sides = (compared.left, compared.comparators[0])
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            called = statement.value.func
            if isinstance(called, ast.Attribute) and called.attr in ("assertEqual", "assertEquals"):
                sides = statement.value.args[:2]
        literals = [side for side in sides if _is_literal(side)]
        if len(sides) == 2 and len(literals) == 1:
            yield literals[0]
        elif len(sides) == 2 and not literals:
            columns |= {side.id for side in sides if isinstance(side, ast.Name)}
    for decorator in test.decorator_list:
        yield from _column(decorator, columns)


def _column(decorator: ast.expr, names: set[str]) -> Iterator[ast.expr]:
    """The literals of a parametrised test that stand under one of `names`, where one column does."""
    if not (
        isinstance(decorator, ast.Call) and len(decorator.args) >= 2 and "parametrize" in ast.unparse(decorator.func)
    ):
        return
    given, rows = decorator.args[:2]
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        titles = [name.strip() for name in given.value.split(",")]
    elif isinstance(given, ast.List | ast.Tuple):
        titles = [str(getattr(name, "value", "")) for name in given.elts]
    else:
        return
    wanted = [number for number, title in enumerate(titles) if title in names]
    if len(wanted) != 1 or len(titles) < 2 or not isinstance(rows, ast.List | ast.Tuple):
        return
    for row in rows.elts:
        if isinstance(row, ast.Tuple | ast.List) and len(row.elts) == len(titles) and _is_literal(row.elts[wanted[0]]):
            yield row.elts[wanted[0]]


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _false_literal(node: ast.expr, starts: Sequence[int], source: bytes) -> _Edit | None:
    if node.end_lineno is None or node.end_col_offset is None:
        return None
    start = starts[node.lineno - 1] + node.col_offset
    end = starts[node.end_lineno - 1] + node.end_col_offset
    return start, end, _false(source[start:end])


# ---- JavaScript, TypeScript, Go and Rust -------------------------------------------------------------------------

_EQUAL = re.compile(
    r"\.(?:toBe|toEqual|toStrictEqual|equal|equals|eql|strictEqual|deepEqual|deepStrictEqual|is|same|strictSame|deepEquals)$"
)
_TEST_CALL = re.compile(r"(?:(?:test|it)(?:\.only)?|t\.test)$")
_LITERALS = frozenset(
    "string number true false null array object interpreted_string_literal raw_string_literal int_literal float_literal"
    " string_literal integer_literal boolean_literal".split()
)


def _elsewhere(path: str, source: bytes) -> Iterator[_Found]:
    language = language_of(path)
    of = {"go": _go_test, "rust": _rust_test, **dict.fromkeys(("javascript", "typescript", "tsx"), _script_test)}
    if language.name not in of or (tree := parse(language, source)) is None:
        return
    todo = [tree.root_node]
    while todo:
        node = todo.pop()
        todo.extend(node.named_children)
        name, literals = of[language.name](node, source)
        edits = [(n.start_byte, n.end_byte, _false(source[n.start_byte : n.end_byte])) for n in literals]
        if edits:
            yield name, edits


def _script_test(node: Node, source: bytes) -> tuple[str, list[Node]]:
    """`test("title", () => { expect(f(1)).toBe(2); })`, and the like of the other runners."""
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if node.type != "call_expression" or function is None or arguments is None:
        return "", []
    given = arguments.named_children
    if len(given) < 2 or given[0].type != "string" or not _TEST_CALL.search(_text(function, source)):
        return "", []
    body = given[-1].child_by_field_name("body")
    if given[-1].type not in ("arrow_function", "function_expression") or body is None:
        return "", []
    found = []
    for statement in body.named_children if body.type == "statement_block" else [body]:
        if statement.type in ("return_statement", "throw_statement", "if_statement", "try_statement"):
            break
        call = statement.named_children[0] if statement.type == "expression_statement" else statement
        called, values = call.child_by_field_name("function"), call.child_by_field_name("arguments")
        if call.type != "call_expression" or called is None or values is None or not values.named_children:
            continue
        words, last = (
            _text(called, source),
            values.named_children[: 2 if "expect(" not in _text(called, source) else 1][-1],
        )
        if _EQUAL.search(words) and ".not." not in words and last.type in _LITERALS:
            found.append(last)
    return _text(given[0], source)[1:-1], found


def _go_test(node: Node, source: bytes) -> tuple[str, list[Node]]:
    """`func TestX(t *testing.T) { if got := f(1); got != 2 { … } }`"""
    name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
    if (
        node.type != "function_declaration"
        or name is None
        or body is None
        or not _text(name, source).startswith("Test")
    ):
        return "", []
    found = []
    statements = body.named_children
    if len(statements) == 1 and statements[0].type == "statement_list":
        statements = statements[0].named_children
    for statement in statements:
        condition = statement.child_by_field_name("condition") if statement.type == "if_statement" else None
        if condition is None or condition.type != "binary_expression":
            continue
        operator, right = condition.child_by_field_name("operator"), condition.child_by_field_name("right")
        if operator is not None and operator.type == "!=" and right is not None and right.type in _LITERALS:
            found.append(right)
    return _text(name, source), found


def _rust_test(node: Node, source: bytes) -> tuple[str, list[Node]]:
    """`fn x() { assert_eq!(f(1), 2); }` under `#[test]`."""
    name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
    marks = node.prev_named_sibling
    if (
        node.type != "function_item"
        or name is None
        or body is None
        or marks is None
        or "test" not in _text(marks, source)
    ):
        return "", []
    found = []
    for statement in body.named_children:
        macro = statement.named_children[0] if statement.type == "expression_statement" else statement
        if macro.type != "macro_invocation" or not _text(macro, source).startswith("assert_eq!"):
            continue
        tokens = [token for token in macro.named_children if token.type == "token_tree"]
        values = tokens[0].children[1:-1] if tokens else []
        if len(values) >= 2 and values[-1].type in _LITERALS and values[-2].type == ",":
            found.append(values[-1])
    return _text(name, source), found


def _text(node: Node, source: bytes) -> str:
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")


_BOOLEANS = {b"True": b"False", b"False": b"True", b"true": b"false", b"false": b"true"}


def _false(literal: bytes) -> bytes:
    """Another literal of the same kind where there is one, else a list that holds it."""
    if literal in _BOOLEANS:
        return _BOOLEANS[literal]
    if re.fullmatch(rb"-?\d{1,15}", literal):
        return str(int(literal) + 1).encode()
    if re.fullmatch(rb"[rRbBuU]{0,2}(['\"`]).*", literal) and literal.count(literal[-1:]) == 2:
        return literal[:-1] + b"qz" + literal[-1:]
    return b"[" + literal + b"]"
