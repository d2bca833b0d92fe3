"""Programs that differ from a candidate in one small place: where a right one is looked for that was just missed. Pure.

Small models often have the idea and miss a boundary, an order of arguments or a `sorted` at the end. The edits are those
that `mutants.py` plants as faults, which lead back as well as away, and a few that only mend.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from ralphd.attack.mutants import KINDS, mutants
from ralphd.core.python_source import NOT_UNDERSTOOD, parsed, written
from ralphd.core.text import BOM, Span, Text

_MOST_EDITS = 30
"""Of the operators of `mutants.py`; the rest of the limit is left for what only mends."""
_ENDINGS = (
    "sorted(set({}))", "sorted({})", "{}.strip()", "{}.lower()", "list({})", "set({})", "len({})", "str({})", "{}[::-1]",
    "list(dict.fromkeys({}))",
)  # fmt: skip
"""What is forgotten at the end of a function, the likelier first."""


@dataclass(frozen=True)
class Neighbour:
    """`text`: the whole file; `line` counts from 1; `what` says what was changed, for people."""

    line: int
    what: str
    text: str


def neighbours(source: str, span: Span, limit: int) -> list[Neighbour]:
    """At most `limit` neighbours of the code in `span`, the likelier kinds first; always the same ones for the same source."""
    edits = sorted(mutants(source, span, _MOST_EDITS), key=lambda m: KINDS.index(m.kind))
    mutated = [Neighbour(m.line, m.description.rsplit(" at line", 1)[0], m.text) for m in edits]
    try:
        tree = parsed(source)
    except NOT_UNDERSTOOD:
        return []
    mending = list(_mending(source, tree, span))
    in_turn = itertools.chain.from_iterable(itertools.zip_longest(mutated, mending))
    chosen: list[Neighbour] = []
    seen = {source}
    for one in in_turn:
        if one is not None and one.text not in seen and len(chosen) < limit and _parses(one.text):
            seen.add(one.text)
            chosen.append(one)
    return chosen


def _mending(source: str, tree: ast.Module, span: Span) -> Iterator[Neighbour]:
    lines = Text(source)
    shift = len(source) - len(source.removeprefix(BOM))

    def place(node: ast.expr | ast.stmt) -> Span:
        def offset(line: int, column: int) -> int:
            start, end = lines.line_span(line - 1)
            head = source[start:end].encode("utf-8", "surrogatepass")[: column + (3 if line == 1 and shift else 0)]
            return start + len(head.decode("utf-8", "surrogatepass"))

        assert node.end_lineno is not None and node.end_col_offset is not None
        return offset(node.lineno, node.col_offset), offset(node.end_lineno, node.end_col_offset)

    def edited(node: ast.expr | ast.stmt, new: str, what: str) -> Neighbour:
        start, end = place(node)
        return Neighbour(node.lineno, what, source[:start] + new + source[end:])

    inside = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and span[0] <= place(node)[0]
        and place(node)[1] <= span[1]
    ]
    for function in inside:
        last = function.body[-1]
        if isinstance(last, ast.Assign) and isinstance(last.targets[0], ast.Name):
            start, end = place(last)
            name = last.targets[0].id
            yield edited(last, f"{source[start:end]}\n{' ' * last.col_offset}return {name}", f"`return {name}` added")
    returns = [n for f in inside for n in ast.walk(f) if isinstance(n, ast.Return) and n.value is not None]
    for ending in _ENDINGS:
        for node in reversed(returns):
            assert node.value is not None
            start, end = place(node.value)
            value = source[start:end]
            plain = not ending.startswith("{}") or isinstance(node.value, ast.Name | ast.Call)
            inner = value if plain else f"({value})"
            yield edited(node.value, ending.format(inner), f"`return …` → `return {ending.format('…')}`")
    for call in (n for f in inside for n in ast.walk(f) if isinstance(n, ast.Call)):
        if len(call.args) == 2 and not any(isinstance(a, ast.Starred) for a in call.args):
            (a, b), (c, d) = place(call.args[0]), place(call.args[1])
            swapped = source[:a] + source[c:d] + source[b:c] + source[a:b] + source[d:]
            yield Neighbour(call.lineno, f"the arguments of `{written(call.func)[:40]}` swapped", swapped)


def _parses(text: str) -> bool:
    try:
        parsed(text)
    except NOT_UNDERSTOOD:
        return False
    return True
