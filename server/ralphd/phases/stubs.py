"""Whether a target plainly waits to be written: decided on the syntax tree, by what a body consists of.

A body is a stub where nothing stands in it but comments, a docstring and one statement that says "not yet": `pass`,
`...` and `raise NotImplementedError` in Python, an empty block or a statement such as `todo!()` elsewhere. A `pass`
inside an `except`, or the words "not implemented" in a message, say nothing about the function around them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ralphd.context.languages import PYTHON, Language, language_of, parse

if TYPE_CHECKING:
    from tree_sitter import Node

_ABSTRACT_DECORATORS = re.compile(rb"\b(?:abstractmethod|abstractproperty|overload)\b")
_PROTOCOL = re.compile(rb"\bProtocol\b")
_NOT_YET = re.compile(
    rb"\s*(?:"
    rb"throw\s+(?:new\s+)?[\w.]*(?:Error|Exception)\s*\(\s*(?:[\"'`][^\"'`]{0,200}(?:not (?:yet )?implemented|todo)[^\"'`]{0,200}[\"'`])?\s*\)"
    rb"|throw\s+(?:new\s+)?[\w.]*NotImplemented\w*\s*\([^()]{0,300}\)"
    rb"|panic!?\s*\(\s*\"[^\"]{0,200}(?:not (?:yet )?implemented|unimplemented|todo)[^\"]{0,200}\"\s*\)"
    rb"|(?:todo|unimplemented)!\s*\([^()]{0,300}\)"
    rb")\s*;?\s*",
    re.IGNORECASE,
)
_BODIES = ("block", "statement_block", "declaration_list", "class_body", "field_declaration_list", "compound_statement")
MAX_CHARACTERS = 100_000
"""A target that is longer is finished or is left to the instruction: it is not parsed for this."""
MAX_BODY_BYTES = 2000
"""A single statement that is longer is not looked at: it is code."""


def is_stub(path: str, text: str) -> bool:
    """Whether the target's own text waits to be written: it is empty, or a function in it has a body that says so."""
    if not text.strip():
        return True
    if len(text) > MAX_CHARACTERS:
        return False
    language = language_of(path)
    source = _unindented(text).encode("utf-8", "surrogatepass")
    tree = parse(language, source)
    if tree is None:
        return False
    return any(_waits(function, language, source) for function in _functions(tree.root_node, language, source))


def _unindented(text: str) -> str:
    """A method's own lines start deep; the grammar wants them at column 0. Only the first line's margin is taken off."""
    first = next(line for line in text.splitlines() if line.strip())
    margin = first[: len(first) - len(first.lstrip())]
    return "\n".join(line.removeprefix(margin) for line in text.splitlines()) + "\n"


def _functions(root: Node, language: Language, source: bytes) -> Iterator[Node]:
    """Every definition that has a body of its own and is no class, outside Protocols and abstract declarations."""
    stack = [root]
    while stack:
        node = stack.pop()
        if language is PYTHON and _declares_only(node, source):
            continue
        stack.extend(reversed(node.named_children))
        if language.defines(node) and not _is_class(node):
            yield node


def _declares_only(node: Node, source: bytes) -> bool:
    """A Python Protocol, or a function that is abstract or an overload: its empty body is its whole meaning."""
    if node.type == "class_definition":
        bases = node.child_by_field_name("superclasses")
        return bases is not None and bool(_PROTOCOL.search(source[bases.start_byte : bases.end_byte]))
    if node.type == "decorated_definition":
        heads = [c for c in node.named_children if c.type == "decorator"]
        return any(_ABSTRACT_DECORATORS.search(source[c.start_byte : c.end_byte]) for c in heads)
    return False


def _is_class(node: Node) -> bool:
    return node.type.startswith(("class", "struct", "enum", "trait", "impl", "interface", "type_", "module"))


def _waits(function: Node, language: Language, source: bytes) -> bool:
    body = _body(function)
    if body is None:
        return False
    statements = [c for c in body.named_children if "comment" not in c.type]
    if language is PYTHON:
        return _waits_in_python(statements, source)
    if not statements:
        return True
    only = statements[0]
    if len(statements) > 1 or only.end_byte - only.start_byte > MAX_BODY_BYTES:
        return False
    return bool(_NOT_YET.fullmatch(source[only.start_byte : only.end_byte]))


def _body(function: Node) -> Node | None:
    """The block of a function; of `const f = () => { … }` too. None where there is only an expression or a signature."""
    node: Node | None = function
    for _ in range(4):  # declaration, declarator, function, block
        if node is None:
            return None
        body = node.child_by_field_name("body")
        if body is not None:
            return body if body.type in _BODIES else None
        inner = node.child_by_field_name("value")
        node = inner or next((c for c in node.named_children if c.type == "variable_declarator"), None)
    return None


def _waits_in_python(statements: list[Node], source: bytes) -> bool:
    if statements and _is_string(statements[0]):
        statements = statements[1:]
        if not statements:
            return True
    if len(statements) != 1:
        return False
    only = statements[0]
    if only.type == "pass_statement":
        return True
    text = source[only.start_byte : min(only.end_byte, only.start_byte + MAX_BODY_BYTES)]
    if only.type == "raise_statement":
        return bool(re.match(rb"raise\s+NotImplementedError\b", text))
    return only.type == "expression_statement" and text.strip() == b"..."


def _is_string(node: Node) -> bool:
    return (
        node.type == "expression_statement"
        and len(node.named_children) == 1
        and node.named_children[0].type == "string"
    )
