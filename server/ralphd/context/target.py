"""What a run works on: the selection, else the innermost function or class at the cursor, else the file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

from ralphd.context.languages import Language, language_of, node_name, parse
from ralphd.core.text import Span, Text

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True)
class Target:
    """`span` covers whole lines: from the definition's first line (decorators too) to its last, without the line end."""

    path: str
    span: Span
    kind: Literal["file", "selection", "definition"]
    name: str = ""
    """Qualified, e.g. `Cart.total`; empty for a file or a selection without a definition."""

    def text(self, source: str) -> str:
        return source[self.span[0] : self.span[1]]


@dataclass(frozen=True)
class Definition:
    name: str
    span: Span
    kind: str
    line: int


class _Offsets:
    """tree-sitter counts UTF-8 bytes, we count code points."""

    def __init__(self, text: str) -> None:
        self.ascii = text.isascii()
        self._lines = [] if self.ascii else [line.encode("utf-8", "surrogatepass") for line in text.split("\n")]
        self._starts = [0, *accumulate(len(line) + 1 for line in self._lines)]
        self._begun = [0, *accumulate(len(line.decode("utf-8", "surrogatepass")) + 1 for line in self._lines)]

    def __call__(self, byte: int) -> int:
        if self.ascii:
            return byte
        row = bisect_right(self._starts, byte) - 1
        if row >= len(self._lines):
            return self._begun[-1] - 1
        inside = self._lines[row][: byte - self._starts[row]]
        return self._begun[row] + len(inside.decode("utf-8", "surrogatepass"))


def walk_definitions(node: Node, language: Language, prefix: str = "") -> Iterator[tuple[str, Node, Node]]:
    """(qualified name, outer node, definition node), outer first. A walk without recursion over statements only."""
    stack = [(node, prefix)]
    while stack:
        current, at = stack.pop()
        for child in reversed(current.named_children):
            if not child.child_count:
                continue
            inner, outer = child, child
            if child.type in language.wrappers:
                wrapped = [c for c in child.named_children if language.defines(c)]
                if wrapped:
                    inner = wrapped[0]
            if language.defines(inner):
                name = node_name(inner)
                qualified = f"{at}.{name}" if at and name else (name or at)
                yield qualified, outer, inner
                stack.append((inner, qualified))
            else:
                stack.append((child, at))


def definitions(path: str, text: str) -> list[Definition]:
    """All functions, classes and methods of a file, in order of position."""
    language = language_of(path)
    tree = parse(language, text.encode("utf-8", "surrogatepass"))
    if tree is None:
        return []
    at, lines = _Offsets(text), Text(text)
    found = []
    for name, outer, inner in walk_definitions(tree.root_node, language):
        start, end = at(outer.start_byte), at(outer.end_byte)
        span = (lines.line_starts[lines.line_of(start)], _trimmed_end(text, start, end))
        found.append(Definition(name, span, inner.type, lines.line_of(start)))
    return sorted(found, key=lambda d: (d.span[0], -d.span[1]))


def _trimmed_end(text: str, start: int, end: int) -> int:
    while end > start and text[end - 1] in " \t\r\n":
        end -= 1
    return end


def find_target(path: str, text: str, span: Span | None) -> Target:
    """The target of `span`: None is the file; an empty span is the cursor."""
    if span is None or not text.strip():
        return Target(path, (0, len(text)), "file")
    lines = Text(text)
    if span[0] != span[1]:
        start, end = lines.whole_lines(span)
        end = _trimmed_end(text, start, end)
        exact = [d for d in definitions(path, text) if d.span == (start, end)]
        return Target(path, (start, end), "selection", exact[0].name if exact else "")
    first, last = lines.line_span(lines.line_of(span[0]))
    around = [d for d in definitions(path, text) if d.span[0] <= last and d.span[1] >= first and d.name]
    around = [d for d in around if d.span[0] <= first <= d.span[1]]
    if not around:
        return Target(path, (0, len(text)), "file")
    best = min(around, key=lambda d: d.span[1] - d.span[0])
    return Target(path, best.span, "definition", best.name)
