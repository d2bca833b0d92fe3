"""The parts of a piece of code: each statement with the comments and attributes above it that belong to it.

The same view is taken of the file and of an answer, for every language with a grammar, so that the two can be compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ralphd.answers.imports import is_import, text_of
from ralphd.answers.indentation import lines_in_strings
from ralphd.answers.losses import bound
from ralphd.context.languages import PYTHON, RUBY, Language, node_name, parse

if TYPE_CHECKING:
    from tree_sitter import Node

Kind = Literal["import", "package", "docstring", "definition", "binding", "comment", "other"]


@dataclass(frozen=True)
class Unit:
    """One statement. `node` is the whole of it (decorators, `export`), `inner` the definition inside. Rows are 0-based;
    `first` is the first row of its leading comments and attributes, `start` its own first row, `last` its last one."""

    kind: Kind
    names: tuple[str, ...]
    node: Node
    inner: Node
    leading: tuple[Node, ...]
    first: int
    start: int
    last: int

    @property
    def name(self) -> str:
        return self.names[0] if self.names else ""


@dataclass(frozen=True)
class Code:
    """A parsed text. `lines` are those of the text; `around` is what was put before and after it for the grammar."""

    language: Language
    lines: tuple[str, ...]
    root: Node
    around: tuple[str, str] = ("", "")

    @property
    def offset(self) -> int:
        """How many rows the grammar saw before the text's first."""
        return self.around[0].count("\n")

    @property
    def as_members(self) -> bool:
        """Whether the text was read as the body of a class."""
        return bool(self.around[1])

    @property
    def errors(self) -> bool:
        return self.root.has_error

    def rows(self, first: int, last: int) -> list[str]:
        return list(self.lines[first : last + 1])

    def in_strings(self) -> set[int]:
        """Rows that begin inside a string, a docstring that moves with its code aside."""
        text = "\n".join(self.lines)
        return {n - self.offset for n in lines_in_strings(self.language, text.join(self.around))}


def code_of(language: Language, text: str, *, member: bool = False) -> Code | None:
    """`text` parsed; `member`: as the body of a class. None where the language has no grammar or needs no such body."""
    head = language.head if not text.lstrip().startswith("<?") else ""
    around = language.member if member else (head, "")
    if member and not around[0]:
        return None
    tree = parse(language, text.join(around).encode("utf-8", "surrogatepass"))
    return Code(language, tuple(text.split("\n")), tree.root_node, around) if tree is not None else None


def body_of(node: Node) -> Node | None:
    """The node that holds the members of a definition."""
    return node.child_by_field_name("body") or next(
        (c for c in node.named_children if "body" in c.type or c.type.endswith("_list")), None
    )


def top(code: Code, *, member: bool = False) -> list[Unit]:
    """The units of a text's top level, or of the class body around it."""
    if not member:
        return units(code, code.root)
    holder = next((n for n in code.root.named_children if code.language.defines(n)), None)
    body = body_of(holder) if holder is not None else None
    return units(code, body) if body is not None else []


def units(code: Code, parent: Node) -> list[Unit]:
    """The statements directly in `parent`, in order."""
    language = code.language
    found: list[Unit] = []
    leading: list[Node] = []
    for node in _members(parent, language):
        if node.type in language.comments:
            if found and not leading and node.start_point[0] - code.offset == found[-1].last:
                continue  # behind the statement before, on its line
            if leading and node.start_point[0] > _end_row(leading[-1]) + 1 and not _has_attribute(leading, language):
                found += [_unit(code, "comment", one, ()) for one in leading]
                leading = []
            leading.append(node)
        elif node.type in language.attributes:
            leading.append(node)
        else:
            if leading and node.start_point[0] > _end_row(leading[-1]) + 1 and not _has_attribute(leading, language):
                found += [_unit(code, "comment", one, ()) for one in leading]
                leading = []
            first_string = not any(u.kind != "comment" for u in found)
            found.append(_unit(code, _kind(node, language, first_string), node, tuple(leading)))
            leading = []
    return found + [_unit(code, "comment", one, ()) for one in leading]


def _members(parent: Node, language: Language) -> list[Node]:
    """The children of `parent`; Python's grammar puts comments above a body's first statement outside of the body."""
    above: list[Node] = []
    if language is PYTHON and parent.type == "block" and parent.parent is not None:
        above = [
            c
            for c in parent.parent.named_children
            if c.type in language.comments
            and c.end_byte <= parent.start_byte
            and c.start_point[0] > parent.parent.start_point[0]
        ]
    return [*above, *parent.named_children]


def _has_attribute(nodes: Sequence[Node], language: Language) -> bool:
    return any(node.type in language.attributes for node in nodes)


def _end_row(node: Node) -> int:
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point[0] else row


def _unit(code: Code, kind: Kind, node: Node, leading: tuple[Node, ...]) -> Unit:
    inner = unwrapped(node, code.language)
    names: tuple[str, ...] = ()
    if kind == "definition":
        names = (node_name(inner),)
    elif kind == "binding":
        names = tuple(bound(node, code.language))
    start = node.start_point[0] - code.offset
    first = leading[0].start_point[0] - code.offset if leading else start
    return Unit(kind, names, node, inner, leading, first, start, _end_row(node) - code.offset)


def unwrapped(node: Node, language: Language) -> Node:
    """The definition inside `export`, decorators and the like; the node itself where there is none."""
    while node.type in language.wrappers:
        inner = next((c for c in node.named_children if language.defines(c) or c.type in language.wrappers), None)
        if inner is None:
            return node
        node = inner
    return node


def _kind(node: Node, language: Language, first: bool) -> Kind:
    if is_import(node, language):
        return "import"
    if node.type in language.package:
        return "package"
    if language.defines(unwrapped(node, language)):
        return "definition"
    if (
        language is PYTHON
        and first
        and node.type == "expression_statement"
        and text_of(node).lstrip("rRuU")[:1] in ("'", '"')
    ):
        return "docstring"
    if bound(node, language):
        return "binding"
    return "other"


_STRING = re.compile(r"^([bBfFrRuU]*)(['\"])(.*)\2$", re.DOTALL)


def tokens(node: Node, language: Language) -> list[str]:
    """The words and signs of a piece of code, without comments, commas and semicolons; quotes are taken as one kind."""
    found: list[str] = []
    stack: list[Node | str] = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            found.append(one)
            continue
        if one.type in language.comments or one.type in (",", ";"):
            continue
        if one.type in ("string", "string_literal") or not one.children:
            text = text_of(one)
            match = _STRING.match(text)
            found.append(f"{match[1]}'{match[3]}'" if match and "'" not in match[3] and '"' not in match[3] else text)
            continue
        if language in (PYTHON, RUBY) and one.type == "block":
            stack.append("\u21d0")
            stack += reversed(one.children)
            stack.append("\u21d2")
            continue
        stack += reversed(one.children)
    return found


def same(a: Node, b: Node, language: Language) -> bool:
    """Whether two pieces of code are the same but for comments and layout."""
    return tokens(a, language) == tokens(b, language)
