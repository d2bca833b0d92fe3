"""What a Python test is given: fixtures, also of conftest files and of other fixtures, the values that it is run with, its
class's setUp, and the helpers and constants of test files that it names."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from ralphd.retrieval.needs import Project
from ralphd.retrieval.snippets import Kind, Snippet, shown
from ralphd.retrieval.symbols import SourceFile, Symbol, uses_of
from ralphd.retrieval.test_files import is_test_file

MOST: Mapping[Kind, int] = {"failing": 16, "tests": 4}
"""Things that are shown for one test, the nearest first."""
PREPARE = ("setUp", "setUpClass", "setup_method", "setup_class", "asyncSetUp", "setUpTestData")
_FIXTURE = re.compile(r"@(?:\w+\.)*fixture\b(?:\(([^\n]{0,300}))?")
_CALLED = re.compile(r"\bname\s*=\s*['\"](\w+)['\"]")
_AUTOUSE = re.compile(r"\bautouse\s*=\s*True")
_USED = re.compile(r"usefixtures\(([^)]{0,500})\)")
_PARAMETERS = re.compile(r"def \w+\(([^)]{0,2000})\)")

Place = tuple[SourceFile, Symbol]
Fixture = tuple[str, bool, Place]
"""Its name for tests, whether every test has it, and where it is."""


class Given:
    """What the tests of a project are given. What stands in the file `target` is none of it: the target's needs say that."""

    def __init__(self, project: Project, target: str) -> None:
        self._project, self._target = project, target
        self._fixtures: dict[str, list[Fixture]] = {}

    def to(self, path: str, test: str, kind: Kind) -> list[Snippet] | None:
        """For the test of the qualified name `test` in the file `path`; None where it is not found there."""
        file = self._project.file(path)
        symbol = file.symbols.get(test) if file is not None else None
        if file is None or symbol is None:
            return None
        if path not in self._fixtures:
            self._fixtures[path] = list(_fixtures(self._project, file))
        fixtures = self._fixtures[path]
        todo: list[Place] = [(file, symbol)]
        unasked = list(_unasked(self._project, file, symbol, fixtures))
        seen = {(path, test)}
        found: list[Snippet] = []
        while todo and len(found) < MOST[kind]:
            home, one = todo.pop(0)
            for place in (*_asked(self._project, home, one, fixtures), *unasked):
                key = (place[1].path, place[1].name)
                if key not in seen and place[1].path != self._target and not _around(place[1], one):
                    seen.add(key)
                    todo.append(place)
                    found.append(shown(kind, *place))
            unasked = []
        return found[: MOST[kind]]


def _around(outer: Symbol, inner: Symbol) -> bool:
    return outer.path == inner.path and outer.start <= inner.start and inner.last <= outer.last


def _fixtures(project: Project, file: SourceFile) -> Iterator[Fixture]:
    """The file's own, then those of the conftest files from its folder up."""
    folder = posixpath.dirname(file.path)
    homes: list[SourceFile | None] = [file, project.file(posixpath.join(folder, "conftest.py"))]
    while folder:
        folder = posixpath.dirname(folder)
        homes.append(project.file(posixpath.join(folder, "conftest.py")))
    for home in filter(None, homes):
        for symbol in home.symbols.values():
            marked = _FIXTURE.search(home.signature(symbol)) if symbol.kind == "definition" else None
            if marked is not None:
                called = _CALLED.search(marked[1] or "")
                yield called[1] if called else symbol.short, bool(_AUTOUSE.search(marked[1] or "")), (home, symbol)


def _asked(project: Project, file: SourceFile, symbol: Symbol, fixtures: list[Fixture]) -> Iterator[Place]:
    """What a test, a fixture or a helper names: fixtures by its parameters, the rest by name."""
    assert file.code is not None
    text = file.rows(symbol.first, symbol.last)
    head = _PARAMETERS.search(text[:3000]) if symbol.kind == "definition" else None
    wanted = set(re.findall(r"\w+", " ".join([head[1] if head else "", *_USED.findall(text[:3000])])))
    for name in sorted(wanted):
        fitting = (place for called, _, place in fixtures if called == name and place[1] is not symbol)
        near = next((p for p in fitting if p[1].owner in ("", symbol.owner)), None)
        if near is not None:
            yield near
    uses = uses_of(file.code, symbol.first, symbol.last)
    named = [project.resolve(file, name) for name in sorted(uses.names)]
    if symbol.owner:
        named += [project.inherited(file, symbol.owner, name) for held, name in sorted(uses.members)
                  if held in ("self", "cls", symbol.owner)]  # fmt: skip
    for one in named:
        home = project.file(one.path) if one is not None and (one.path == file.path or is_test_file(one.path)) else None
        if one is not None and home is not None and not one.short.startswith(("test", "Test")):
            yield home, one


def _unasked(project: Project, file: SourceFile, test: Symbol, fixtures: list[Fixture]) -> Iterator[Place]:
    """What the test gets without naming it: what prepares its class, and fixtures that every test has."""
    for name in PREPARE if test.owner else ():
        above = project.inherited(file, test.owner, name)
        home = project.file(above.path) if above is not None else None
        if above is not None and home is not None:
            yield home, above
    around = file.symbols.get(test.owner)
    marks = " ".join(_USED.findall(file.signature(around))) if around is not None else ""
    for called, everywhere, place in fixtures:
        if (everywhere or called in re.findall(r"\w+", marks)) and place[1].owner in ("", test.owner):
            yield place
