"""What the Librarian is told of the project: the definitions around the target, one line each, and which of them are shown."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator

from ralphd.context.file_graph import FileGraph
from ralphd.context.target import Target
from ralphd.context.tree import Tree, is_secret
from ralphd.retrieval.needs import Project
from ralphd.retrieval.pack import Excerpt
from ralphd.retrieval.snippets import docstring
from ralphd.retrieval.symbols import SourceFile, Symbol
from ralphd.retrieval.test_files import is_test_file

MOST = 120
MOST_OF_A_FILE = 25
MOST_FILES = 40
MAX_CHARACTERS = 140
"""Of one line."""


def definitions_around(
    tree: Tree,
    target: Target,
    text: str,
    graph: FileGraph | None,
    shown: Collection[Excerpt],
    said: str,
    exclude: Iterable[str],
) -> tuple[list[str], list[str]]:
    """(those that the prompt holds already, those that it does not), each as `path::name: signature, what it is for`, those
    that are nearest to the target first. `shown`: what the prompt holds; `said`: the task, whose words may name a file."""
    barred = set(exclude) - {target.path}
    paths = [p for p in tree.paths() if not is_secret(p) and p not in barred]
    project = Project(tree, set(paths), graph.uses if graph is not None else {}, {target.path: text})
    first = {(one.path, line.strip()) for one in shown for line in one.text.split("\n")}
    held: list[str] = []
    others: list[str] = []
    for path in _near(paths, target.path, graph, said)[:MOST_FILES]:
        file = project.file(path)
        symbols = list(_symbols(file, target))[:MOST_OF_A_FILE] if file is not None else []
        for one in symbols:
            assert file is not None
            there = (path, file.rows(one.start, one.start).strip()) in first
            (held if there else others).append(_line(file, one))
    return held[:MOST], others[:MOST]


def _near(paths: Collection[str], target: str, graph: FileGraph | None, said: str) -> list[str]:
    """Files that the task names, the target's own, those that it uses, those that use it, and what those use."""
    words = {word.strip(".") for word in re.findall(r"[\w./-]+", said)}
    named = [p for p in paths if p in words or posixpath.basename(p) in words]
    uses = graph.uses if graph is not None else {}
    used = sorted(uses.get(target, ()))
    users = sorted(graph.users(target)) if graph is not None else []
    beyond = sorted({further for path in used for further in uses.get(path, ())})
    there = set(paths)
    return [p for p in dict.fromkeys([*named, target, *used, *users, *beyond]) if p in there and not is_test_file(p)]


def _symbols(file: SourceFile, target: Target) -> Iterator[Symbol]:
    for symbol in file.symbols.values():
        same = file.path == target.path and (symbol.name == target.name or symbol.name.startswith(f"{target.name}."))
        if symbol.kind == "definition" and not same:
            yield symbol


def _line(file: SourceFile, symbol: Symbol) -> str:
    signature = " ".join(file.rows(symbol.start, max(symbol.start, symbol.body - 1)).split())
    about = docstring(file, symbol).strip(" \"'rRbBuU\n").partition("\n")[0]
    return f"{file.path}::{symbol.name}: {' '.join(filter(None, (signature, about)))}"[:MAX_CHARACTERS]
