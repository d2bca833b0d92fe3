"""What proves a candidate right may not be edited by it: the files that the baseline used, and tests by their names."""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Collection

from ralphd.context.file_graph import FileGraph
from ralphd.context.python_modules import SOURCE_ROOTS
from ralphd.context.tree import Tree
from ralphd.core.ignore import IgnoreRules
from ralphd.judging.verdict import TestRun
from ralphd.phases.control_files import fold
from ralphd.phases.reached_scripts import loaded_by_runner, reached
from ralphd.phases.test_material import data_of, is_made_for_tests

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


def is_test_by_name(path: str) -> bool:
    """A test, a snapshot or a runner's configuration in any of the usual languages, whatever folder it lies in."""
    return _TESTS_BY_NAME.ignores(fold(path))


def used_by(baseline: TestRun | None, tree: Tree, graph: FileGraph | None, target: str) -> frozenset[str]:
    """The files that the baseline's verdict rests on, without the target and what the target imports.

    Those are the files that tests were collected from; what only tests import, in their folders or where it is made for
    tests; what the command and the runner's configuration lead to; and the data that tests name.
    """
    if baseline is None:
        return frozenset()
    known = set(tree.paths())
    tests = {name.split("::")[0] for name in baseline.cases} & known
    started = reached(baseline.command, tree, known) | loaded_by_runner(baseline.command, tree, known)
    free, helping = {target}, set[str]()
    if graph is not None:
        free = _used_by_product(graph, free)
        helping = _helping(tests, started, tree, graph, free, target)
    data = data_of(tests | helping, tree, known, free)
    return frozenset((tests | started | helping | data) - free)


def _helping(
    tests: set[str], started: set[str], tree: Tree, graph: FileGraph, free: Collection[str], target: str
) -> set[str]:
    """What nothing but tests and `started` imports: in the tests' own folders all of it, elsewhere what is made for tests."""
    folders = {posixpath.dirname(path) for path in tests} - {posixpath.dirname(target)}
    imported = graph.closure(tests | started)
    of_tests = tests | started | {path for path in graph.uses if _beside_tests(path)}
    found = {path for path in graph.closure(tests) if posixpath.dirname(path) in folders}
    for _ in range(_LAYERS):
        product = set().union(*(used for path, used in graph.uses.items() if path not in of_tests))
        more = {path for path in imported - product - of_tests - set(free) if is_made_for_tests(path, tree, graph)}
        if not more:
            break
        of_tests |= more
        found |= more
    return found - _used_by_product(graph, set(graph.uses) - found - of_tests)


def _used_by_product(graph: FileGraph, paths: Collection[str]) -> set[str]:
    """The closure of `paths` but through conftest.py, which pytest loads for each file and none imports."""
    seen = set(paths)
    todo = list(seen)
    while todo:
        fresh = {path for path in graph.uses.get(todo.pop(), ()) if posixpath.basename(path) != "conftest.py"} - seen
        seen |= fresh
        todo += fresh
    return seen


_LAYERS = 3
"""So deep helpers of tests are followed that only other helpers import."""


def _beside_tests(path: str) -> bool:
    return posixpath.basename(path) == "conftest.py" or is_test_by_name(path)


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


def own_tests_of(baseline: TestRun | None, tree: Tree, target: str) -> frozenset[str]:
    """The names of the classes and functions in a Python target that the baseline ran as tests; `__main__` where the
    command runs the file itself. An example in a docstring has a name of one part, which is no test's."""
    if baseline is None or not target.endswith(".py"):
        return frozenset()
    parts = [name.split("::")[1:] for name in baseline.cases if name.split("::")[0] == target]
    names = {one[0].split("[")[0] for one in parts if len(one) > 1 or (one and one[0].startswith("test"))}
    module = target.removesuffix(".py").replace("/", ".")
    runs = {module, *(module.removeprefix(f"{root}.") for root in SOURCE_ROOTS)} & set(baseline.command)
    if runs or target in reached(baseline.command, tree, set(tree.paths())):
        names.add("__main__")
    return frozenset(names)


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
