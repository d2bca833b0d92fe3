"""What a file defines by name, and which names a piece of its code uses. Read from the syntax tree; pure.

Symbols are functions, classes, their members, constants and types, also as ES5 writes them (`exports.f = function`,
`Foo.prototype.bar = function`). Names are resolved by scope: a name that the code binds itself is none that it needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ralphd.answers.imports import Binding, imports_of, text_of
from ralphd.answers.units import Code, Unit, body_of, code_of, units
from ralphd.context.languages import PYTHON, SCRIPTS, Language, assigned_name, language_of

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_CHARACTERS = 400_000
"""A bigger file is not looked through: it is generated, or data."""

OVERLOAD_GAP = 3
"""Rows between two definitions of one name that belong together: overloads, a property and its setter."""
BINDING_ROWS = 3
"""Of a constant that is no more than mentioned, so many rows are shown."""


@dataclass(frozen=True)
class Symbol:
    """One named thing. `name` is qualified (`Cart.total`). Rows are 0-based and inclusive: `first` is that of the
    comments and decorators above it, `body` the first row of its body (`last` + 1 where it has none). Overloads of one
    name, one after the other, are one symbol: `first` and `start` are those of the first of them."""

    name: str
    path: str
    kind: str
    """`definition` or `binding`."""
    first: int
    start: int
    body: int
    last: int
    body_column: int = 0
    """Where the body begins in its first row, in bytes."""

    @property
    def short(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def owner(self) -> str:
        """The class that it is a member of; "" at the top level."""
        return self.name.rpartition(".")[0]


class SourceFile:
    """A parsed file: its symbols by qualified name, its imports, and its lines."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text
        self.language = language_of(path)
        readable = self.language.module and len(text) <= MAX_CHARACTERS
        self.code: Code | None = code_of(self.language, text) if readable else None
        self.symbols: dict[str, Symbol] = {}
        self.extensions: list[Symbol] = []
        """What adds members to a type that is defined elsewhere: Rust's `impl`. The type itself is the symbol of its name."""
        self.bindings: list[Binding] = []
        self.import_rows: list[tuple[int, int, frozenset[str]]] = []
        if self.code is None:
            return
        for unit, prefix in _walk(self.code):
            for name in unit.names or _assigned(unit, self.language):
                self._add(unit, f"{prefix}.{name}" if prefix else name)
        for one in imports_of(self.code.root, self.language):
            found = one.bindings or tuple(_required(one.text))
            if self.language in SCRIPTS and "require(" in one.text:
                found = tuple(_required(one.text))
            self.bindings += found
            names = frozenset(binding.local for binding in found if binding.local)
            self.import_rows.append((one.first - self.code.offset, one.last - self.code.offset, names))

    def _add(self, unit: Unit, name: str) -> None:
        body = function_body(unit.inner) if unit.kind == "definition" else None
        offset = self.code.offset if self.code else 0
        first = body.start_point[0] - offset if body is not None else unit.last + 1
        kind = "definition" if unit.kind != "binding" else "binding"
        above, start = unit.first, unit.start
        column = body.start_point[1] if body is not None else 0
        if unit.inner.type == "impl_item":
            self.extensions.append(Symbol(name, self.path, kind, above, start, first, unit.last, column))
            return
        before = self.symbols.get(name)
        if before is not None and before.kind == kind == "definition" and above - before.last <= OVERLOAD_GAP:
            above, start = before.first, before.start
        if before is not None and kind == "binding":
            return  # bound again: the first one says what it is
        self.symbols[name] = Symbol(name, self.path, kind, above, start, first, unit.last, column)

    @property
    def top(self) -> list[Symbol]:
        """What stands at the file's top level."""
        return [symbol for symbol in self.symbols.values() if not symbol.owner]

    def holder_of(self, symbol: Symbol) -> Symbol | None:
        """The class around a member, or the extension that brings it."""
        around = (one for one in self.extensions if one.start <= symbol.start and symbol.last <= one.last)
        return next(around, self.symbols.get(symbol.owner)) if symbol.owner else None

    @cached_property
    def uses(self) -> Uses:
        """What the whole file names."""
        none = Uses(frozenset(), frozenset(), frozenset())
        return uses_of(self.code, 0, len(self.code.lines)) if self.code is not None else none

    def signature(self, symbol: Symbol) -> str:
        """A definition without its comments and its body: decorators, name, all parameters, types. A binding: its start."""
        if symbol.kind == "binding":
            return self.rows(symbol.start, min(symbol.last, symbol.start + BINDING_ROWS - 1))
        rows = self.rows(symbol.start, min(symbol.body - 1, symbol.last))
        begun = self.rows(symbol.body, symbol.body).encode("utf-8", "surrogatepass")[: symbol.body_column]
        beginning = begun.decode("utf-8", "replace").rstrip()
        return "\n".join(filter(None, (rows, beginning if symbol.body <= symbol.last else "")))

    def rows(self, first: int, last: int) -> str:
        lines = self.code.lines if self.code else tuple(self.text.split("\n"))
        return "\n".join(lines[max(first, 0) : last + 1])


def function_body(node: Node) -> Node | None:
    """The body of a definition; of `const f = () => {…}` and `exports.f = function () {…}` that of the function."""
    for one in node.named_children:
        value = one.child_by_field_name("value") or one.child_by_field_name("right")
        if value is not None and (body := value.child_by_field_name("body")) is not None:
            return body
    return body_of(node)


def _walk(code: Code) -> Iterator[tuple[Unit, str]]:
    """Each statement of the file's top level and of its classes' bodies, with the name of the class around it."""
    todo: list[tuple[Node, str, int]] = [(code.root, "", 0)]
    while todo:
        parent, prefix, depth = todo.pop()
        for unit in units(code, parent):
            if unit.kind in ("definition", "binding", "other"):
                yield unit, prefix
            if unit.kind == "definition" and depth < 3 and _holds_members(unit.inner):
                body = body_of(unit.inner)
                if body is not None:
                    todo.append((body, f"{prefix}.{unit.name}" if prefix else unit.name, depth + 1))
            elif unit.kind == "other" and depth == 0 and unit.node.type in ("if_statement", "try_statement"):
                clauses = [c for c in unit.node.named_children if c.type.endswith("_clause")]
                inner = [c for part in (unit.node, *clauses) for c in part.named_children]
                todo += [(c, prefix, 3) for c in reversed(inner) if c.type in ("block", "statement_block")]


_CLASS = re.compile(r"class|interface|impl|trait|struct|enum|module|namespace|record")


def _holds_members(node: Node) -> bool:
    return _CLASS.search(node.type) is not None


def _assigned(unit: Unit, language: Language) -> Iterator[str]:
    """The names of `exports.LIMIT = 3`, and of Python's `A, B = 1, 2`, which are no definitions."""
    if language in SCRIPTS and unit.node.type == "expression_statement" and (name := assigned_name(unit.node)):
        yield name
    if language is PYTHON and unit.node.type == "expression_statement" and unit.node.named_children:
        left = unit.node.named_children[0].child_by_field_name("left")
        if left is not None and left.type in ("pattern_list", "tuple_pattern", "list_pattern"):
            yield from _plain_names(left)


_REQUIRED = re.compile(r"(?:const|let|var)\s+(\{[^}]{0,2000}\}|\w+)\s*=\s*require\(\s*['\"]([^'\"]{1,300})['\"]\s*\)")


def _required(text: str) -> Iterator[Binding]:
    """What `const x = require("./m")` and `const {a, b: c} = require("./m")` bind."""
    match = _REQUIRED.match(text[:4000])
    if match is None:
        return
    if not match[1].startswith("{"):
        yield Binding(("value", match[2], "namespace_import", match[1]), match[1], match[1])
        return
    for part in match[1].strip("{} \n").split(","):
        full, _, local = (word.strip() for word in part.partition(":"))
        if full:
            yield Binding(("value", match[2], full, local or full), local or full, part.strip())


# ---- names that a piece of code uses -----------------------------------------------------------------------


@dataclass(frozen=True)
class Uses:
    """`names`: words that the code does not bind itself; `members`: (object, member) as in `self.total` or `json.dumps`;
    `bound`: words that it binds and uses."""

    names: frozenset[str]
    members: frozenset[tuple[str, str]]
    bound: frozenset[str]


_BINDERS: Mapping[str, tuple[str, ...]] = {
    "assignment": ("left",), "augmented_assignment": (), "for_statement": ("left",), "for_in_clause": ("left",),
    "named_expression": ("name",), "as_pattern": ("alias",), "variable_declarator": ("name",),
    "for_in_statement": ("left",), "short_var_declaration": ("left",), "range_clause": ("left",),
    "let_declaration": ("pattern",), "catch_clause": ("parameter",), "arrow_function": ("parameter",),
    "lambda": ("parameters",), "parameter_declaration": ("name", "declarator"), "init_declarator": ("declarator",),
    "parameter": ("pattern", "name"), "formal_parameter": ("name",), "enhanced_for_statement": ("name",),
    "foreach_statement": ("left",), "var_spec": ("name",),
}  # fmt: skip
"""Nodes that bind names, by the field in which the names stand."""
_ACCESS: Mapping[str, tuple[str, str]] = {
    "attribute": ("object", "attribute"), "member_expression": ("object", "property"),
    "selector_expression": ("operand", "field"), "field_expression": ("value", "field"),
    "field_access": ("object", "field"), "method_invocation": ("object", "name"),
    "member_access_expression": ("expression", "name"), "call": ("receiver", "method"),
    "member_call_expression": ("object", "name"), "scoped_identifier": ("path", "name"),
    "scope_resolution": ("scope", "name"), "scoped_call_expression": ("scope", "name"),
}  # fmt: skip
"""Nodes that take a member of something: the fields of the object and of the member's name."""
_WORDS = ("identifier", "type_identifier", "constant", "name", "shorthand_property_identifier", "field_identifier")


def uses_of(code: Code, first: int, last: int) -> Uses:
    """The names used in the rows `first` to `last`."""
    names: set[str] = set()
    bound: set[str] = set()
    members: set[tuple[str, str]] = set()
    todo: list[Node] = [code.root]
    while todo:
        node = todo.pop()
        if node.end_point[0] - code.offset < first or node.start_point[0] - code.offset > last:
            continue
        if access := _ACCESS.get(node.type):
            held, member = node.child_by_field_name(access[0]), node.child_by_field_name(access[1])
            if held is not None and member is not None:
                members.add((text_of(held)[:80], text_of(member)))
                todo += [child for child in node.named_children if child.id != member.id]
                continue
        if node.type == "keyword_argument":
            value = node.child_by_field_name("value")
            todo += [value] if value is not None else []
            continue
        for field in _BINDERS.get(node.type, ()):
            for child in node.children_by_field_name(field):
                bound |= set(_plain_names(child))
        if node.type in ("parameters", "formal_parameters", "lambda_parameters", "method_parameters"):
            bound |= {name for child in node.named_children for name in _parameter(child)}
        if node.type in _WORDS and not node.named_child_count:
            names.add(text_of(node))
        todo += node.named_children
    return Uses(frozenset(names - bound), frozenset(members), frozenset(names & bound))


def _parameter(node: Node) -> Iterator[str]:
    """The name of one parameter, not those in its type and default."""
    if node.type in ("identifier", "shorthand_property_identifier_pattern"):
        yield text_of(node)
        return
    named = node.child_by_field_name("name") or node.child_by_field_name("pattern")
    if named is None and node.type in ("typed_parameter", "list_splat_pattern", "dictionary_splat_pattern",
                                       "rest_pattern", "object_pattern", "array_pattern"):  # fmt: skip
        named = node.named_children[0] if node.type == "typed_parameter" and node.named_children else node
    if named is not None:
        yield from _plain_names(named)


def _plain_names(node: Node) -> Iterator[str]:
    """The names in a pattern that binds: `a, (b, c)`, `{a, b: c}`, `*rest`; of `x.y = …` and `x[i] = …` none."""
    todo = [node]
    while todo:
        one = todo.pop()
        if one.type in _ACCESS or one.type in ("subscript", "subscript_expression", "index_expression"):
            continue
        if one.type in ("identifier", "shorthand_property_identifier_pattern"):
            yield text_of(one)
        todo += one.named_children
