"""What a file defines and which names it uses, for languages in which an import does not say which file it means: Go, Rust,
Java, C, C++, C#, Ruby and PHP. From these a graph is made by names. Pure.

Read by the grammar's own `tags.scm`, which comes with its package, and by a query of ours (`queries/`) with what that one
leaves out. Its captures: `@definition`; `@reference`, a name that is called, or taken of something; `@word`, one that may
also be a variable of this file; `@bound`, a variable or a parameter; `@near`, what an import or the package's own line says.
"""

from __future__ import annotations

import logging
import posixpath
import re
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from ralphd.context.languages import CPP, Language, grammar, language_of, parse

if TYPE_CHECKING:
    from tree_sitter import Node, Query

log = logging.getLogger("ralphd")

FAMILIES: Mapping[str, str] = {
    ".go": "go", ".rs": "rust", ".java": "java", ".cs": "csharp", ".rb": "ruby", ".php": "php", ".c": "c", ".h": "c",
    ".cc": "c", ".cpp": "c", ".cxx": "c", ".hpp": "c", ".hh": "c",
}  # fmt: skip
"""By suffix of a file the languages whose names it may use: those of C and C++ are in each other's headers."""
BY_NAMES = tuple(FAMILIES)
MAX_CHARACTERS = 400_000
"""A bigger file is not looked through: it is generated, or data."""
MOST_NAMES = 4000
"""Of one kind that are kept of one file."""
MOST_STATES = 256
"""Half-found matches that a query may hold at once: each of the comments before a function is one."""
MOST_IN_ERROR = 2000
"""Children of a node that the grammar could not read: a query's time grows with their square."""
MOST_LINKED = 4
"""Files that one name leads to; one that more files define leads to those nearby, or to none."""
MOST_DEFINING = 30
"""A name that more files define tells nothing."""
_NAME = re.compile(r"[^\W\d]\w{1,79}[?!]?")


@dataclass(frozen=True, slots=True)
class Names:
    """Of one content, kept as it is written: thousands of them are held at once. `text` is three lines, each of words with a
    blank before and behind: what the content defines, what it uses and does not define, and words of what it imports."""

    text: str

    @classmethod
    def of(cls, defines: Iterable[str], references: Iterable[str], near: Iterable[str]) -> Names:
        return cls("\n".join(f" {' '.join(sorted(words)[:MOST_NAMES])} " for words in (defines, references, near)))

    @classmethod
    def parsed(cls, text: str) -> Names:
        """What was written. Raises `ValueError` where it is something else."""
        if text.count("\n") != 2:
            raise ValueError("not the names of a content")
        return cls(text)

    @property
    def defines(self) -> list[str]:
        return self.text.partition("\n")[0].split()

    @property
    def references(self) -> list[str]:
        return self.text.split("\n")[1].split()

    @property
    def near(self) -> list[str]:
        return self.text.rpartition("\n")[2].split()


NONE = Names.of((), (), ())


def names_in(path: str, text: str) -> Names:
    """The names of a file of one of the languages above; those of a file that is too big are not known."""
    language = language_of(path)
    tree = parse(language, text.encode("utf-8", "surrogatepass")) if len(text) <= MAX_CHARACTERS else None
    if tree is None or _unreadable(tree.root_node):
        return NONE
    found = _captured(language, tree.root_node)
    defined = found["definition"]
    references = (found["reference"] | (found["word"] - found["bound"])) - defined
    near = {part for one in found["near"] for part in _parts(one)}
    return Names.of(filter(_NAME.fullmatch, defined), filter(_NAME.fullmatch, references), near)


def _unreadable(root: Node) -> bool:
    todo = [root]
    while todo:
        node = todo.pop()
        if node.has_error:
            if node.is_error and node.child_count > MOST_IN_ERROR:
                return True
            todo += node.children
    return False


def _captured(language: Language, root: Node) -> dict[str, set[str]]:
    """By capture of our queries the texts that it stands for."""
    import tree_sitter

    found: dict[str, set[str]] = {key: set() for key in ("definition", "reference", "word", "bound", "near")}
    tags, ours = queries(language)
    if tags is not None:
        for _, match in tree_sitter.QueryCursor(tags, match_limit=MOST_STATES).matches(root):
            names = match.get("name", ())
            for capture, nodes in match.items():
                kind = capture.partition(".")[0]
                if kind in ("definition", "reference"):
                    # A reference that is its own name is a bare word: it may be a variable.
                    bare = kind == "reference" and nodes == names
                    found["word" if bare else kind].update(map(_text, names))
    for capture, nodes in tree_sitter.QueryCursor(ours, match_limit=MOST_STATES).captures(root).items():
        if capture in found:
            found[capture].update(map(_text, nodes))
    return found


def _text(node: Node) -> str:
    return (node.text or b"")[:400].decode("utf-8", "replace")


def _parts(imported: str) -> Iterator[str]:
    """Of `"shop/cart.h"`, `crate::shop::{cart, Item}`, `com.shop.Cart`: the words that a file or a folder may be called."""
    name, dot, suffix = imported.strip("\"'<>").rpartition(".")
    yield from re.findall(r"[\w-]+", name if f"{dot}{suffix}" in FAMILIES else imported)


_QUERIES: Mapping[Language, Sequence[str]] = {CPP: ("c", "cpp")}
"""Of a language that has what another one has, and more."""
_compiling = threading.Lock()


def queries(language: Language) -> tuple[Query | None, Query]:
    """(the grammar's own, where it has one that fits it; ours), compiled once: some take a tenth of a second."""
    with _compiling:
        return _compiled(language)


@cache
def _compiled(language: Language) -> tuple[Query | None, Query]:
    import tree_sitter

    folder = resources.files("ralphd.context").joinpath("queries")
    ours = "\n".join(
        folder.joinpath(f"{name}.scm").read_text("utf-8") for name in _QUERIES.get(language, [language.name])
    )
    tags = None
    for path in _tags_of(language.module):
        if path.is_file():
            try:
                tags = tree_sitter.Query(grammar(language), path.read_text("utf-8"))
                tags.disable_capture("doc")  # comments, whose number a query's time would grow with the square of
            except tree_sitter.QueryError as error:  # it names nodes of another version of the grammar
                log.info("%s cannot be used: %s", path, error)
    return tags, tree_sitter.Query(grammar(language), ours)


def _tags_of(module: str) -> Iterator[Path]:
    """Where a grammar's package may keep its `tags.scm`; that of C# has a folder beside itself for it."""
    package = Path(str(resources.files(module)))
    yield package / "queries" / "tags.scm"
    beside = "tree_sitter_" + module.removeprefix("tree_sitter_").replace("_", "-")
    if beside != module:
        yield package.with_name(beside) / "queries" / "tags.scm"


class Definers:
    """Which files define a name, by the family of their languages."""

    def __init__(self, defined: Iterable[tuple[str, Iterable[str]]], wanted: frozenset[str] | None = None) -> None:
        """`defined`: by file the names that it defines; `wanted`: only these are looked for; None: all."""
        self._files: dict[str, dict[str, list[str]]] = {}
        for path, names in defined:
            here = self._files.setdefault(family(path), {})
            for name in names if wanted is None else wanted.intersection(names):
                here.setdefault(name, []).append(path)

    def used_by(self, path: str, names: Names) -> frozenset[str]:
        """The files that `path` uses: of each name that it does not define, those that do. Where several define one, those
        of its own folder or of what it imports are meant; a name that still leads to many tells nothing."""
        defining = self._files.get(family(path), {})
        folder, near = posixpath.dirname(path), set(names.near)
        found: set[str] = set()
        for name in names.references:
            files = defining.get(name, ())
            if 1 < len(files) <= MOST_DEFINING:
                files = [one for one in files if _is_near(one, folder, near)] or files
            if len(files) <= MOST_LINKED:
                found.update(files)
        return frozenset(found - {path})


def _is_near(path: str, folder: str, near: Collection[str]) -> bool:
    here, _, name = path.rpartition("/")
    return here == folder or name.partition(".")[0] in near or here.rpartition("/")[2] in near


def family(path: str) -> str:
    """ "" where the file is of none of these languages."""
    return FAMILIES.get(posixpath.splitext(path)[1], "")
