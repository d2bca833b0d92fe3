"""Tests of JavaScript, TypeScript, Go and Rust with expectations made false: see `false_expectations.py`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ralphd.attack.false_literals import Edit, Found, false
from ralphd.context.languages import language_of, parse

if TYPE_CHECKING:
    from tree_sitter import Node

_EQUAL = re.compile(
    r"\.(?:toBe|toEqual|toStrictEqual|toBeCloseTo|toHaveLength|equal|equals|eql|strictEqual|deepEqual|deepStrictEqual|is|same|strictSame|deepEquals)$"
)
_TEST_CALL = re.compile(r"(?:(?:test|it)(?:\.only)?|t\.test)$")
_LITERALS = frozenset(
    "string number true false null array object interpreted_string_literal raw_string_literal int_literal float_literal"
    " string_literal integer_literal boolean_literal".split()
)


def elsewhere(path: str, source: bytes) -> Iterator[Found]:
    language = language_of(path)
    of = {"go": _go_test, "rust": _rust_test, **dict.fromkeys(("javascript", "typescript", "tsx"), _script_test)}
    if language.name not in of or (tree := parse(language, source)) is None:
        return
    todo = [tree.root_node]
    while todo:
        node = todo.pop()
        todo.extend(node.named_children)
        name, literals, opposite = of[language.name](node, source)
        edits = [(n.start_byte, n.end_byte, false(source[n.start_byte : n.end_byte])) for n in literals]
        if name:
            yield name, edits or opposite


_Wrong = tuple[str, list["Node"], list[Edit]]
"""Of one test: its name, the literals that it expects, and the edits that turn an assertion into its opposite."""
_NONE: _Wrong = ("", [], [])
_MAY_LEAVE = (
    "return_statement",
    "throw_statement",
    "if_statement",
    "try_statement",
    "while_statement",
    "switch_statement",
)
_HOLDS = re.compile(r"^(?:assert|assert\.ok|t\.assert\.ok|t\.(?:ok|true|truthy|assert))$")


def _script_test(node: Node, source: bytes) -> _Wrong:
    """`test("title", () => { expect(f(1)).toBe(2); })`, and the like of the other runners."""
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if node.type != "call_expression" or function is None or arguments is None:
        return _NONE
    given = arguments.named_children
    if len(given) < 2 or given[0].type != "string" or not _TEST_CALL.search(_text(function, source)):
        return _NONE
    body = given[-1].child_by_field_name("body")
    if given[-1].type not in ("arrow_function", "function_expression") or body is None:
        return _NONE
    found: list[Node] = []
    opposite: list[Edit] = []
    for statement in body.named_children if body.type == "statement_block" else [body]:
        if statement.type in _MAY_LEAVE:
            break
        if statement.type == "for_in_statement":
            found += _of_rows(statement, source)
            continue
        call = statement.named_children[0] if statement.type == "expression_statement" else statement
        if call.type != "call_expression":
            continue
        expected = _expected(call, source)
        if expected is not None and expected.type == "identifier":
            expected = _named_once(body, expected, source)
        if expected is not None and expected.type in _LITERALS:
            found.append(expected)
        opposite = opposite or _opposite(call, source)
    return _text(given[0], source)[1:-1], found, opposite


def _expected(call: Node, source: bytes) -> Node | None:
    """What a call of an assertion expects: the last of `assert.equal(got, expected)`, `expect(got).toBe(expected)`."""
    called, values = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    if called is None or values is None or not values.named_children:
        return None
    words = _text(called, source)
    if _HOLDS.match(words):
        return _equal_within(values.named_children[0], source)
    if not _EQUAL.search(words) or re.search(r"\.(?:not|resolves|rejects)\.", words):
        return None  # what is not awaited may never be checked
    return values.named_children[: 1 if "expect(" in words else 2][-1]


def _equal_within(held: Node, source: bytes) -> Node | None:
    """What `f(1) === 2` and `Math.abs(f(1) - 2) < 1e-9` compare with."""
    sides = [held.child_by_field_name(side) for side in ("left", "operator", "right")]
    left, operator, right = sides
    if held.type != "binary_expression" or left is None or operator is None or right is None:
        return None
    if operator.type in ("==", "==="):
        return right
    arguments = left.child_by_field_name("arguments")
    near = operator.type in ("<", "<=") and right.type == "number" and re.match(r"0?\.[0-4]|\de-", _text(right, source))
    if not near or arguments is None or not _text(left, source).startswith("Math.abs(") or not arguments.named_children:
        return None
    difference = arguments.named_children[0]
    operator = difference.child_by_field_name("operator")
    return difference.child_by_field_name("right") if operator is not None and operator.type == "-" else None


def _named_once(body: Node, name: Node, source: bytes) -> Node | None:
    """The value of `const expected = "a"` where nothing but one comparison uses it."""
    title = _text(name, source)
    if sum(_text(one, source) == title for one in _all(body, "identifier")) != 2:
        return None
    for declared in _all(body, "variable_declarator"):
        named, value = declared.child_by_field_name("name"), declared.child_by_field_name("value")
        if named is not None and _text(named, source) == title:
            return value
    return None


def _opposite(call: Node, source: bytes) -> list[Edit]:
    """`assert(x)` as `assert(!(x))`, and `expect(x).toBeNull()` as `expect(x).not.toBeNull()`."""
    called, values = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    if called is None or values is None:
        return []
    if _HOLDS.match(_text(called, source)) and values.named_children:
        first = values.named_children[0]
        return [(first.start_byte, first.start_byte, b"!("), (first.end_byte, first.end_byte, b")")]
    inner = called.child_by_field_name("object")
    if inner is None or inner.type != "call_expression" or not _text(inner, source).startswith("expect("):
        return []
    return [(inner.end_byte, inner.end_byte, b".not")]


def _of_rows(loop: Node, source: bytes) -> list[Node]:
    """`for (const [given, right] of [["a", 1], …]) { assert.equal(f(given), right); }`"""
    left, right, body = (loop.child_by_field_name(name) for name in ("left", "right", "body"))
    if left is None or right is None or body is None or left.type != "array_pattern" or right.type != "array":
        return []
    names: set[str] = set()
    for statement in body.named_children:
        if statement.type in _MAY_LEAVE:
            break
        call = statement.named_children[0] if statement.type == "expression_statement" else statement
        expected = _expected(call, source) if call.type == "call_expression" else None
        if expected is not None and expected.type == "identifier":
            names.add(_text(expected, source))
    titles = [_text(title, source) for title in left.named_children]
    wanted = [number for number, title in enumerate(titles) if title in names]
    if len(wanted) != 1 or len(titles) < 2:
        return []
    rows = [row.named_children for row in right.named_children if row.type == "array"]
    return [row[wanted[0]] for row in rows if len(row) == len(titles) and row[wanted[0]].type in _LITERALS]


def _go_test(node: Node, source: bytes) -> _Wrong:
    """`func TestX(t *testing.T) { if got := f(1); got != 2 { … } }`, and the usual table of cases."""
    name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
    if (
        node.type != "function_declaration"
        or name is None
        or body is None
        or not _text(name, source).startswith("Test")
    ):
        return _NONE
    found: list[Node] = []
    tables: dict[str, Node] = {}
    for statement in _statements(body):
        if statement.type == "short_var_declaration":
            sides = [statement.child_by_field_name(side) for side in ("left", "right")]
            if sides[0] is not None and sides[1] is not None and sides[1].named_children:
                tables[_text(sides[0], source)] = sides[1].named_children[0]
        elif statement.type == "for_statement":
            found += _of_cases(statement, tables, source)
        right = _unequal_to(statement)
        if right is not None and right.type in _LITERALS:
            found.append(right)
    return _text(name, source), found, []


def _statements(body: Node) -> list[Node]:
    inside = body.named_children
    return inside[0].named_children if len(inside) == 1 and inside[0].type == "statement_list" else inside


def _unequal_to(statement: Node) -> Node | None:
    """What `if got != expected` compares with."""
    condition = statement.child_by_field_name("condition") if statement.type == "if_statement" else None
    if condition is None or condition.type != "binary_expression":
        return None
    operator = condition.child_by_field_name("operator")
    return condition.child_by_field_name("right") if operator is not None and operator.type == "!=" else None


def _of_cases(loop: Node, tables: dict[str, Node], source: bytes) -> list[Node]:
    """`for _, tt := range tests { t.Run(tt.name, func(t *testing.T) { if got := f(tt.in); got != tt.want { … } }) }`"""
    heading = next((child for child in loop.named_children if child.type == "range_clause"), None)
    body = loop.child_by_field_name("body")
    table = heading.child_by_field_name("right") if heading is not None else None
    if heading is None or body is None or table is None:
        return []
    table = tables.get(_text(table, source), table)
    row_type, rows = table.child_by_field_name("type"), table.child_by_field_name("body")
    element = row_type.child_by_field_name("element") if row_type is not None else None
    if rows is None or element is None or element.type != "struct_type":
        return []
    columns = [_text(n, source) for n in _all(element, "field_identifier")]
    checks = [right for one in _all(body, "if_statement") if (right := _unequal_to(one)) is not None]
    wanted = [_text(right, source).rpartition(".")[2] for right in checks if right.type == "selector_expression"]
    if len(wanted) != 1 or wanted[0] not in columns:
        return []
    cells = [_cell(row, columns.index(wanted[0]), wanted[0], source) for row in rows.named_children]
    return [cell for cell in cells if cell is not None and cell.type in _LITERALS]


def _cell(row: Node, number: int, title: str, source: bytes) -> Node | None:
    """The value of one column in a row, which is written as `{1, 2}` or `{in: 1, want: 2}`."""
    value = row.named_children[0] if row.type == "literal_element" and row.named_children else row
    cells = value.named_children
    keyed = [cell for cell in cells if cell.type == "keyed_element"]
    for cell in keyed:
        if _text(cell.named_children[0], source) == title:
            return _bare(cell.named_children[-1])
    return None if keyed or number >= len(cells) else _bare(cells[number])


def _bare(cell: Node) -> Node:
    return cell.named_children[0] if cell.type == "literal_element" and cell.named_children else cell


def _all(root: Node, kind: str) -> list[Node]:
    """All nodes of one kind, in the order of the text."""
    found, todo = [], [root]
    while todo:
        node = todo.pop()
        if node.type == kind:
            found.append(node)
        todo.extend(reversed(node.named_children))
    return found


def _rust_test(node: Node, source: bytes) -> _Wrong:
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
        return _NONE
    found: list[Node] = []
    opposite: list[Edit] = []
    for statement in body.named_children:
        macro = statement.named_children[0] if statement.type == "expression_statement" else statement
        if macro.type != "macro_invocation" or not _text(macro, source).startswith(("assert_eq!", "assert!")):
            continue
        tokens = [token for token in macro.named_children if token.type == "token_tree"]
        values = tokens[0].children[1:-1] if tokens else []
        if _text(macro, source).startswith("assert!"):
            if values and not any(value.type == "," for value in values):
                start, end = values[0].start_byte, values[-1].end_byte
                opposite = opposite or [(start, start, b"!("), (end, end, b")")]
        elif len(values) >= 2 and values[-1].type in _LITERALS and values[-2].type == ",":
            found.append(values[-1])
    return _text(name, source), found, opposite


def _text(node: Node, source: bytes) -> str:
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")
