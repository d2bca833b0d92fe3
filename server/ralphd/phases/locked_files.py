"""What proves a candidate right may not be edited by it: the files that the baseline used, and tests by their names."""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Collection, Sequence

from ralphd.context.file_graph import FileGraph
from ralphd.context.tree import Tree, is_secret
from ralphd.core.ignore import IgnoreRules
from ralphd.judging.verdict import TestRun
from ralphd.phases.control_files import fold

_TESTS_BY_NAME = IgnoreRules(
    fold(name)
    for name in (
        "test tests __test__ __tests__ /spec **/spec/**/*.rb __snapshots__ *.snap testdata"
        " *.test.* *.spec.* *.cy.* *_test.* *_tests.* *_spec.rb *_spec.lua *.feature *.bats *.t test.rs tests.rs *Test.java"
        " *Tests.java *Test.kt *Tests.kt *Test.scala *Spec.scala *Test.php *Test.cs *Tests.cs *Tests.swift jest.config.* vitest.config.* vitest.workspace.* .mocharc* ava.config.* karma.conf.* .pytest.ini pytest.toml"
    ).split()
)
_RUNNERS = frozenset({"pytest", "_pytest", "pluggy", "py", "iniconfig", "nose", "nose2", "django", "xdist"})
_CONFIGURATION = frozenset(
    {"pyproject.toml", "pytest.ini", "setup.cfg", "tox.ini", "noxfile.py", "Makefile", "conftest.py"}
)
_WORD = re.compile(r"[\w./-]{3,200}")
_LONGEST_SCRIPT = 20_000


def is_test_by_name(path: str) -> bool:
    """A test, a snapshot or a runner's configuration in any of the usual languages, whatever folder it lies in."""
    return _TESTS_BY_NAME.ignores(fold(path))


def used_by(baseline: TestRun | None, tree: Tree, graph: FileGraph | None, target: str) -> frozenset[str]:
    """The files that the baseline's verdict rests on, without the target and what the target imports.

    Those are the files that tests were collected from; in their folders, what only they import; and the scripts that the
    command names, directly or in a script that it starts; and snapshots and data files that a test names.
    """
    if baseline is None:
        return frozenset()
    known = set(tree.paths())
    tests = {name.split("::")[0] for name in baseline.cases} & known
    locked = set(tests)
    free = {target}
    if graph is not None:
        free = graph.closure(free)
        folders = {posixpath.dirname(path) for path in tests} - {posixpath.dirname(target)}
        near = {path for path in graph.closure(tests) if posixpath.dirname(path) in folders}
        outside = graph.closure(set(graph.uses) - near)
        locked |= near - outside
    locked |= _scripts(baseline.command, tree, known)
    locked |= _data(tests, tree, known, free)
    return frozenset(locked - free)


_DATA = re.compile(r"[\w./-]{1,200}\.(?:json|jsonl|csv|tsv|txt|ya?ml|toml|xml|html|sql|golden|snap|ambr)\b")


def _data(tests: Collection[str], tree: Tree, known: Collection[str], free: Collection[str]) -> set[str]:
    """Data files that a test names and no file of the product does, and the snapshots of test files."""
    by_name: dict[str, list[str]] = {}
    for path in known:
        by_name.setdefault(posixpath.basename(path), []).append(path)
    product = " ".join(tree.text(path) or "" for path in sorted(free) if not is_secret(path))
    found = {path for path in known if "__snapshots__" in path.split("/") and path.endswith((".snap", ".ambr"))}
    for test in tests:
        for name in {posixpath.basename(word) for word in _DATA.findall(tree.text(test) or "")}:
            if name not in product:
                found.update(by_name.get(name, ()))
    return found


def runs_doctests(baseline: TestRun | None, tree: Tree, target: str) -> bool:
    """Whether the tests run the examples in docstrings of the target: as tests of its own file, or by a word of the
    command, the runner's configuration or a test."""
    if baseline is None:
        return False
    files = {name.split("::")[0] for name in baseline.cases}
    if target.endswith(".rs"):
        places = (name.partition(" - ")[0] for name in baseline.cases if " (example " in name)
        return any(target == place or target.endswith(f"/{place}") for place in places)
    if target in files or any("doctest" in word for word in baseline.command):
        return True
    named = {posixpath.normpath(word) for word in baseline.command}
    return any("doctest" in (tree.text(path) or "") for path in (files | named | _CONFIGURATION) & set(tree.paths()))


def _scripts(argv: Sequence[str], tree: Tree, known: Collection[str]) -> set[str]:
    named = {posixpath.normpath(word) for word in argv} & set(known)
    inside: set[str] = set()
    for path in named:
        text = tree.text(path) or ""
        if not path.endswith(".py") and len(text) <= _LONGEST_SCRIPT:
            inside |= {posixpath.normpath(word) for word in _WORD.findall(text)} & set(known)
    return named | inside


def shadows(path: str, used: Collection[str], target: str) -> bool:
    """Whether a new file would stand in for the runner, the standard library or the target, or be loaded by the runner."""
    name = fold(path)
    top = name.split("/")[0].removesuffix(".py")
    folder, base = posixpath.split(name)
    beside_tests = folder in {posixpath.dirname(fold(test)) for test in used}
    if name.startswith(fold(target).removesuffix(".py") + "/"):
        return True
    if top in _RUNNERS:
        return True
    if not base.endswith(".py") or not (beside_tests or folder in ("", "src")):
        return False
    return (base == "__init__.py" and beside_tests) or base.removesuffix(".py") in _RUNNERS | sys.stdlib_module_names
