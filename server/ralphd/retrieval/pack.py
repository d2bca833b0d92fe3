"""Retrieval by code, not by a model: what a person would open before changing the target. Deterministic.

Sources in order of worth: the target's class and what it names in its file, tests that fail and reach it, its callers,
what it names in other files, other tests that name it, rules files. Packed into a budget of tokens, by the estimate of
core/tokens.py.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from itertools import zip_longest

from ralphd.context.file_graph import FileGraph
from ralphd.context.languages import fence_name, language_of
from ralphd.context.target import Target, definitions
from ralphd.context.tree import Readable, Tree
from ralphd.core.tokens import beginning, tokens_of
from ralphd.retrieval.likely import to_be_written
from ralphd.retrieval.needs import Project, rows_of
from ralphd.retrieval.snippets import Kind, Snippet, docstring, joined, snippets, within
from ralphd.retrieval.symbols import SourceFile
from ralphd.retrieval.test_files import is_test_file
from ralphd.retrieval.tests_of_target import test_snippets

CALLERS = "calls it"
"""What is said of excerpts that call the target."""
FAILS = "fails now"
"""What is said of tests that fail."""
SHORT_REST = 2500
"""Characters: where the rest of the target's file is shorter, all of it is shown."""


@dataclass(frozen=True)
class Excerpt:
    """One excerpt, with where it comes from and why it is here."""

    path: str
    why: str
    text: str


@dataclass(frozen=True)
class Context:
    pieces: tuple[Excerpt, ...]
    left_out: int
    """Pieces that did not fit the budget."""
    rules: str = ""

    def render(self, fenced) -> str:  # type: ignore[no-untyped-def]
        """`fenced(text, info)` wraps an excerpt, so that data cannot end its own block."""
        return "\n\n".join(f"{p.path} ({p.why}):\n{fenced(p.text, fence_name(p.path))}" for p in self.pieces)


def callers(tree: Tree, target: Target, source: str, graph: FileGraph | None) -> list[Snippet]:
    """Functions in other files that use the target's file and name the target; for a whole file: what it defines."""
    names = [target.name.rsplit(".", 1)[-1]] if target.name else []
    if target.kind == "file":
        names = [d.name for d in definitions(target.path, source) if d.name and not re.search(r"^_|\.", d.name)]
    if not names or graph is None:
        return []
    stem = posixpath.basename(target.path).split(".")[0]
    # `d.get(1)` does not call the target's function `get`; of a method, or where the word before the dot may be that of a
    # package or a namespace, nothing else can be seen.
    plain = "." in target.name or not FileGraph.proves(target.path)
    before = r"\b" if plain else rf"(?:(?<![\w.])|\b{re.escape(stem)}\.)"
    naming = re.compile(rf"{before}(?:{'|'.join(map(re.escape, names))})\b")
    users = sorted(path for path in graph.users(target.path) if not is_test_file(path))
    found = []
    for path in users:
        text = tree.scan(path)
        if text is None or not naming.search(text):
            continue
        named = [d for d in definitions(path, text) if naming.search(text, *d.span)]
        # In order of position, outer ones first: one that holds others holds the next.
        leaf = [d for d, after in zip_longest(named, named[1:]) if after is None or after.span[1] > d.span[1]]
        found += [Snippet("callers", path, text.count("\n", 0, d.span[0]), text[slice(*d.span)]) for d in leaf[:3]]
    return sorted(found, key=lambda one: one.cost)


def outline(path: str, text: str) -> str:
    """What another file may use of this one: signatures, each with the first paragraph of its docstring."""
    file = SourceFile(path, text)
    known = [s for s in file.symbols.values() if s.kind == "definition"]
    if file.extensions:
        known = sorted([*known, *file.extensions], key=lambda s: s.start)
    shown = (f"{file.signature(s)}\n{docstring(file, s)}".rstrip() for s in known)
    return "\n".join(shown)


def rest_of_file(target: Target, text: str) -> str:
    """The target's file without the target; empty for a target that is the file."""
    if target.kind == "file":
        return ""
    rest = text[: target.span[0]].rstrip() + "\n\n# …\n\n" + text[target.span[1] :].strip()
    return rest.strip() if rest.strip(" \n#…") else ""


def surroundings(target: Target, text: str) -> str:
    """The target's file without the target's own text: imports, then signatures; the whole file where it is short."""
    if target.kind == "file":
        return ""
    rest = rest_of_file(target, text)
    file = SourceFile(target.path, text)
    if len(rest) <= SHORT_REST or file.code is None:
        return rest
    first, last = rows_of(target, text)
    imports = [file.rows(start, end) for start, end, _ in file.import_rows]
    every = (*file.symbols.values(), *file.extensions)
    others = [s for s in every if s.kind == "definition" and (s.last < first or last < s.start)]
    return "\n".join([*imports, "", *(file.signature(s) for s in sorted(others, key=lambda s: s.start))]).strip()


def gather(
    tree: Tree,
    target: Target,
    text: str,
    *,
    max_tokens: int,
    rules_files: Iterable[str],
    exclude: Iterable[str],
    local: bool,
    graph: FileGraph | None = None,
    failing: Collection[str] = (),
) -> tuple[Context, list[Excerpt]]:
    """(context, tests of the target), together within `max_tokens`. `graph`: of the whole tree, where it is known;
    `failing`: the ids of the baseline's tests that failed and may reach the target.

    What is shown is decided here alone: each kind of material has a share of the budget that no other takes, and what a
    kind leaves goes to the others in the order of `_SHARES`.
    """
    barred = {p for p in exclude if p != target.path}
    left = Readable(tree)
    tests = [
        one for one in test_snippets(tree, target, () if local else failing, graph, max_tokens // 6) if one.path in left
    ]
    rules = "" if local else "\n\n".join(r[:4000] for p in rules_files if p in left and (r := tree.text(p)))
    if local:
        wanted = sum(one.cost for one in tests)
        kept, dropped = _nearby(
            tree, target, text, graph, Readable(tree, barred), max_tokens - min(wanted, max_tokens // 2)
        )
        used = sum(tokens_of(p.text) + HEADING for p in kept)
        return Context(tuple(kept), dropped, rules), _as_excerpts(tree, _fitting(tests, max_tokens - used))
    return _needed(tree, target, text, graph, left, barred, max_tokens, tests, rules)


HEADING = 12
"""Tokens of the line above an excerpt and of its fence."""


def _nearby(
    tree: Tree, target: Target, text: str, graph: FileGraph | None, allowed: Collection[str], budget: int
) -> tuple[list[Excerpt], int]:
    """For a small model, whose window is short: the rest of the file, and outlines of what the file imports."""
    candidates: list[Excerpt] = []
    if around := surroundings(target, text):
        candidates.append(Excerpt(target.path, "the rest of the file", around))
    if graph is not None:
        for path in sorted(graph.uses.get(target.path, ())):
            if path in allowed and not path.endswith("conftest.py") and (source := tree.text(path)):
                candidates.append(Excerpt(path, "imported by it", outline(path, source)))
    return _within_budget(candidates, budget)


_SHARES: dict[Kind, float] = {
    "own": 0.3, "imported": 0.2, "failing": 0.25, "callers": 0.1, "tests": 0.15, "likely": 0.0
}  # fmt: skip
_TO_BE_WRITTEN: dict[Kind, float] = {
    "own": 0.15, "imported": 0.1, "failing": 0.2, "callers": 0.1, "likely": 0.3, "tests": 0.15
}  # fmt: skip
"""Of a target that names next to nothing yet: what it may name is worth more than who calls it."""


def _needed(
    tree: Tree, target: Target, text: str, graph: FileGraph | None, readable: Collection[str], barred: Collection[str],
    budget: int, tests: list[Snippet], rules: str,
) -> tuple[Context, list[Excerpt]]:  # fmt: skip
    """What the target names, wherever it is defined, who calls it, and its tests. Names are followed through all
    `readable` files; `barred` ones are not shown."""
    project = Project(tree, readable, graph.uses if graph is not None else {}, {target.path: text})
    said = "\n".join(one.text for one in tests if one.kind == "failing")
    found = [one for one in snippets(project, target, text, said) if one.path not in barred]
    found += [one for one in callers(tree, target, text, graph) if one.path in readable and one.path not in barred]
    kept: list[Excerpt] = []
    around = rest_of_file(target, text)
    if around and (len(around) <= SHORT_REST or not language_of(target.path).module):
        cost = tokens_of(around) + HEADING
        if cost <= budget:
            kept.append(Excerpt(target.path, "the rest of the file", around))
            budget -= cost
            found = [one for one in found if one.path != target.path]
    shares = _TO_BE_WRITTEN if to_be_written(target, text) else _SHARES
    order = list(shares)
    found = sorted([*found, *tests], key=lambda one: order.index(one.kind))
    chosen = within(found, {kind: int(budget * share) for kind, share in shares.items()}, budget)
    context = [one for one in chosen if one.kind not in ("failing", "tests")]
    for path in sorted({one.path for one in context}, key=lambda p: (p != target.path, p)):
        mine = [one for one in context if one.path == path]
        why = "around it" if path == target.path else CALLERS if mine[0].kind == "callers" else "used by it"
        kept.append(Excerpt(path, why, joined(mine)))
    for piece in kept:
        tree.text(piece.path)  # from here on it is shown
    places = {(one.path, one.row) for one in chosen}
    left_out = sum((one.path, one.row) not in places for one in found if one.kind not in ("likely", "tests"))
    return Context(tuple(kept), left_out, rules), _as_excerpts(
        tree, [one for one in chosen if one.kind in ("failing", "tests")]
    )


def _as_excerpts(tree: Tree, tests: list[Snippet]) -> list[Excerpt]:
    """The chosen tests by file, those that fail first."""
    found = []
    for kind, why in (("failing", FAILS), ("tests", "tests")):
        for path in dict.fromkeys(one.path for one in tests if one.kind == kind):
            tree.text(path)  # from here on it is shown
            found.append(Excerpt(path, why, joined(one for one in tests if one.kind == kind and one.path == path)))
    return found


def _within_budget(pieces: Iterable[Excerpt], budget: int) -> tuple[list[Excerpt], int]:
    """(those that fit, one after the other; how many do not)."""
    kept, dropped = [], 0
    for piece in pieces:
        cost = tokens_of(piece.text) + HEADING
        if cost <= budget:
            kept.append(piece)
            budget -= cost
        else:
            dropped += 1
    return kept, dropped


_LEAST = 60
"""Tokens. Less than this of a test says nothing."""


def _fitting(tests: list[Snippet], max_tokens: int) -> list[Snippet]:
    """The first tests that fit; the beginning of the very first where not even that fits."""
    kept: list[Snippet] = []
    for one in tests:
        if one.cost <= max_tokens:
            kept.append(one)
            max_tokens -= one.cost
        elif not kept and max_tokens > _LEAST:
            return [replace(one, text=beginning(one.text, max_tokens))]
    return kept
