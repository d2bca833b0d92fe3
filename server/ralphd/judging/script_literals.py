"""Inputs beside results in JavaScript and TypeScript, as literals, on the syntax tree of tree-sitter. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ralphd.context.languages import language_of, parse
from ralphd.judging.literal_pairs import AT_LEAST, Pair, pair

if TYPE_CHECKING:
    from tree_sitter import Node

_LITERALS = frozenset({"string", "number", "true", "false", "null", "undefined"})


def _script_literal(node: Node | None) -> str | None:
    if node is None or node.text is None:
        return None
    text = node.text.decode("utf-8", "replace")
    if node.type in ("string", "property_identifier"):
        return repr(text.strip("'\"`"))
    if node.type in _LITERALS:
        return text
    if node.type == "array" and all(child.type in _LITERALS for child in node.named_children):
        return "".join(text.split())
    return None


def expected(path: str, text: str) -> Iterator[Pair]:
    """What the assertions and rows of a test file say."""
    for node in _nodes(path, text):
        yield from _script_expected(node)


def tables(path: str, text: str) -> Iterator[list[Pair]]:
    """The rows of each table, list of rows, `switch` and function with comparisons."""
    rows: dict[int, list[Pair]] = {}
    for node in _nodes(path, text):
        if found := list(_script_table(node)):
            rows.setdefault(_table_of(node), []).extend(found)
    yield from rows.values()


def _table_of(node: Node) -> int:
    """What tells the table that a row is of."""
    outer = node.parent
    if node.type in ("if_statement", "ternary_expression"):
        while outer is not None and outer.parent is not None and outer.child_by_field_name("parameters") is None:
            outer = outer.parent
    return outer.id if outer is not None else 0


def _nodes(path: str, text: str) -> Iterator[Node]:
    tree = parse(language_of(path), text.encode("utf-8", "surrogatepass"))
    todo = [tree.root_node] if tree is not None else []
    while todo:
        node = todo.pop()
        todo.extend(node.named_children)
        yield node


def _together(keys: Sequence[str | None]) -> str | None:
    """One literal alone, several as a tuple; None where one is none."""
    known = [key for key in keys if key is not None]
    if not known or len(known) < len(keys):
        return None
    return known[0] if len(known) == 1 else f"({', '.join(known)})"


def _script_row(node: Node) -> Iterator[Pair]:
    """`[1, 2]`: the result for 1; `[1, 2, 3]`: the result for 1 and 2."""
    if node.type == "array" and len(node.named_children) >= 2:
        *first, last = (_script_literal(child) for child in node.named_children)
        yield from pair(_together(first), last)


def _script_expected(node: Node) -> Iterator[Pair]:
    """`assert.equal(f(1), 2)`, `expect(f(1)).toBe(2)` and rows."""
    yield from _script_row(node)
    if node.type != "call_expression" or (arguments := node.child_by_field_name("arguments")) is None:
        return
    given = list(arguments.named_children)
    function = node.child_by_field_name("function")
    inner = function.child_by_field_name("object") if function is not None else None
    if inner is not None and inner.type == "call_expression" and len(given) == 1:
        asked = inner.child_by_field_name("arguments")
        given = [*(asked.named_children if asked is not None else ()), *given]
    for one, value in itertools.permutations(given[:2], 2):
        call = one.named_children[0] if one.type == "await_expression" and one.named_children else one
        if call.type == "call_expression" and (inputs := call.child_by_field_name("arguments")) is not None:
            keys = [_script_literal(child) for child in inputs.named_children]
            if len(keys) == 1 and inputs.named_children[0].type == "object":  # price({ qty: 3, rate: 0.2 })
                fields = [child.child_by_field_name("value") for child in inputs.named_children[0].named_children]
                keys = [_script_literal(field) for field in fields]
                yield from pair(keys[0] if len(keys) > 1 else None, _script_literal(value))
            yield from pair(_together(keys), _script_literal(value))


def _script_table(node: Node) -> Iterator[Pair]:
    """`{"a": 1}`, `if (x === "a") return 1`, `case "a": return 1`, `new Map([["a", 1]])`."""
    if node.type == "pair":
        yield from pair(
            _script_literal(node.child_by_field_name("key")), _script_literal(node.child_by_field_name("value"))
        )
    elif node.type == "array":
        yield from _script_row(node)
    elif node.type == "switch_case":
        returns = [child for child in node.named_children if child.type == "return_statement"]
        if returns and returns[0].named_children:
            yield from pair(
                _script_literal(node.child_by_field_name("value")), _script_literal(returns[0].named_children[0])
            )
    elif node.type in ("if_statement", "ternary_expression"):
        value = node.child_by_field_name("consequence")
        while value is not None and value.type in ("statement_block", "return_statement") and value.named_children:
            value = value.named_children[0]
        compared = node.child_by_field_name("condition")
        while compared is not None and compared.type == "parenthesized_expression" and compared.named_children:
            compared = compared.named_children[0]
        keys = list(_compared(compared))
        for key in (*keys, _together(keys)):
            yield from pair(key, _script_literal(value))


def _compared(node: Node | None) -> Iterator[str]:
    """The literals of `x === 1`, and of each part of `x === 1 && y === 2`."""
    todo = [node] if node is not None else []
    while todo:
        part = todo.pop()
        if part.type == "binary_expression":
            sides = [child for child in part.named_children if child.type != "comment"]
            if any(child.type in ("binary_expression", "parenthesized_expression") for child in sides):
                todo.extend(reversed(sides))
            else:
                yield from filter(None, map(_script_literal, sides))
        elif part.type == "parenthesized_expression":
            todo.extend(part.named_children)


def values(path: str, text: str) -> list[list[str]]:
    """The literals of each list, and of each table that has no words as keys, in JavaScript and TypeScript."""
    if language_of(path).name not in ("javascript", "typescript", "tsx"):
        return []
    found = []
    for node in _nodes(path, text):
        elements: list[Node | None] = []
        if node.type == "array":
            elements = list(node.named_children)
        elif node.type == "object":
            pairs = [child for child in node.named_children if child.type == "pair"]
            keys = [key for pair in pairs if (key := pair.child_by_field_name("key")) is not None]
            if all(key.type == "number" for key in keys):
                elements = [pair.child_by_field_name("value") for pair in pairs]
        if len(elements) >= AT_LEAST:
            found.append([_script_literal(element) or "" for element in elements])
    return found
