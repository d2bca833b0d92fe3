"""Literals that stand beside each other in Go and Rust: an input and its result, in tests and in tables. Pure.

The syntax trees differ too much from runner to runner to tell which literal is which, so each pair of neighbours counts.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ralphd.context.languages import language_of, parse

if TYPE_CHECKING:
    from tree_sitter import Node

_IN_TESTS = frozenset(
    "literal_value if_statement call_expression macro_invocation tuple_expression array_expression".split()
)
_IN_CODE = frozenset(
    "keyed_element expression_case match_arm if_statement if_expression tuple_expression literal_value".split()
)
_TEXTS = frozenset("interpreted_string_literal raw_string_literal string_literal".split())
_NUMBERS = frozenset("int_literal float_literal integer_literal true false boolean_literal".split())
_MOST = 8
"""Literals of one row."""


def pairs(path: str, text: str, *, of_tests: bool) -> Iterator[tuple[str, str]]:
    """(input, result) as normalised literals."""
    for node in _nodes(path, text, _IN_TESTS if of_tests else _IN_CODE):
        literals = list(_literals(node))
        if 2 <= len(literals) <= _MOST:
            for first, second in itertools.pairwise(literals):
                yield first, second
                if of_tests:
                    yield second, first


def texts(path: str, text: str) -> Iterator[str]:
    """The text of each string of a file in Go, Rust, JavaScript or TypeScript."""
    for node in _nodes(path, text, _TEXTS | {"string", "template_string"}):
        if node.text is not None:
            yield node.text.decode("utf-8", "replace").strip("\"'`")


def numbers(path: str, text: str) -> Iterator[list[int]]:
    """The whole numbers of each list of nothing else: `[]byte{97, 45}`, `vec![97, 45]`, `String.fromCharCode(97, 45)`."""
    for node in _nodes(
        path, text, frozenset({"literal_value", "token_tree", "array_expression", "array", "arguments"})
    ):
        parts = [part.named_children[0] if part.type == "literal_element" else part for part in node.named_children]
        found = [part.text.decode() for part in parts if part.text is not None]
        if found and all(re.fullmatch(r"\d{1,9}|0x[0-9a-fA-F]{1,8}", one) for one in found):
            yield [int(one, 0) if one.startswith("0x") else int(one) for one in found]


def _nodes(path: str, text: str, types: frozenset[str]) -> Iterator[Node]:
    language = language_of(path)
    tree = parse(language, text.encode("utf-8", "surrogatepass"))
    todo = [tree.root_node] if tree is not None else []
    while todo:
        node = todo.pop()
        todo.extend(node.named_children)
        if node.type in types:
            yield node


def _literals(node: Node) -> Iterator[str]:
    """In the order of the text; without the block of `if got != 2 { … }`, whose words say nothing of the case."""
    todo = [node]
    while todo:
        part = todo.pop()
        text = part.text.decode("utf-8", "replace") if part.text is not None else ""
        if part.type in _TEXTS:
            yield repr(text.strip('"`'))
        elif part.type in _NUMBERS:
            yield _number(text)
        elif not (part.type == "block" and node.type == "if_statement" and part.parent == node and _in_test(node)):
            todo.extend(reversed(part.named_children))


def _in_test(node: Node) -> bool:
    condition = node.child_by_field_name("condition")
    return condition is not None and b"!=" in (condition.text or b"")


def _number(text: str) -> str:
    try:
        return repr(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text.capitalize() if text in ("true", "false") else text
