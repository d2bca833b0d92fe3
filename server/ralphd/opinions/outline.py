"""Functions that can be written again from their outline alone, and that outline: never a line of a body. Pure; Python."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ralphd.core.python_source import NOT_UNDERSTOOD, parsed, written
from ralphd.core.text import Span, Text

_PLAIN_DECORATORS = frozenset({"cache", "lru_cache", "functools.cache", "functools.lru_cache"})
_MOST_NEIGHBOURS = 12
_MOST_CONSTANT = 200
"""Characters of a constant's line; a longer one is a table that says more than the outline should."""
_MOST_DOC = 20_000
"""Characters of what says what a function does."""


@dataclass(frozen=True)
class Subject:
    """A function at the top level of a file, and what says what it does."""

    name: str
    span: Span
    """Whole lines in the file's text, decorators included."""
    doc: str
    """Its docstring, else the comment right above it."""
    doc_is: Literal["docstring", "comment"]
    arguments: tuple[str, ...]
    """Names of those that may be given by place."""
    node: ast.FunctionDef

    @property
    def words(self) -> list[str]:
        return [word for word in self.name.lower().split("_") if word]


def subjects(source: str, span: Span, before: Mapping[str, Subject] | None = None) -> list[Subject]:
    """The functions in `span` that second opinions can be had on, in order; none where the text is not understood.

    `before`: functions of an earlier text by name, whose words count for those that say nothing now."""
    tree = _understood(source)
    if tree is None:
        return []
    lines = Text(source)
    first, last = lines.line_of(span[0]), lines.line_of(max(span[0], span[1] - 1))
    found = []
    for node in _functions(tree):
        start = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
        end = (node.end_lineno or node.lineno) - 1
        docstring = ast.get_docstring(node)
        doc = (docstring or _comment_above(lines, source, start))[:_MOST_DOC]
        if not doc and before is not None and node.name in before:
            doc = before[node.name].doc
        if doc and start <= last and end >= first and _can_be_called(node):
            place = (lines.line_span(start)[0], lines.line_span(end)[1])
            names = tuple(a.arg for a in (*node.args.posonlyargs, *node.args.args))
            found.append(Subject(node.name, place, doc, "docstring" if docstring else "comment", names, node))
    return found


def outline(source: str, subject: Subject) -> str:
    """The signature and docstring of the subject under what it is made of: the classes of its types, the constants that
    it names, and the signatures of its neighbours."""
    tree = _understood(source)
    assert tree is not None  # the subject was found in it
    named = _names(subject.node.args) | (_names(subject.node.returns) if subject.node.returns else set())
    said = set(re.findall(r"\w+", f"{subject.doc} {written(subject.node.args)}"))
    parts = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name in named:
            parts.append(written(_bare_class(node)))
        elif isinstance(node, ast.Assign | ast.AnnAssign) and (text := written(node)) and len(text) < _MOST_CONSTANT:
            names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            if names & said:
                parts.append(text)
    neighbours = [node for node in _functions(tree) if node.name != subject.name]
    parts += [written(_bare(node, first_line=True)) for node in neighbours[:_MOST_NEIGHBOURS]]
    own = written(_bare(subject.node))
    if subject.doc_is == "comment":
        own = "\n".join([*(f"# {line}".rstrip() for line in subject.doc.splitlines()), own])
    return "\n\n".join(filter(None, [*parts, own]))


def under_head(text: str, source: str, name: str) -> str:
    """`text`, in which the function `name` has the decorators, the signature and the docstring that it has in `source`: the
    outline shows no decorators, and a version often leaves the docstring out. As it is where the two do not fit."""
    there, here = _understood(source), _understood(text)
    old = next((n for n in _functions(there) if n.name == name), None) if there is not None else None
    new = next((n for n in _functions(here) if n.name == name), None) if here is not None else None
    if old is None or new is None or _parameters(old) != _parameters(new):
        return text
    lines, given = text.split("\n"), source.split("\n")
    body = new.body[1:] if ast.get_docstring(new) is not None else new.body
    kept = old.body[0].end_lineno if ast.get_docstring(old) is not None else old.body[0].lineno - 1
    if not body or kept is None or body[0].col_offset != old.body[0].col_offset:
        return text
    above = body[0].lineno - 1
    while lines[above - 1].lstrip().startswith("#"):
        above -= 1
    if above < new.lineno or kept < old.lineno:
        return text  # a body in the line of its head
    begin, begun = (min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1 for node in (new, old))
    return "\n".join([*lines[:begin], *given[begun:kept], *lines[above:]])


def _parameters(node: ast.FunctionDef) -> list[str]:
    return [one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)]


def _understood(source: str) -> ast.Module | None:
    try:
        return parsed(source)
    except NOT_UNDERSTOOD:
        return None


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith(("test", "__")):
            yield node


def _can_be_called(node: ast.FunctionDef) -> bool:
    """With arguments that are given by place, a head that can be written, and no decorator that may change what is
    called."""
    arguments = node.args
    plain = all(written(d.func if isinstance(d, ast.Call) else d) in _PLAIN_DECORATORS for d in node.decorator_list)
    by_place = not arguments.vararg and not arguments.kwarg and all(d is not None for d in arguments.kw_defaults)
    return plain and by_place and bool(arguments.posonlyargs or arguments.args) and bool(written(_bare(node)))


def _comment_above(lines: Text, source: str, start: int) -> str:
    said: list[str] = []
    for number in range(start - 1, -1, -1):
        line = source[slice(*lines.line_span(number))].strip()
        if not line.startswith("#"):
            break
        said.insert(0, line.lstrip("# "))
    return "\n".join(said).strip()


def _names(node: ast.AST) -> set[str]:
    """Names in annotations, those in quotes as well."""
    found = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            found.add(inner.id)
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            found |= set(re.findall(r"\w+", inner.value))
    return found


def _bare(node: ast.FunctionDef, *, first_line: bool = False) -> ast.FunctionDef:
    """The function without its body: its docstring, or that one's first line, and `...`."""
    bare = copy.copy(node)
    doc = ast.get_docstring(node) or ""
    said = doc.splitlines()[:1] if first_line else [doc]
    bare.decorator_list = []
    bare.body = [*(ast.Expr(ast.Constant(line)) for line in said if line), ast.Expr(ast.Constant(...))]
    return bare


def _bare_class(node: ast.ClassDef) -> ast.ClassDef:
    bare = copy.copy(node)
    bare.body = [_bare(n, first_line=True) if isinstance(n, ast.FunctionDef) else n for n in node.body]
    return bare
