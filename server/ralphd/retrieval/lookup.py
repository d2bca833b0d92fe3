"""What a model asked to see by name or path: the definition, or the file; for a name that is nowhere, the nearest ones."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from ralphd.context.file_graph import FileGraph
from ralphd.context.languages import PLAIN, fence_name, language_of
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
        asked = _PLACE.sub("", name)
        one = _file(tree, paths, asked, share) or _definitions(project, paths, near, tree, asked, share)
        found += one or [Found(name, "", _nearest(project, paths, near, asked))]
    for each in found:
        if each.path:
            tree.text(each.path)  # from here on it is shown
    return found


_PLACE = re.compile(r"(?<=[\w)])(?::\d[\d:,-]*|#L\d[\dL:,-]*)$")
"""A row behind a path: `cart.py:7`, `cart.py:7:3`, `cart.py#L7-L9`."""


def _is_path(name: str) -> bool:
    """Whether it ends as a file does. Then what merely has the ending's name is not meant: `py` for `shop/nope.py`."""
    suffix = posixpath.splitext(name)[1]
    return "::" not in name and bool(suffix) and language_of(f"x{suffix}") is not PLAIN


def _file(tree: Tree, paths: Sequence[str], name: str, share: int) -> list[Found]:
    """The file that `name` means; of a folder, what lies in it."""
    if not re.search(r"[./]", name):
        return []
    path = None if name.endswith("/") else _path_meant(paths, name)
    text = tree.scan(path) if path else None
    if path is None or text is None:
        return _folder(paths, name)
    shown = text if tokens_of(text) <= share else outline(path, text) or text[: share * 2]
    return [Found(name, path, shown)]


def _path_meant(paths: Sequence[str], name: str) -> str | None:
    """The file of that path, or the only one whose path ends so: as it is written, absolute, without its ending, or as a
    dotted module."""
    wanted = name.strip("/")
    endings = [wanted]
    if name.startswith("/") or name[1:2] == ":":
        endings += [path for path in sorted(paths, key=len, reverse=True) if f"/{wanted}".endswith(f"/{path}")][:1]
    for ending in endings:
        same = [p for p in paths if p == ending] or [p for p in paths if p.endswith(f"/{ending}")]
        if len(same) == 1:
            return same[0]
    stems = {wanted, wanted.replace(".", "/")} if "/" not in wanted else {wanted}
    stems |= {f"{stem}/{entry}" for stem in stems for entry in ("__init__", "index", "mod")}
    same = [p for p in paths if any(f"/{posixpath.splitext(p)[0]}".endswith(f"/{stem}") for stem in stems)]
    return same[0] if len(same) == 1 else None


def _folder(paths: Sequence[str], name: str) -> list[Found]:
    """What lies in a folder of that path, or in the only one whose path ends so."""
    wanted = re.sub(r"/\*{1,2}(?:\.\w{1,10})?$", "", name).strip("/")
    folders = {posixpath.dirname(path) for path in paths}
    same = [f for f in folders if f == wanted] or [f for f in folders if f"/{f}".endswith(f"/{wanted}")]
    if len(same) != 1 or "/" not in name:
        return []
    inside = sorted(path for path in paths if posixpath.dirname(path) == same[0])
    more = f" and {len(inside) - MOST_FILES} more" if len(inside) > MOST_FILES else ""
    return [Found(name, "", f"A folder. In it: {', '.join(inside[:MOST_FILES])}{more}.")]


def _definitions(
    project: Project, paths: Sequence[str], near: Sequence[str], tree: Tree, name: str, share: int
) -> list[Found]:
    """The definitions of `name`, which may be qualified (`Cart.total`) and may name its file (`shop/cart.py::Cart.total`)."""
    place, _, qualified = name.partition("::")
    if not qualified or not re.search(r"[./]", place):
        place, qualified = "", name
    qualified = re.sub(r"<[^<>]*>", "", re.sub(r"::|#|/|\\|\.prototype\.", ".", qualified))
    short = qualified.rpartition(".")[2]
    if not re.fullmatch(r"[\w$]+", short):
        return []
    there = _path_meant(paths, place) if place else None
    word = re.compile(rf"(?<![\w$]){re.escape(short)}(?![\w$])")
    among = [there] if there else [*near, *paths]
    holding = [p for p in dict.fromkeys(among) if word.search(tree.scan(p) or "")]
    exact: list[tuple[SourceFile, Symbol]] = []
    alike: list[tuple[SourceFile, Symbol]] = []
    for path in holding[:MOST_FILES]:
        file = project.file(path)
        for symbol in file.symbols.values() if file is not None else ():
            assert file is not None
            if _means(qualified, path, symbol):
                exact.append((file, symbol))
            elif symbol.short == short and not _is_path(name):
                alike.append((file, symbol))
    best = exact or alike
    label = name if exact else f"{name} is not in the project; the nearest of that name, {{}}"
    return [Found(label.format(symbol.name), file.path, _shown(file, symbol, share // min(len(best), MOST_OF_A_NAME)))
            for file, symbol in best[:MOST_OF_A_NAME]]  # fmt: skip


def _means(qualified: str, path: str, symbol: Symbol) -> bool:
    """Whether a qualified name is that of the symbol, as far as it goes: what stands before the classes leads to its file,
    also by way of a package that hands it on (`shop.Cart` for `shop/cart.py`)."""
    if f".{symbol.name}".endswith(f".{qualified}"):
        return True
    before = f".{qualified}".removesuffix(f".{symbol.name}")
    return before != f".{qualified}" and set(before.split(".")) <= {*_dotted(path).split("."), *_HERE}


_HERE = ("", "crate", "self", "super", "this", "src")
"""How modules are named from within; none is a folder of its own."""


def _dotted(path: str) -> str:
    """As a module is called: `src/shop/cart.py` is `src.shop.cart`."""
    return re.sub(r"/(?:__init__|index|mod)$", "", posixpath.splitext(path)[0]).replace("/", ".")


def _shown(file: SourceFile, symbol: Symbol, share: int) -> str:
    text = file.rows(symbol.first, symbol.last)
    outside = [
        s for s in file.symbols.values() if s.owner == symbol.name and not symbol.start <= s.start <= symbol.last
    ]
    whole = "\n".join([text, *(file.signature(member) for member in outside)])
    if tokens_of(whole) <= share:
        return whole
    members = [file.signature(s) for s in file.symbols.values() if s.owner == symbol.name]
    return "\n".join(filter(None, (file.signature(symbol), docstring(file, symbol), *members, "    …")))


def _nearest(project: Project, paths: Sequence[str], near: Sequence[str], name: str) -> str:
    short = re.split(r"[.:/]+", name)[-1]
    known = {
        s.short: f"{s.name} in {p}" for p in reversed(near) if (file := project.file(p)) for s in file.symbols.values()
    }
    files = {posixpath.basename(p): p for p in paths}
    close = [known[one] for one in get_close_matches(short, known, 3, 0.6)]
    close += [files[one] for one in get_close_matches(posixpath.basename(name), files, 2, 0.6)]
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
