"""The same as `honest_uses.py` for JavaScript and TypeScript: places whose names are not to be wondered at. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

_WRITES_ALONE = frozenset({"set", "deleteProperty"})
"""What a Proxy may do and still show its object as it is."""
_FIGURES = re.compile(r"process\.(?:uptime\(\)|memoryUsage\(\)(?:\.\w+)?)")
_PLAIN_VALUE = re.compile(r"\{\s*return\s+this\.(\w+)\s*;?\s*\}")
_OWN_TRACE = re.compile(r"Error\.captureStackTrace\(\s*this\s*(?:,\s*[\w.]+\s*)?\)")
_MAKES_A_STACK = re.compile(r"\bcatch\b|(?<!throw )\bnew\s+\w*Error\b|(?<![\w.])(?<!new )\w*Error\(|\bstack\b\s*[,}]")
_KEEPS_A_NUMBER = frozenset({"arguments", "parenthesized_expression", "template_substitution", "template_string"})
_OF_THE_PROGRAM = re.compile(r"require\.main\s*===?\s*module|import\.meta\.main\b")


def places(root: Node, *, reported: bool) -> Iterator[tuple[int, int]]:
    """Bytes from and to. `reported`: a runner told its tests one by one, so that a process that ends early is noticed."""
    whole = _text(root)
    stacks = _MAKES_A_STACK.search(whole) is None
    todo = [root]
    while todo:
        node = todo.pop()
        todo.extend(node.named_children)
        if node.type == "new_expression" and _only_sees_writes(node):
            yield node.start_byte, node.named_children[0].end_byte
        elif node.type == "method_definition" and _gives_its_own_value(node):
            yield node.start_byte, node.end_byte
        elif node.type == "call_expression":
            text = _text(node)
            ends = text.startswith("process.exit(") and reported and _is_in_the_program(node)
            traces = stacks and _OWN_TRACE.fullmatch(text) and _is_in_an_error(node)
            if ends or traces or (_FIGURES.match(text) and _is_a_figure_of_an_object(node)):
                yield node.start_byte, node.end_byte
        elif node.type == "member_expression" and _text(node).count(".") == 1:
            name, _, attribute = _text(node).partition(".")
            plain = attribute == "caller" or (attribute == "stack" and stacks)
            if plain and _is_a_parameter(node, name) and not re.search(rf"\b{re.escape(name)}\s*=(?![=>])", whole):
                yield node.start_byte, node.end_byte


def _text(node: Node | None) -> str:
    return node.text.decode("utf-8", "replace") if node is not None and node.text is not None else ""


def _name(node: Node) -> str:
    return _text(node.child_by_field_name("name") or node.child_by_field_name("key"))


def _around(node: Node) -> Iterator[Node]:
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def _only_sees_writes(node: Node) -> bool:
    arguments = node.child_by_field_name("arguments")
    given = arguments.named_children if arguments is not None else []
    if _text(node.child_by_field_name("constructor")) != "Proxy" or len(given) != 2 or given[1].type != "object":
        return False
    return bool(given[1].named_children) and all(_name(trap) in _WRITES_ALONE for trap in given[1].named_children)


def _gives_its_own_value(method: Node) -> bool:
    """`valueOf() { return this.cents; }` of a class where `cents` is no getter."""
    given = _PLAIN_VALUE.fullmatch(_text(method.child_by_field_name("body")))
    kind = method.parent
    if _name(method) != "valueOf" or given is None or kind is None or kind.type != "class_body":
        return False
    others = [child for child in kind.named_children if child.type == "method_definition"]
    return any(_name(other) == "toString" for other in others) and all(_name(o) != given[1] for o in others)


def _is_in_the_program(node: Node) -> bool:
    for outer in _around(node):
        if outer.type == "function_declaration" and _name(outer) == "main":
            return True
        if outer.type == "if_statement" and _OF_THE_PROGRAM.search(_text(outer.child_by_field_name("condition"))):
            return True
    return False


def _is_in_an_error(node: Node) -> bool:
    kind = next((outer for outer in _around(node) if outer.type in ("class_declaration", "class")), None)
    head = _text(kind).partition("{")[0] if kind is not None else ""
    return re.search(r"\bextends\s+\w*Error\b", head) is not None


def _is_a_figure_of_an_object(node: Node) -> bool:
    """Whether a number of the process is told under a name, at most counted on: nothing is decided by it."""
    for outer in _around(node):
        if outer.type == "pair":
            return True
        operator = _text(outer.child_by_field_name("operator")) if outer.type == "binary_expression" else ""
        counted = operator in ("+", "-", "*", "/")
        shown = outer.type == "member_expression" and _FIGURES.fullmatch(_text(outer))
        rounded = outer.type == "call_expression" and _text(outer).startswith(("Math.", "process."))
        if not (counted or shown or rounded or outer.type in _KEEPS_A_NUMBER):
            return False
    return False


def _is_a_parameter(node: Node, name: str) -> bool:
    for outer in _around(node):
        given = _text(outer.child_by_field_name("parameters") or outer.child_by_field_name("parameter"))
        if re.search(rf"(?<![\w.]){re.escape(name)}\b", given):
            return True
    return False
