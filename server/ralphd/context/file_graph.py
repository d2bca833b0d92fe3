"""Which files of a tree use which: by imports, where an import says which file it means, else by names. Pure.

Python, JavaScript and TypeScript are followed by their imports; Go, Rust, Java, C, C++, C#, Ruby and PHP by what each file
defines and names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import Protocol

from ralphd.context.javascript_imports import JAVASCRIPT, Resolver
from ralphd.context.javascript_imports import named_in as specifiers_in
from ralphd.context.listing import Listing
from ralphd.context.names import BY_NAMES, NONE, Definers, Names, names_in
from ralphd.context.python_modules import Modules
from ralphd.context.tree import Tree, is_secret
from ralphd.core.python_source import NOT_UNDERSTOOD, parsed

PARSED_CHARACTERS = 100_000
"""A bigger file's imports are found by a search instead: parsing a megabyte can take five seconds."""

Named = list[tuple[int, str, list[str]]]
"""What a file's imports name, as they stand there: (dots before a relative module, module, names of it). For a script the
module is the specifier. The same for equal bytes, wherever the file is."""


Content = Named | Names
"""What is known of a content: its imports, where they say which files they mean; else the names that it defines and uses."""


def nothing_in(path: str) -> Content:
    """Of a file that cannot be read."""
    return NONE if path.endswith(BY_NAMES) else []


def content_of(path: str, text: str) -> Content:
    if path.endswith(BY_NAMES):
        return NONE if is_secret(path) else names_in(path, text)
    return named_in(path, text)


def named_in(path: str, text: str) -> Named:
    """What the imports of a Python file or a script name (also inside functions)."""
    if not path.endswith(".py"):
        return [(0, specifier, []) for specifier in sorted(specifiers_in(text))]
    try:
        if len(text) > PARSED_CHARACTERS:
            raise ValueError("too big")
        tree = parsed(text)
    except NOT_UNDERSTOOD:
        # Blanks only: `\s` would match line ends, and a megabyte of empty lines would then take hours.
        found = sorted(set(re.findall(r"^[ \t]*(?:from|import)[ \t]+([\w.]+)", text, re.MULTILINE)))
        return [(0, module, []) for module in found]
    named: Named = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named += [(0, alias.name, []) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            named.append((node.level, node.module or "", [alias.name for alias in node.names]))
    return named


def _dotted(path: str, named: Named) -> Iterator[str]:
    """The dotted names that a Python file imports; relative ones resolved against its folder."""
    package = path.split("/")[:-1]
    for level, module, names in named:
        base = module
        if level:
            up = package[: len(package) - level + 1]
            base = ".".join([*up, *([module] if module else [])])
        yield base
        yield from (f"{base}.{name}" if base else name for name in names)


def packages_in(paths: Iterable[str]) -> list[str]:
    """The package.json files."""
    return [path for path in paths if path.endswith("package.json") and path.rpartition("/")[2] == "package.json"]


BY_IMPORTS = (".py", *JAVASCRIPT)
_FOLLOWED = frozenset({*BY_IMPORTS, *BY_NAMES})
NOTHING: frozenset[str] = frozenset()
"""What most files of a big project use of it; one object for all of them."""


class KnownUses(Protocol):
    """The graph of the same files as it was kept."""

    paths: Sequence[str]

    def uses(self, path: str) -> frozenset[str]:
        """Raises `KeyError` for a file that is none of `paths`."""

    def users(self, path: str) -> Sequence[str]: ...


class _Uses(Mapping[str, frozenset[str]]):
    """What was known, but for the files of `rows`. A row is made when it is asked for: most of a big project's never are."""

    def __init__(self, known: KnownUses, rows: Mapping[str, frozenset[str]]) -> None:
        self._known, self._rows = known, rows

    def __getitem__(self, path: str) -> frozenset[str]:
        return self._rows[path] if path in self._rows else self._known.uses(path)

    def __iter__(self) -> Iterator[str]:
        return iter(self._known.paths)

    def __len__(self) -> int:
        return len(self._known.paths)


class FileGraph:
    """Which files of a tree use which, directly. Python, JavaScript and TypeScript: those that they import. Other languages:
    those that define the names that they use. Building it reads each of them once."""

    uses: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, uses: Mapping[str, Iterable[str]]) -> FileGraph:
        """A graph that is known already, by file what it uses."""
        graph = cls.__new__(cls)
        graph._rows = {path: frozenset(used) for path, used in uses.items()}
        graph.uses, graph._known = graph._rows, None
        return graph

    @staticmethod
    def followed(paths: Iterable[str]) -> list[str]:
        """Those files of which it is known which others they use."""
        return [path for path in paths if path[path.rfind(".") :] in _FOLLOWED]

    @staticmethod
    def proves(path: str) -> bool:
        """Whether what uses this file is known from imports: names lead to more files than are used, and to fewer."""
        return path.endswith(BY_IMPORTS)

    def __init__(
        self,
        tree: Tree,
        files: Listing | None = None,
        packages: Iterable[str] | None = None,
        *,
        content: Callable[[str], Content] | None = None,
        known: KnownUses | None = None,
        fresh: Iterable[str] | None = None,
        defined: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """`files`: those of `tree` that are `followed`, and `packages` its package.json files, where they are known; `content`: what is known of a file's content already; else each file is read. `known`: the graph but for the files
        `fresh`; `defined`: which names the others define, for those that names lead from."""
        content = content or (lambda path: content_of(path, text) if (text := tree.scan(path)) else nothing_in(path))
        files = Listing(self.followed(tree.paths())) if files is None else files
        packages = packages_in(tree.paths()) if packages is None else packages
        fresh = files.paths if fresh is None else list(fresh)
        self._known = known
        self._rows = {
            **_python([p for p in fresh if p.endswith(".py")], files, content),
            **_scripts([p for p in fresh if p.endswith(JAVASCRIPT)], files, packages, content, tree),
            **_by_names([p for p in fresh if p.endswith(BY_NAMES)], content, defined),
        }
        self.uses = self._rows if known is None else _Uses(known, self._rows)

    @cached_property
    def _users(self) -> Mapping[str, Sequence[str]]:
        """By file those of `_rows` that use it."""
        users: dict[str, list[str]] = {}
        for path, used in self._rows.items():
            for other in used:
                users.setdefault(other, []).append(path)
        return users

    def users(self, path: str) -> list[str]:
        """The files that use `path` directly."""
        known = self._known.users(path) if self._known is not None else ()
        return [*(user for user in known if user not in self._rows), *self._users.get(path, ())]

    def closure(self, paths: Iterable[str]) -> set[str]:
        """`paths` and every file that they use, directly or through others."""
        seen = set(paths)
        todo = list(seen)
        while todo:
            fresh = self.uses.get(todo.pop(), NOTHING) - seen
            seen |= fresh
            todo += fresh
        return seen

    def reaches(self, target: str) -> set[str]:
        """Every file that uses `target`, directly or through others; `target` itself too."""
        seen, todo = {target}, [target]
        while todo:
            for user in self.users(todo.pop()):
                if user not in seen:
                    seen.add(user)
                    todo.append(user)
        return seen


def _python(fresh: Sequence[str], files: Listing, content: Callable[[str], Content]) -> dict[str, frozenset[str]]:
    if not fresh:
        return {}  # most runs of a big project: no file is looked for in the listing
    dotted = {path: list(_dotted(path, _imports(content(path)))) for path in fresh}
    modules = Modules(files, {name for names in dotted.values() for name in names})
    found = {}
    for path, names in dotted.items():
        used = {file for name in names for file in modules.files(name)} | modules.conftests(path)
        found[path] = frozenset(used - {path}) or NOTHING
    return found


def _scripts(
    fresh: Sequence[str],
    files: Listing,
    packages: Iterable[str],
    content: Callable[[str], Content],
    tree: Tree,
) -> dict[str, frozenset[str]]:
    if not fresh:
        return {}
    specifiers = {path: [specifier for _, specifier, _ in _imports(content(path))] for path in fresh}
    resolver = Resolver(files, packages, specifiers, tree.scan)
    found = {}
    for path, named in specifiers.items():
        reached = {file for specifier in named for file in resolver.files(path, specifier)}
        found[path] = frozenset(reached - {path}) or NOTHING
    return found


def _by_names(
    fresh: Sequence[str], content: Callable[[str], Content], defined: Mapping[str, Iterable[str]] | None
) -> dict[str, frozenset[str]]:
    """`defined`: the names of the files that are not `fresh`."""
    names = {path: _names(content(path)) for path in fresh}
    wanted = frozenset().union(*(one.references for one in names.values())) if defined else None
    new = ((path, one.defines) for path, one in names.items())
    definers = Definers(chain(new, (defined or {}).items()), wanted)
    return {path: definers.used_by(path, one) or NOTHING for path, one in names.items()}


def _imports(content: Content) -> Named:
    return content if isinstance(content, list) else []


def _names(content: Content) -> Names:
    return content if isinstance(content, Names) else NONE
