"""Which files a JavaScript or TypeScript file names in its imports, as bundlers and runners would find them. Pure.

A name that may mean several files (an alias, a package of the workspace) counts for each: who is told that a test does
not reach a file must be able to believe it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping

from ralphd.context.listing import Listing
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

    def __init__(
        self,
        files: Listing,
        packages: Iterable[str],
        specifiers: Mapping[str, Iterable[str]],
        read: Callable[[str], str | None],
    ) -> None:
        """`packages`: the package.json files, which are read with `read` for the names of the workspace's own packages;
        `specifiers`: those that are asked for, by importing file."""
        self._by_stem: dict[str, set[str]] = {}
        self._by_name: dict[str, set[str]] = {}
        self._listing = files
        asked = {name for importer, each in specifiers.items() for one in each for name in _last_names(importer, one)}
        for path in files.named(asked):
            if not path.endswith(JAVASCRIPT):
                continue
            stem = _stem(path)
            self._by_stem.setdefault(stem, set()).add(path)
            if stem.endswith("/index") or stem == "index":
                self._by_stem.setdefault(posixpath.dirname(stem), set()).add(path)
        for stem, own in self._by_stem.items():
            self._by_name.setdefault(posixpath.basename(stem), set()).update(own)
        self._folders: dict[str, str] = {}
        self._packages: dict[str, list[str]] = {}
        for path in (path for path in packages if "/" in path):
            if name := _package_name(read(path)):
                self._folders[name] = posixpath.dirname(path) + "/"

    def files(self, importer: str, specifier: str) -> set[str]:
        path = _meant(importer, specifier)
        if specifier.startswith("."):
            if path.endswith(JAVASCRIPT) and path in self._listing.place:
                return {path}
            return self._by_stem.get(path, set()) | self._by_stem.get(_stem(path), set())
        parts = specifier.split("?", 1)[0].split("/")
        own = [self._folders[name] for n in range(1, len(parts) + 1) if (name := "/".join(parts[:n])) in self._folders]
        if own:
            return {path for folder in own for path in self._below(folder)}
        named = self._by_name.get(posixpath.basename(path), set())
        return {one for one in named if _ends_with(_stem(one).removesuffix("/index"), path)}

    def _below(self, folder: str) -> list[str]:
        """The files of one of the workspace's own packages; found once, however often it is imported."""
        if folder not in self._packages:
            self._packages[folder] = [
                path for path in self._listing.paths if path.startswith(folder) and path.endswith(JAVASCRIPT)
            ]
        return self._packages[folder]


def _meant(importer: str, specifier: str) -> str:
    """A relative specifier as a path of the workspace; of any other the end of one, without what stands for an alias."""
    specifier = specifier.split("?", 1)[0]
    if specifier.startswith("."):
        return posixpath.normpath(posixpath.join(posixpath.dirname(importer), specifier))
    return _stem(specifier.lstrip("@~#/"))


def _last_names(importer: str, specifier: str) -> set[str]:
    """The last names of the files that a specifier may mean."""
    path = _meant(importer, specifier)
    return {posixpath.basename(path), posixpath.basename(_stem(path))}


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
