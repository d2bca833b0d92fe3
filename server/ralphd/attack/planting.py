"""Faults planted in a candidate on purpose, to see whether the person's own tests notice. Pure.

First the body of every changed function is broken as a whole; then small faults are put into the changed lines: for
Python those of `mutants.py`, for JavaScript, TypeScript, Go and Rust a few on tree-sitter's syntax tree.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ralphd.attack.mutants import mutants
from ralphd.context.languages import Language, language_of, parse
from ralphd.core.line_diff import changes

if TYPE_CHECKING:
    from tree_sitter import Node

_FUNCTIONS = frozenset(
    {
        "function_definition", "function_declaration", "function_expression", "arrow_function", "method_definition",
        "generator_function", "generator_function_declaration", "method_declaration", "func_literal", "function_item",
    }
)  # fmt: skip
_BREAKS = {
    "python": "raise RuntimeError",
    "javascript": 'throw new Error("broken on purpose");',
    "typescript": 'throw new Error("broken on purpose");',
    "tsx": 'throw new Error("broken on purpose");',
    "go": 'panic("broken on purpose");',
    "rust": 'panic!("broken on purpose");',
}
_OPPOSITE = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "===": "!==", "!==": "===",
    "&&": "||", "||": "&&", "+": "-", "-": "+", "*": "+", "/": "*", "%": "*",
}  # fmt: skip
_MOST_CANDIDATES = 64


@dataclass(frozen=True)
class Fault:
    """`text`: the whole file with the fault; `line` counts from 1; `what` says what was done."""

    path: str
    line: int
    what: str
    text: str


def broken_body(path: str, before: str | None, after: str) -> Fault | None:
    """The file with each changed function ending at its first statement; None where no function changed."""
    language = language_of(path)
    statement = _BREAKS.get(language.name)
    source = after.encode("utf-8", "surrogatepass")
    tree = parse(language, source) if statement else None
    if tree is None or statement is None:
        return None
    edits = [
        edit
        for function in _changed_functions(tree.root_node, changed_lines(before, after))
        if (edit := _break(function, source, statement)) is not None
    ]
    if not edits:
        return None
    first = min(edits)
    for start, end, text in sorted(edits, reverse=True):
        source = source[:start] + text + source[end:]
    line = after.encode("utf-8", "surrogatepass")[: first[0]].count(b"\n") + 1
    return Fault(path, line, "the whole body broken", source.decode("utf-8", "surrogatepass"))


def small_faults(path: str, before: str | None, after: str, limit: int) -> list[Fault]:
    """At most `limit` small faults in the changed lines, spread over them; always the same ones for the same texts."""
    lines = changed_lines(before, after)
    if path.endswith(".py"):
        found = [
            Fault(path, m.line, m.description.rsplit(" at line", 1)[0], m.text)
            for m in mutants(after, (0, len(after)), _MOST_CANDIDATES, lines)
        ]
    else:
        found = [planted for planted in _faults(path, after) if planted.line in lines]
    return _spread(found, limit)


def changed_lines(before: str | None, after: str) -> set[int]:
    """Lines of `after`, from 1, that are new or changed; where lines only went, the one after the place."""
    found: set[int] = set()
    for _, _, start, end in changes((before or "").splitlines(True), after.splitlines(True)):
        found.update(range(start + 1, max(end, start + 1) + 1))
    return found


def _changed_functions(root: Node, lines: Collection[int]) -> list[Node]:
    """For each changed line the innermost function around it; a function inside another of them is left out."""
    innermost: dict[int, Node] = {}
    todo = [root]
    while todo:
        node = todo.pop()
        if node.type in _FUNCTIONS and node.child_by_field_name("body") is not None:
            for line in range(node.start_point[0] + 1, node.end_point[0] + 2):
                if line in lines:
                    innermost[line] = node  # outer functions come first
        todo.extend(reversed(node.named_children))
    outer: list[Node] = []
    found = {node.id: node for node in innermost.values()}.values()
    for node in sorted(found, key=lambda n: (n.start_byte, -n.end_byte)):
        if not outer or node.end_byte > outer[-1].end_byte:
            outer.append(node)
    return outer


def _break(function: Node, source: bytes, statement: str) -> tuple[int, int, bytes] | None:
    """(start, end, new bytes) of the edit that breaks the function's body."""
    body = function.child_by_field_name("body")
    if body is None:
        return None
    if source[body.start_byte : body.start_byte + 1] == b"{":
        return body.start_byte + 1, body.start_byte + 1, f" {statement}".encode()
    if function.type == "arrow_function":
        return body.start_byte, body.end_byte, f"{{ {statement} }}".encode()
    if function.type != "function_definition":
        return None
    first = body.named_children[0] if body.named_children else None
    if first is None:
        return None
    is_docstring = (
        first.type == "expression_statement" and first.named_children[:1] and first.named_children[0].type == "string"
    )
    if is_docstring:
        rest = body.named_children[1:]
        if not rest:
            return first.end_byte, first.end_byte, f"; {statement}".encode()
        first = rest[0]
    line_start = source.rfind(b"\n", 0, first.start_byte) + 1
    indent = source[line_start : first.start_byte]
    separator = b"\n" + indent if not indent.strip() else b"; "
    return first.start_byte, first.start_byte, statement.encode() + separator


def _faults(path: str, text: str) -> Iterator[Fault]:
    language = language_of(path)
    source = text.encode("utf-8", "surrogatepass")
    tree = parse(language, source)
    todo = [(tree.root_node, False)] if tree is not None and language.name in _BREAKS else []
    while todo:
        node, inside = todo.pop()
        inside = inside or node.type in _FUNCTIONS
        todo.extend((child, inside) for child in reversed(node.named_children))
        if inside:
            for start, end, new in _edits(node, source, language):
                old = source[start:end].decode("utf-8", "replace")
                changed = source[:start] + new.encode() + source[end:]
                what = f"`{_short(old)}` → `{_short(new)}`" if new else f"`{_short(old)}` removed"
                yield Fault(path, source[:start].count(b"\n") + 1, what, changed.decode("utf-8", "surrogatepass"))


def _edits(node: Node, source: bytes, language: Language) -> Iterator[tuple[int, int, str]]:
    text = source[node.start_byte : node.end_byte].decode("utf-8", "replace")
    script = language.name in ("javascript", "typescript", "tsx")
    if node.type == "binary_expression":
        operator = node.child_by_field_name("operator")
        sides = [node.child_by_field_name("left"), node.child_by_field_name("right")]
        joins_text = any(side is not None and "string" in side.type for side in sides)
        new = _OPPOSITE.get(operator.type if operator is not None else "")
        if operator is not None and new and not joins_text:
            yield operator.start_byte, operator.end_byte, new
    elif node.type in ("true", "false", "boolean_literal"):
        yield node.start_byte, node.end_byte, "false" if text == "true" else "true"
    elif node.type in ("number", "int_literal", "integer_literal") and re.fullmatch(r"\d{1,15}", text):
        yield node.start_byte, node.end_byte, str(int(text) + 1)
    elif script and node.type == "return_statement" and node.named_children:
        value = node.named_children[0]
        yield value.start_byte, value.end_byte, "undefined"
    elif script and node.type == "expression_statement" and node.named_children[:1]:
        call = node.named_children[0]
        if call.type == "call_expression" and not text.startswith("console."):
            yield node.start_byte, node.end_byte, ""


def _spread(faults: list[Fault], limit: int) -> list[Fault]:
    """The first of each line in turn, then the second of each, until there are `limit`."""
    by_line: dict[int, list[Fault]] = {}
    for fault in faults:
        by_line.setdefault(fault.line, []).append(fault)
    chosen: list[Fault] = []
    waiting = [iter(group) for _, group in sorted(by_line.items())]
    while waiting and len(chosen) < limit:
        group = waiting.pop(0)
        if (following := next(group, None)) is not None:
            chosen.append(following)
            waiting.append(group)
    return chosen


def _short(code: str) -> str:
    line = " ".join(code.split())
    return line if len(line) <= 60 else line[:59] + "…"
