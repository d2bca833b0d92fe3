"""Which files a JavaScript or TypeScript file names in its imports, as bundlers and runners would find them. Pure.

A name that may mean several files (an alias, a package of the workspace) counts for each: who is told that a test does
not reach a file must be able to believe it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable

from ralphd.core import foreign_json

JAVASCRIPT = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".vue", ".svelte")
_NAMED = re.compile(
    r"(?:\bfrom|\bimport|\brequire(?:\.resolve)?\s{0,9}\(|\bimport\s{0,9}\(|\b[Mm]ock(?:Module)?\s{0,9}\(|\bURL\s{0,9}\()"
    r"\s{0,99}[\"'`]([^\"'`\n]{1,500})[\"'`]"
)


def named_in(text: str) -> set[str]:
    """The specifiers of imports, `require` and mocks in a file, as they are written."""
    return set(_NAMED.findall(text))


class Resolver:
    """Finds the files of a workspace that a specifier may mean."""

    def __init__(self, files: Iterable[str], packages: Iterable[str], read: Callable[[str], str | None]) -> None:
        """`packages`: paths of the package.json files, read with `read` for the names of the workspace's own packages."""
        self._by_stem: dict[str, set[str]] = {}
        self._by_name: dict[str, set[str]] = {}
        self._files = set(files)
        for path in self._files:
            stem = _stem(path)
            self._by_stem.setdefault(stem, set()).add(path)
            if stem.endswith("/index") or stem == "index":
                self._by_stem.setdefault(posixpath.dirname(stem), set()).add(path)
        for stem, paths in self._by_stem.items():
            self._by_name.setdefault(posixpath.basename(stem), set()).update(paths)
        self._folders: dict[str, str] = {}
        self._packages: dict[str, list[str]] = {}
        for path in packages:
            if (name := _package_name(read(path))) and posixpath.dirname(path):
                self._folders[name] = posixpath.dirname(path) + "/"

    def files(self, importer: str, specifier: str) -> set[str]:
        specifier = specifier.split("?", 1)[0]
        if specifier.startswith("."):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(importer), specifier))
            return {path} & self._files or self._by_stem.get(path, set()) | self._by_stem.get(_stem(path), set())
        parts = specifier.split("/")
        own = [self._folders[name] for n in range(1, len(parts) + 1) if (name := "/".join(parts[:n])) in self._folders]
        if own:
            return {path for folder in own for path in self._below(folder)}
        wanted = _stem(specifier.lstrip("@~#/"))
        named = self._by_name.get(posixpath.basename(wanted), set())
        return {path for path in named if _ends_with(_stem(path).removesuffix("/index"), wanted)}

    def _below(self, folder: str) -> list[str]:
        """The files of one of the workspace's own packages; found once, however often it is imported."""
        if folder not in self._packages:
            self._packages[folder] = [path for path in self._files if path.startswith(folder)]
        return self._packages[folder]


def _ends_with(stem: str, wanted: str) -> bool:
    return stem == wanted or stem.endswith("/" + wanted)


def _stem(path: str) -> str:
    begin, dot, end = path.rpartition(".")
    return begin if f"{dot}{end}" in JAVASCRIPT else path


def _package_name(text: str | None) -> str:
    try:
        found = foreign_json.parse(text or "{}")
    except ValueError:
        return ""
    name = found.get("name") if isinstance(found, dict) else None
    return name if isinstance(name, str) else ""
