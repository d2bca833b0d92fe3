"""The files a run may look at, as the shadow copy holds them. Secrets and binary files are not context."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from typing import Protocol

from ralphd.context.javascript_imports import JAVASCRIPT, Resolver, named_in
from ralphd.context.python_modules import module_names
from ralphd.core.encodings import decoded
from ralphd.core.python_source import NOT_UNDERSTOOD
from ralphd.core.text import is_binary

SECRET_PATTERNS = (
    ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "id_rsa*", "id_ed25519*", "id_ecdsa*", "*.keystore", "*.jks",
    ".netrc", ".npmrc", ".pypirc", "credentials", "credentials.*", "secrets.*", "*.kdbx", ".htpasswd", "token", "*.token",
)  # fmt: skip


PARSED_CHARACTERS = 100_000
"""A bigger file's imports are found by a search instead: parsing a megabyte can take five seconds."""


class Tree(Protocol):
    """Read-only view of a snapshot. Paths are relative, with forward slashes, sorted."""

    def paths(self) -> list[str]: ...

    def text(self, path: str) -> str | None:
        """The file as text; None where it is missing, binary, too big or not UTF-8. For what is shown or edited: a
        run's record keeps each text that was asked for here."""

    def scan(self, path: str) -> str | None:
        """As `text`, for analyses that look through many files; the record keeps none of it."""


def is_secret(path: str) -> bool:
    name = posixpath.basename(path).lower()
    return any(fnmatch(name, pattern) for pattern in SECRET_PATTERNS)


def decode(data: bytes | None, limit: int = 1_000_000) -> str | None:
    if data is None or len(data) > limit or is_binary(data):
        return None
    try:
        return decoded(data)
    except UnicodeError:
        return None


class MemoryTree:
    """A tree of texts: for tests, untitled buffers and layers over another tree."""

    def __init__(self, texts: Mapping[str, str], under: Tree | None = None) -> None:
        self._texts, self._under = dict(texts), under

    def paths(self) -> list[str]:
        return sorted({*self._texts, *(self._under.paths() if self._under else ())})

    def text(self, path: str) -> str | None:
        if path in self._texts:
            return self._texts[path]
        return self._under.text(path) if self._under else None

    def scan(self, path: str) -> str | None:
        return self.text(path)


def _imported(path: str, text: str) -> set[str]:
    """Dotted names a Python file imports (also inside functions); relative ones resolved against its folder."""
    try:
        if len(text) > PARSED_CHARACTERS:
            raise ValueError("too big")
        tree = ast.parse(text)
    except NOT_UNDERSTOOD:
        # Blanks only: `\s` would match line ends, and a megabyte of empty lines would then take hours.
        return set(re.findall(r"^[ \t]*(?:from|import)[ \t]+([\w.]+)", text, re.MULTILINE))
    found: set[str] = set()
    package = path.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = package[: len(package) - node.level + 1]
                base = ".".join([*up, *([base] if base else [])])
            found.add(base)
            found.update(f"{base}.{alias.name}" if base else alias.name for alias in node.names)
    return found


class ImportGraph:
    """Which files of a tree import which, directly: Python, JavaScript and TypeScript. Building it reads each of them once."""

    @classmethod
    def of(cls, imports: Mapping[str, Iterable[str]]) -> ImportGraph:
        """A graph that is known already, by file what it imports."""
        graph = cls.__new__(cls)
        graph.imports = {path: set(used) for path, used in imports.items()}
        return graph

    def __init__(self, tree: Tree, paths: Iterable[str] | None = None) -> None:
        names: dict[str, set[str]] = {}
        every = list(paths if paths is not None else tree.paths())
        files = [p for p in every if p.endswith(".py")]
        known = set(files)
        for path in files:
            for name in module_names(path, known):
                names.setdefault(name, set()).add(path)
        self.imports: dict[str, set[str]] = {}
        for path in files:
            text = tree.scan(path)
            used: set[str] = set()
            for name in _imported(path, text) if text else ():
                used |= names.get(name, set())
            folder = posixpath.dirname(path)
            used |= {c for c in (posixpath.join(folder, "conftest.py"), "conftest.py") if c in known and c != path}
            self.imports[path] = used - {path}
        scripts = [p for p in every if p.endswith(JAVASCRIPT)]
        resolver = Resolver(scripts, [p for p in every if posixpath.basename(p) == "package.json"], tree.scan)
        for path in scripts:
            named = named_in(tree.scan(path) or "")
            self.imports[path] = {found for name in named for found in resolver.files(path, name)} - {path}

    def closure(self, paths: Iterable[str]) -> set[str]:
        """`paths` and every file that they import, directly or through others."""
        seen = set(paths)
        todo = list(seen)
        while todo:
            fresh = self.imports.get(todo.pop(), set()) - seen
            seen |= fresh
            todo += fresh
        return seen

    def reaches(self, target: str) -> set[str]:
        """Every file that imports `target`, directly or through others; `target` itself too."""
        users: dict[str, set[str]] = {}
        for path, used in self.imports.items():
            for other in used:
                users.setdefault(other, set()).add(path)
        seen, todo = {target}, [target]
        while todo:
            for user in users.get(todo.pop(), ()):
                if user not in seen:
                    seen.add(user)
                    todo.append(user)
        return seen
