"""The files that a test command reaches beside the tests: scripts, one from another, and what the runner's configuration
loads. Pure."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Sequence

from ralphd.context.file_graph import BY_IMPORTS
from ralphd.context.tree import Tree
from ralphd.core import foreign_json

_WORD = re.compile(r"[\w./-]{3,200}")
_LONGEST_SCRIPT = 20_000
_MOST_SCRIPTS = 50
_INTERPRETER = re.compile(
    r"(?:python|pypy|node|nodejs|deno|bun|tsx|ts-node|ruby|perl|php|sh|bash|zsh|dash|ksh|source|exec|\.)[\d.]*$"
    r"|\$[({]\w*(?:PY|NODE|SH|BUN)\w*[)}]$",
    re.IGNORECASE,
)
"""A word of a command that runs the files which the command names. A compiler or a linter reads them: those stay free."""
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
_RULE = re.compile(r"^([\w.%/ -]{1,200}?)\s*::?(?!=)([^\n]{0,2000})\n((?:\t[^\n]*\n|[ ]*\n)*)", re.MULTILINE)
_RUNS_SCRIPTS = frozenset({"npm", "pnpm", "yarn", "bun", "npm-run-all", "run-s", "run-p"})
_SHORT = {"t": "test", "tst": "test"}


def reached(argv: Sequence[str], tree: Tree, known: set[str]) -> set[str]:
    """The files that the command names, and those that they name in turn: a recipe of make that it asks for, a script of
    package.json, a shell script and what that calls."""
    walk = _Walk(tree, known)
    walk.found |= walk.files(" ".join(argv).replace("=", " "), "")
    walk.launchers(" ".join(argv), "")
    for path in list(walk.found):
        walk.script(path)
    return walk.found


class _Walk:
    def __init__(self, tree: Tree, known: set[str]) -> None:
        self.tree, self.known = tree, known
        self.found: set[str] = set()
        self._read: set[str] = set()
        self._parts: set[tuple[str, str]] = set()
        """Recipes and scripts of package.json that were read: file and name."""

    def files(self, text: str, folder: str) -> set[str]:
        """The files of the project that words of the text name, from the root or from `folder`."""
        named: set[str] = set()
        for word in _WORD.findall(text):
            places = (posixpath.normpath(posixpath.join(base, word.lstrip("/"))) for base in ("", folder))
            named.update(place for place in places if place in self.known)
        return named

    def script(self, path: str) -> None:
        """What a script names; the imports of a program in Python or JavaScript are followed elsewhere."""
        if path in self._read or len(self._read) >= _MOST_SCRIPTS or path.endswith(BY_IMPORTS):
            return
        self._read.add(path)
        base = posixpath.basename(path)
        text = self.tree.text(path) or ""
        if base in _MAKEFILES or base == "package.json" or len(text) > _LONGEST_SCRIPT:
            return  # only the part of it that is asked for runs
        folder = posixpath.dirname(path)
        self._add(self.files(text, folder))
        self.launchers(text, folder)

    def launchers(self, text: str, folder: str) -> None:
        """What the commands in the text start through make or a script of package.json."""
        words = [_SHORT.get(word, word) for word in re.findall(r"[\w./:@%-]{1,200}", text)]
        folders = {posixpath.normpath(posixpath.join(folder, word)) for word in ("", *words)}
        programs = {posixpath.basename(word) for word in words}
        if programs & {"make", "gmake"}:
            for path in self._in(folders, _MAKEFILES):
                self._makefile(path, words)
        if programs & _RUNS_SCRIPTS:
            for path in self._in(folders, ("package.json",)):
                self._package(path, words)

    def _in(self, folders: Iterable[str], names: Iterable[str]) -> list[str]:
        paths = {posixpath.normpath(posixpath.join(folder, name)) for folder in folders for name in names}
        return sorted(paths & self.known)

    def _makefile(self, path: str, words: Sequence[str]) -> None:
        rules: dict[str, tuple[list[str], str]] = {}
        for names, needed, recipe in _RULE.findall((self.tree.text(path) or "") + "\n"):
            for name in names.split():
                rules.setdefault(name, (needed.split(), recipe))
        default = [name for name in rules if not name.startswith(".")][:1]
        todo = [word for word in words if word in rules] or default
        for name in todo:
            if (path, name) in self._parts:
                continue
            self._parts.add((path, name))
            needed, recipe = rules[name]
            todo += [one for one in needed if one in rules]
            self._commands(recipe, posixpath.dirname(path))

    def _package(self, path: str, words: Sequence[str]) -> None:
        scripts = (foreign_json.object_in(self.tree.text(path)) or {}).get("scripts")
        if not isinstance(scripts, dict):
            return
        for word in words:
            for name in (f"pre{word}", word, f"post{word}"):
                if isinstance(text := scripts.get(name), str) and (path, name) not in self._parts:
                    self._parts.add((path, name))
                    self._commands(text, posixpath.dirname(path))

    def _commands(self, text: str, folder: str) -> None:
        for command in re.split(r"[;&|\n]+", text):
            words = command.replace('"', " ").replace("'", " ").split()
            if any(_INTERPRETER.match(posixpath.basename(word).lstrip("@-") or word) for word in words):
                self._add(self.files(command, folder))
            elif words:
                self._add(self.files(words[0].lstrip("@-"), folder))
        self.launchers(text, folder)

    def _add(self, paths: Iterable[str]) -> None:
        for path in paths:
            self.found.add(path)
            self.script(path)


_SETUP = re.compile(
    r"[\"']?\b(?:setupFiles|setupFilesAfterEnv|setupTestFrameworkScriptFile|globalSetup|globalTeardown|testEnvironment|runner"
    r"|snapshotSerializers|reporters|require|import|file)[\"']?\s{0,8}[:=]\s{0,8}(\[[^\]]{0,4000}\]|\"[^\"]{0,400}\"|'[^']{0,400}')"
)
"""Keys of the configuration of jest, vitest, mocha and ava that name code to load."""
_CONFIGURED = re.compile(
    r"(?:(?:jest|vitest|vite|ava)\.config\.\w{2,4}|vitest\.workspace\.\w{2,4}|\.mocharc(?:\.\w{2,4})?)$"
)
_OF_PYTEST = ("pytest.ini", ".pytest.ini", "pytest.toml", "pyproject.toml", "setup.cfg", "tox.ini")
_ADDOPTS = re.compile(r"\baddopts\s{0,8}=([^\n]{0,2000}(?:\n[ \t\]][^\n]{0,2000}){0,40})")
_PLUGIN_OPTION = re.compile(r"(?<![\w-])-p[\s\"',=]{0,40}([A-Za-z_][\w.]{0,200})(?![\w.:])")
_PLUGIN_NAMES = re.compile(r"\bpytest_plugins\b[^=\n]{0,80}=\s{0,8}([\[(][^\])]{0,4000}|[^\n]{0,400})")


def loaded_by_runner(argv: Sequence[str], tree: Tree, known: set[str]) -> set[str]:
    """The files that a runner's configuration has it load: plugins of pytest, set-up files of jest, vitest, mocha and ava."""
    walk = _Walk(tree, known)
    modules = set(_PLUGIN_OPTION.findall(" ".join(argv)))
    for path in sorted(known):
        base = posixpath.basename(path)
        if base == "conftest.py":
            for names in _PLUGIN_NAMES.findall(tree.text(path) or ""):
                modules.update(re.findall(r"[\"']([\w.]{1,200})[\"']", names))
        elif base in _OF_PYTEST:
            for options in _ADDOPTS.findall(tree.text(path) or ""):
                modules.update(_PLUGIN_OPTION.findall(options))
        elif base == "package.json" or _CONFIGURED.match(base):
            text = tree.text(path) or ""
            if base == "package.json":
                package = foreign_json.object_in(text) or {}
                text = json.dumps({key: package[key] for key in ("jest", "vitest", "mocha", "ava") if key in package})
            for value in _SETUP.findall(text):
                walk.found |= walk.files(value, posixpath.dirname(path))
    ends = tuple(f"/{module.replace('.', '/')}{end}" for module in modules for end in (".py", "/__init__.py"))
    return walk.found | {path for path in known if f"/{path}".endswith(ends)}
