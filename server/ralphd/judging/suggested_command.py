"""The test command that a project plainly uses: offered in words, never run unasked. Pure but for reading the tree."""

from __future__ import annotations

import posixpath
import re

from ralphd.context.javascript_imports import JAVASCRIPT
from ralphd.context.tree import Tree

PYTEST = ("python", "-m", "pytest", "-q")
_NODE_LOCKS = (("pnpm-lock.yaml", "pnpm"), ("pnpm-workspace.yaml", "pnpm"), ("yarn.lock", "yarn"), ("bun.lock", "bun"))
_MAKE_TEST = re.compile(r"^(test|check)[ \t]*:(?!=)", re.MULTILINE)


def suggest_command(tree: Tree, folder: str = "", target: str = "") -> tuple[str, ...] | None:
    """For the package in `folder` of the tree, and for the language of the file `target` where that is given."""
    package = _Package(tree, folder)
    kinds = [package.python, package.node, package.by_manifest]
    if target.endswith(JAVASCRIPT):
        kinds = [package.node, package.by_manifest, package.python]
    return next((found for kind in (*kinds, package.make) if (found := kind())), None)


class _Package:
    def __init__(self, tree: Tree, folder: str) -> None:
        self._tree, self._folder = tree, folder
        self._all = set(tree.paths())
        prefix = f"{folder}/" if folder else ""
        self._names = {path.removeprefix(prefix) for path in self._all if path.startswith(prefix)}

    def _text(self, name: str) -> str:
        return self._tree.text(posixpath.join(self._folder, name)) or "" if name in self._names else ""

    def python(self) -> tuple[str, ...] | None:
        config = "".join(self._text(name) for name in ("pyproject.toml", "setup.cfg", "tox.ini"))
        pytest = (
            bool({"pytest.ini", "conftest.py"} & self._names) or "[tool.pytest" in config or "[tool:pytest]" in config
        )
        if "manage.py" in self._names and not pytest and "DJANGO_SETTINGS_MODULE" in self._text("manage.py"):
            return ("python", "manage.py", "test")
        base = (posixpath.basename(name) for name in self._names if name.endswith(".py"))
        if pytest or any(name.startswith("test_") or name.endswith("_test.py") for name in base):
            return PYTEST
        if "[testenv" in config or "[tool.tox" in config:
            return ("tox",)
        return ("nox",) if "noxfile.py" in self._names else None

    def node(self) -> tuple[str, ...] | None:
        if not re.search(r'"test"\s*:\s*"(?!echo \\"Error: no test specified)', self._text("package.json")):
            return None
        folder = self._folder
        while True:
            for lock, program in _NODE_LOCKS:
                if posixpath.join(folder, lock) in self._all:
                    return (program, "run", "test") if program == "bun" else (program, "test")
            if not folder:
                return ("npm", "test")
            folder = posixpath.dirname(folder)

    def by_manifest(self) -> tuple[str, ...] | None:
        if "Cargo.toml" in self._names:
            return ("cargo", "test")
        return ("go", "test", "./...") if "go.mod" in self._names else None

    def make(self) -> tuple[str, ...] | None:
        for name in ("Makefile", "makefile", "GNUmakefile"):
            if found := _MAKE_TEST.search(self._text(name)):
                return ("make", found[1])
        return None
