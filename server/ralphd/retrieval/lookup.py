"""What a model asked to see by name or path: the definition, or the file; for a name that is nowhere, the nearest ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from ralphd.context.file_graph import FileGraph
from ralphd.context.languages import fence_name
from ralphd.context.target import Target
from ralphd.context.tree import Tree, is_secret
from ralphd.core.tokens import tokens_of
from ralphd.retrieval.needs import Project
from ralphd.retrieval.pack import outline
from ralphd.retrieval.snippets import docstring
from ralphd.retrieval.symbols import SourceFile, Symbol

MOST_OF_A_NAME = 3
"""Definitions of one name that are shown, those of files that the target imports first."""
MOST_FILES = 60
"""Files with the word that are parsed to find where it is defined."""


@dataclass(frozen=True)
class Found:
    """What is shown for one name. `path` is empty where nothing of that name is there: `text` then says so."""

    name: str
    path: str
    text: str


def look_up(
    tree: Tree, target: Target, text: str, names: Sequence[str], graph: FileGraph | None, exclude: Iterable[str],
    max_tokens: int,
) -> list[Found]:  # fmt: skip
    """The definitions of `names` and the files among them, together within `max_tokens`: whole where they fit, else by
    their signatures. Files of `exclude` and secret ones are not there."""
    barred = set(exclude) - {target.path}
    paths = [p for p in tree.paths() if not is_secret(p) and p not in barred]
    project = Project(tree, set(paths), graph.uses if graph is not None else {}, {target.path: text})
    near = [target.path, *sorted(graph.uses.get(target.path, ()) if graph is not None else ())]
    found: list[Found] = []
    for name in names:
        share = max_tokens // len(names)
        one = _file(tree, paths, name, share) or _definitions(project, paths, near, tree, name, share)
        found += one or [Found(name, "", _nearest(project, paths, near, name))]
    for each in found:
        if each.path:
            tree.text(each.path)  # from here on it is shown
    return found


def _file(tree: Tree, paths: Sequence[str], name: str, share: int) -> list[Found]:
    """The file of that path, or the only one whose path ends so."""
    if "." not in name and "/" not in name:
        return []
    same = [p for p in paths if p == name] or [p for p in paths if p.endswith(f"/{name}")]
    text = tree.scan(same[0]) if len(same) == 1 else None
    if text is None:
        return []
    shown = text if tokens_of(text) <= share else outline(same[0], text) or text[: share * 2]
    return [Found(name, same[0], shown)]


def _definitions(
    project: Project, paths: Sequence[str], near: Sequence[str], tree: Tree, name: str, share: int
) -> list[Found]:
    """The definitions of `name`, which may be qualified (`Cart.total`) and may name its file (`shop/cart.py::Cart.total`)."""
    place, _, qualified = name.rpartition("::") if "/" in name else ("", "", name.replace("::", "."))
    short = qualified.rpartition(".")[2]
    if not re.fullmatch(r"[\w$]+", short):
        return []
    word = re.compile(rf"(?<![\w$]){re.escape(short)}(?![\w$])")
    holding = [
        p for p in dict.fromkeys([*near, *paths]) if (not place or p == place) and word.search(tree.scan(p) or "")
    ]
    matches: list[tuple[SourceFile, Symbol]] = []
    for path in holding[:MOST_FILES]:
        file = project.file(path)
        if file is None:
            continue
        exact = [s for s in file.symbols.values() if s.name == qualified or f".{s.name}".endswith(f".{qualified}")]
        matches += [(file, symbol) for symbol in exact or ([s for s in file.symbols.values() if s.short == short])]
    whole = [m for m in matches if m[1].name == qualified or m[1].name.endswith(f".{qualified}")] or matches
    return [Found(name, file.path, _shown(file, symbol, share // min(len(whole), MOST_OF_A_NAME)))
            for file, symbol in whole[:MOST_OF_A_NAME]]  # fmt: skip


def _shown(file: SourceFile, symbol: Symbol, share: int) -> str:
    text = file.rows(symbol.first, symbol.last)
    if tokens_of(text) <= share:
        return text
    members = [file.signature(s) for s in file.symbols.values() if s.owner == symbol.name]
    return "\n".join(filter(None, (file.signature(symbol), docstring(file, symbol), *members, "    …")))


def _nearest(project: Project, paths: Sequence[str], near: Sequence[str], name: str) -> str:
    short = re.split(r"[.:/]+", name)[-1]
    known = {
        s.short: f"{s.name} in {p}" for p in reversed(near) if (file := project.file(p)) for s in file.symbols.values()
    }
    files = {p.rpartition("/")[2]: p for p in paths}
    close = [known[one] for one in get_close_matches(short, known, 3, 0.6)]
    close += [files[one] for one in get_close_matches(name.rpartition("/")[2], files, 2, 0.6)]
    return f"Nothing of that name is in the project. Nearest: {', '.join(close)}." if close else (
        "Nothing of that name is in the project.")  # fmt: skip


def rendered(found: Sequence[Found], fenced) -> str:  # type: ignore[no-untyped-def]
    """As the model is told. `fenced(text, info)` wraps an excerpt, so that data cannot end its own block."""
    return "\n\n".join(
        f"{one.name}, in {one.path}:\n{fenced(one.text, fence_name(one.path))}"
        if one.path
        else f"{one.name}: {one.text}"
        for one in found
    )
