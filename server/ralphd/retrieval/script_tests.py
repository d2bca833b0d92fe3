"""The tests of a script: calls such as `it("adds", …)`, wherever they stand: in suites, in other tests, awaited, in loops."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ralphd.answers.imports import text_of
from ralphd.answers.units import Code

if TYPE_CHECKING:
    from tree_sitter import Node

_CASE = re.compile(r"(?:\w+\.)?(?:it|test|specify)(?:\.\w+)*$")
_SUITE = re.compile(r"(?:\w+\.)?(?:describe|suite|context)(?:\.\w+)*$")
_TITLE = re.compile(r"\(\s*(['\"`])(.{0,300}?)\1", re.DOTALL)
MAX_TITLES = 8
MAX_DEPTH = 12
"""Statements inside each other that are looked through for tests."""
_COMPOUND = frozenset(
    "for_statement for_in_statement while_statement do_statement if_statement else_clause try_statement catch_clause"
    " finally_clause statement_block labeled_statement switch_statement switch_body switch_case".split()
)
_FUNCTIONS = frozenset({"arrow_function", "function_expression", "function", "function_declaration"})
_AROUND = frozenset({"await_expression", "unary_expression", "parenthesized_expression", "expression_statement",
                     "return_statement", "assignment_expression", "variable_declarator", "lexical_declaration",
                     "variable_declaration"})  # fmt: skip
"""What may stand around a call in a statement that makes it."""


@dataclass(frozen=True)
class ScriptTest:
    """`titles`: its own and those of the calls around it; none of a statement beside the tests. `row`: the first one, from 0."""

    titles: tuple[str, ...]
    row: int
    text: str


def script_tests(code: Code) -> Iterator[ScriptTest]:
    """The innermost test calls; each other statement beside them counts as one without a title."""
    todo: list[tuple[Node, tuple[str, ...], int]] = [(node, (), 0) for node in reversed(code.root.named_children)]
    holding: dict[int, bool] = {}
    while todo:
        node, titles, depth = todo.pop()
        called, call = _called(node)
        case = call is not None and _CASE.match(called) is not None
        suite = call is not None and _SUITE.match(called) is not None
        if call is not None and (case or suite) and len(titles) < MAX_TITLES:
            title = _TITLE.match(text_of(call.child_by_field_name("arguments") or call)[:1000])
            titles = (*titles, title[2] if title else "")
        inner = _inner(node)
        if inner and depth < MAX_DEPTH and (suite or any(_holds_cases(one, holding, depth) for one in inner)):
            todo += [(one, titles, depth + 1) for one in reversed(inner)]
        elif case or node.type == "expression_statement":
            row = node.start_point[0] - code.offset
            text = "\n".join(code.rows(row, node.end_point[0] - code.offset))
            yield ScriptTest(titles if case or suite else (), row, text)


def _holds_cases(node: Node, known: dict[int, bool], depth: int) -> bool:
    """Whether the statement is a test or a suite, or has one inside."""
    if node.id not in known:
        called, call = _called(node)
        known[node.id] = depth < MAX_DEPTH and (
            (call is not None and bool(_CASE.match(called) or _SUITE.match(called)))
            or any(_holds_cases(one, known, depth + 1) for one in _inner(node))
        )
    return known[node.id]


def _inner(node: Node) -> list[Node]:
    """The statements inside one: of a loop or a condition, and of the functions that a call is given (`list.forEach(…)`)."""
    if node.type in _COMPOUND:
        return node.named_children
    if node.type not in _AROUND:
        return []
    found: list[Node] = []
    todo = [node]
    while todo:
        one = todo.pop()
        if one.type in _FUNCTIONS:
            body = one.child_by_field_name("body")
            found += body.named_children if body is not None else []
        elif one.type in _AROUND or one.type in ("call_expression", "arguments", "array", "object", "pair"):
            todo += reversed(one.named_children)
    return found


def _called(node: Node) -> tuple[str, Node | None]:
    """What a statement calls, and the call; of `test.each(rows)("title", …)` the first of the two."""
    one: Node | None = node
    while one is not None and one.type in _AROUND:
        one = (
            one.child_by_field_name("value") or one.child_by_field_name("right") or next(iter(one.named_children), None)
        )
    if one is None or one.type != "call_expression":
        return "", None
    called = one.child_by_field_name("function")
    while called is not None and called.type in ("call_expression", "template_string"):
        called = called.child_by_field_name("function")
    return (text_of(called)[:80] if called is not None else ""), one
