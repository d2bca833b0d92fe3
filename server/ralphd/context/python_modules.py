"""Python files by the names under which they are imported, and where a new test of one belongs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container
from pathlib import PurePosixPath

from ralphd.context.listing import Listing, last_name

SOURCE_ROOTS = ("src", "lib")
"""Folders that are on the import path themselves, by custom."""


def _top(parts: list[str], files: Container[str]) -> int:
    """Index of the topmost package around a file, by its `__init__.py` files; of the file itself where there is none."""
    top = len(parts) - 1
    while top > 0 and "/".join([*parts[:top], "__init__.py"]) in files:
        top -= 1
    return top


def module_names(path: str, files: Container[str]) -> set[str]:
    """The dotted names under which a Python file is imported: from the workspace's root, and from the folder above its
    topmost package (so `src/pkg/mod.py` is `pkg.mod`, and a loose `tools/gen.py` is `gen`)."""
    parts = path.removesuffix(".py").split("/")
    top = _top(parts, files)
    if parts[-1] == "__init__":
        parts.pop()
    return {name for name in (".".join(parts), ".".join(parts[top:])) if name}


class Modules:
    """The Python files of a tree by the dotted names under which they are imported, for the names that are asked for."""

    def __init__(self, files: Listing, names: Collection[str]) -> None:
        """`files`: of any kind."""
        self._known = files.place
        self._by_last: dict[str, list[str]] = {}
        for path in files.named({name.rpartition(".")[2] for name in names}):
            if path.endswith(".py"):
                self._by_last.setdefault(last_name(path), []).append(path)
        self._named: dict[str, dict[str, set[str]]] = {}

    def files(self, name: str) -> set[str]:
        """The files that `import name` may mean."""
        last = name.rpartition(".")[2]
        if last not in self._named:
            named: dict[str, set[str]] = {}
            for path in self._by_last.get(last, ()):
                for one in module_names(path, self._known):
                    named.setdefault(one, set()).add(path)
            self._named[last] = named
        return self._named[last].get(name, set())

    def conftests(self, path: str) -> set[str]:
        """What pytest loads for a file without an import of it: of the file's folder and of the root."""
        return {one for one in (str(PurePosixPath(path).with_name("conftest.py")), "conftest.py") if one in self._known}


def import_path(path: str, files: Container[str]) -> str:
    """The one dotted name by which a test imports the file at `path`."""
    parts = path.removesuffix(".py").split("/")
    top = _top(parts, files)
    if top == len(parts) - 1 and top > 0 and parts[0] not in SOURCE_ROOTS:
        top = 0  # a folder without __init__.py is a namespace package, unless it is a source root
    parts = parts[top:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def new_test_path(path: str, mark: str, files: Collection[str], taken: Collection[str] = ()) -> str:
    """Where a new test file for `path` belongs: beside the tests that the file has, else where most tests are.

    `mark` tells what the tests are for (`test_cart_chaos.py`). The file's name is new in the whole project, for without
    packages pytest wants different names; `taken` are paths that are proposed and not there yet.
    """
    stem = PurePosixPath(path).stem.strip("_") or "module"
    tests = [p for p in map(PurePosixPath, files) if p.suffix == ".py" and p.name.startswith("test_")]
    own = sorted(str(p.parent) for p in tests if p.stem == f"test_{stem}" or p.stem.startswith(f"test_{stem}_"))
    common = Counter(str(p.parent) for p in tests)
    folder = own[0] if own else min(common, key=lambda f: (-common[f], f)) if common else "tests"
    names = {PurePosixPath(p).name for p in (*files, *taken)}
    number, name = 1, f"test_{stem}_{mark}.py"
    while name in names:
        number += 1
        name = f"test_{stem}_{mark}_{number}.py"
    return name if folder == "." else f"{folder}/{name}"
