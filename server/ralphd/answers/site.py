"""The place of a definition in its file: the unit that is replaced, and its siblings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ralphd.answers.indentation import indent_of
from ralphd.answers.selections import Misfit
from ralphd.answers.units import Code, Unit, units

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass
class Place:
    """The target in its file: the file as "\\n" lines, the unit that is replaced, its siblings."""

    code: Code
    unit: Unit
    siblings: list[Unit]
    owners: tuple[str, ...]
    mended: list[str] = field(default_factory=list)

    @property
    def indent(self) -> str:
        return indent_of(self.code.lines[self.unit.start])

    @property
    def short(self) -> str:
        return self.unit.name


def find_unit(file: Code | None, name: str, rows: tuple[int, int] | None) -> Place:
    """The target's unit: the definition on these rows, else the last one of this qualified name."""
    assert file is not None
    hits: list[Place] = []
    stack: list[tuple[list[Unit], tuple[str, ...]]] = [(units(file, file.root), ())]
    while stack:
        siblings, owners = stack.pop()
        for unit in siblings:
            if unit.kind == "definition" and unit.name:
                if ".".join((*owners, unit.name)) == name:
                    hits.append(Place(file, unit, siblings, owners))
                inner, below = unit.inner, (*owners, unit.name)
            else:
                inner, below = unit.node, owners
            for body in _bodies(inner):
                stack.append((units(file, body), below))
    if rows is not None:
        exact = [p for p in hits if p.unit.start == rows[0]] or [
            p for p in hits if p.unit.start <= rows[0] <= p.unit.last
        ]
        hits = exact or hits
    if not hits:
        raise Misfit(f"`{name}` was not found in the file.")
    return hits[0] if rows is not None else max(hits, key=lambda p: p.unit.start)


def _bodies(node: Node) -> list[Node]:
    """The nodes inside `node` whose children are statements; expressions are not entered."""
    found, stack = [], list(node.named_children)
    while stack:
        one = stack.pop()
        if one.type in ("block", "statement_block", "class_body", "declaration_list", "field_declaration_list", "body_statement",
                        "compound_statement", "interface_body", "enum_body", "module", "block_node", "constructor_body"):  # fmt: skip
            found.append(one)
        elif one.end_point[0] > one.start_point[0]:
            stack += one.named_children
    return found
