"""Where new imports go in a file, and how they are put there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ralphd.answers.imports import Binding, Import, imports_of, is_import, missing, rendered, root_of, text_of
from ralphd.context.languages import GO, PHP, PYTHON, RUST, Language, language_of
from ralphd.core.edits import Refusal, split_lines, with_eol
from ralphd.core.text import BOM, Text

if TYPE_CHECKING:
    from tree_sitter import Node


def add_imports(source: str, path: str, wanted: Sequence[Import]) -> str | Refusal:
    """`source` with those of the imports `wanted` that it lacks in its import section."""
    language = language_of(path)
    bare = source.removeprefix(BOM)
    root = root_of(bare, language)
    if root is None or not wanted:
        return source
    has = imports_of(root, language)
    new = missing([one for one in has if not _for_types(one, bare)], wanted, language)
    if not new:
        return source
    if language is GO and (placed := _into_go(bare, has, new)) is not None:
        return placed if isinstance(placed, Refusal) else source[: len(source) - len(bare)] + placed
    future = [pair for pair in new if language is PYTHON and pair[1][0].key[1] == "__future__"]
    text = bare
    rest = [rendered(one, names, language) for one, names in new if (one, names) not in future]
    if rest:
        text = _inserted(text, language, rest)
    if future:
        text = _at_head(text, language, [rendered(one, names, language) for one, names in future])
    return source[: len(source) - len(bare)] + text


def _for_types(one: Import, source: str) -> bool:
    """Whether an import is there for type checkers only: at run time it brings nothing."""
    if not one.conditional:
        return False
    lines = source.split("\n")
    above = [line for line in lines[max(0, one.first - 30) : one.first] if line.strip() and not line[0].isspace()]
    return bool(above) and "TYPE_CHECKING" in above[-1]


def _into_go(
    source: str, has: Sequence[Import], new: Sequence[tuple[Import, tuple[Binding, ...]]]
) -> str | Refusal | None:
    """New paths into the file's group of imports; None where a statement of their own is right."""
    groups = [one for one in has if "(" in one.text]
    if not groups:
        known = any(len(names) < len(one.bindings) for one, names in new)
        if known and has:
            return Refusal(
                "format", "", "The block repeats an import of the file in a group. Give the new imports only."
            )
        return None
    lines = split_lines(source)
    last = groups[0].last
    eol = Text(source).eol
    lines[last:last] = [f"\t{binding.text}{eol}" for _, names in new for binding in names]
    return "".join(lines)


def _inserted(source: str, language: Language, statements: list[str]) -> str:
    """`statements` after the last import that stands before the first definition; else at the file's head."""
    root = root_of(source, language)
    assert root is not None
    last = None
    for node in root.named_children:
        inner = node.named_children[-1] if node.type in language.wrappers and node.named_children else node
        if language.defines(inner) and not is_import(node, language):
            break
        if is_import(node, language):
            last = node
    if last is None:
        return _at_head(source, language, statements)
    lines = split_lines(source)
    row = last.end_point[0] - (last.end_point[1] == 0 and last.end_point[0] > last.start_point[0])
    eol = Text(source).eol
    if not lines[row].endswith(("\n", "\r")):
        lines[row] += eol
    lines[row + 1 : row + 1] = [with_eol(statement, eol) + eol for statement in statements]
    return "".join(lines)


def _at_head(source: str, language: Language, statements: list[str]) -> str:
    """`statements` behind what must come first: `#!`, a licence, a docstring, a package clause."""
    root = root_of(source, language)
    assert root is not None
    lines = split_lines(source)
    row = _head_rows(root.named_children, language, lines)
    eol = Text(source).eol
    block = [with_eol(statement, eol) + eol for statement in statements]
    before, after = lines[:row], lines[row:]
    while before and not before[-1].strip():
        before.pop()
    blank = 0
    while len(after) > 1 and not after[0].strip():
        after, blank = after[1:], blank + 1
    node = _first_statement("".join(after), language)
    joined = node is not None and is_import(node, language)
    if before:
        if not before[-1].endswith(("\n", "\r")):
            before[-1] += eol
        before += [eol] * (blank if joined else 1)
    if "".join(after).strip():
        defines = language is PYTHON and node is not None and re.match(r"(?:async|def|class)\b|@", text_of(node)[:10])
        block += [eol] * (1 if joined else max(blank if before else 0, 2 if defines else 1))
    return "".join(before + block + after)


def _first_statement(text: str, language: Language) -> Node | None:
    root = root_of(text, language)
    return next((n for n in root.named_children if n.type not in language.comments), None) if root is not None else None


def _head_rows(nodes: Sequence[Node], language: Language, lines: Sequence[str]) -> int:
    """How many lines at the file's start belong to no statement that imports may stand before."""
    row = 0
    for index, node in enumerate(nodes):
        end = node.end_point[0] + (node.end_point[1] > 0)
        docstring = (
            language is PYTHON
            and node.type == "expression_statement"
            and text_of(node)[:1] in "\"'rRuU"
            and row_free(nodes, index, language)
        )
        directive = (
            node.type == "expression_statement" and re.fullmatch(r"['\"]use \w+['\"];?", text_of(node)[:40]) is not None
        )
        if docstring and text_of(node).lstrip("rRuU")[:1] not in ("'", '"'):
            docstring = False
        if node.type in language.package or docstring or directive:
            row = end
        elif node.type in language.comments:
            following = nodes[index + 1] if index + 1 < len(nodes) else None
            text = text_of(node)
            joined = (
                following is not None and following.start_point[0] <= end and following.type not in language.comments
            )
            special = text.startswith(("#!", "# -*-", "# coding", "//!", "/*!")) or (
                language is RUST and text.startswith("//!")
            )
            if special or (not joined and _detached(nodes, index, language)):
                row = end
            elif joined:
                break
        else:
            break
    return row


def row_free(nodes: Sequence[Node], index: int, language: Language) -> bool:
    """Whether only comments stand before the node."""
    return all(node.type in language.comments for node in nodes[:index])


def _detached(nodes: Sequence[Node], index: int, language: Language) -> bool:
    """Whether a run of comments ends before a blank line, so that it belongs to the file and not to what follows."""
    while index + 1 < len(nodes) and nodes[index + 1].type in language.comments:
        end = nodes[index].end_point[0] + (nodes[index].end_point[1] > 0)
        if nodes[index + 1].start_point[0] > end:
            return True
        index += 1
    if index + 1 == len(nodes):
        return True
    end = nodes[index].end_point[0] + (nodes[index].end_point[1] > 0)
    return nodes[index + 1].start_point[0] > end


def without_head(text: str, language: Language) -> tuple[str, list[Import]]:
    """`text` with the lines of the imports at its head empty, and these imports: a bare method below them is read as the
    body of a class, where no import may stand. PHP's `use Name;` may be a trait's, and stays."""
    root = root_of(f"{language.head}{text}", language)
    lines, offset, found = text.split("\n"), language.head.count("\n"), []
    for node in root.named_children if root is not None else ():
        if is_import(node, language) and not node.has_error and not (language is PHP and "\\" not in text_of(node)):
            found.append((node.start_point[0] - offset, _last_row(node) - offset))
        elif node.type not in language.comments and node.type not in language.package:
            break
    taken = [n for first, last in found for n in range(first, last + 1)]
    head = "\n".join(line if n in taken else "" for n, line in enumerate(lines))
    top = root_of(f"{language.head}{head}", language) if taken else None
    rest = "\n".join("" if n in taken else line for n, line in enumerate(lines))
    return rest, imports_of(top, language, nested=False) if top is not None else []


def _last_row(node: Node) -> int:
    return node.end_point[0] - (node.end_point[1] == 0 and node.end_point[0] > node.start_point[0])
