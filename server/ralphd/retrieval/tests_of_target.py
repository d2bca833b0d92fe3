"""The tests that say what is right for the target: those that fail now, with what they are given, then those that name it.

A test is a function (Python, Go, Rust, Java, …), or a call such as `it("adds", …)` or `test("adds", …)` in a script. Each
is a snippet of its own, so that a long file of tests does not push out everything else.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator

from ralphd.answers.units import code_of
from ralphd.context.file_graph import FileGraph
from ralphd.context.languages import PYTHON, RUST, SCRIPTS, language_of
from ralphd.context.target import Definition, Target, definitions
from ralphd.context.tree import Tree
from ralphd.core.tokens import tokens_of
from ralphd.retrieval.given_to_tests import PREPARE, Given
from ralphd.retrieval.needs import Project
from ralphd.retrieval.script_tests import script_tests
from ralphd.retrieval.snippets import Kind, Snippet
from ralphd.retrieval.test_files import is_test_file

MAX_CHARACTERS = 400_000
MAX_CHARACTERS_RED = 2_000_000
"""A bigger file of tests is data; one in which a test fails is read up to the second limit."""
MOST_SEARCHED = 1000
"""Files of tests, the nearest ones, that are searched for a word where no import leads to any."""
HEAD_ROWS = 3
AROUND = 5
"""Of a test that is too long: the rows at its beginning, and on both sides of a row that names the target."""
_FIXTURE = re.compile(r"@(?:\w+\.)*fixture\b")


def tests_reaching(tree: Tree, target: Target, graph: FileGraph | None = None) -> list[str]:
    """Test files that use the target's file, directly or through others; where that is not known, or there are none, those
    that name its file's stem. Sorted."""
    python = target.path.endswith(".py")
    graph = graph or (FileGraph(tree) if python else None)
    near = sorted(p for p in graph.reaches(target.path) if p != target.path and is_test_file(p)) if graph else []
    if near or python:
        return near
    stem = re.compile(rf"\b{re.escape(posixpath.basename(target.path).split('.')[0])}\b")
    folder = posixpath.dirname(target.path)
    tests = [p for p in tree.paths() if p != target.path and is_test_file(p)]
    tests.sort(key=lambda path: -len(posixpath.commonprefix((folder, path))))
    return sorted(p for p in tests[:MOST_SEARCHED] if stem.search(tree.scan(p) or ""))


def test_snippets(
    tree: Tree, target: Target, failing: Collection[str], graph: FileGraph | None, most: int
) -> list[Snippet]:
    """Most wanted first: failing tests that name the target, other failing ones, passing ones that name it; short ones
    before long ones. A failing one is cut to `most` tokens."""
    short = target.name.rpartition(".")[2]
    naming = re.compile(rf"(?<![\w$]){re.escape(short)}(?![\w$])" if short else r"")
    red = _by_file(failing, target.path)
    unplaced = _of_no_file(tree, failing)
    known = Given(Project(tree, set(tree.paths()), graph.uses if graph is not None else {}, {}), target.path)
    ranked: list[tuple[int, int, list[Snippet]]] = []
    inline = [target.path] if short and language_of(target.path) is RUST else []
    for path in dict.fromkeys([*sorted(red), *inline, *tests_reaching(tree, target, graph)]):
        text = tree.scan(path)
        most_read = MAX_CHARACTERS_RED if path in red else MAX_CHARACTERS
        if text is None or len(text) > most_read or (path not in red and not naming.search(text)):
            continue
        if not short:
            ranked.append((0 if path in red else 2, len(text), [Snippet("tests", path, 0, text)]))
            continue
        for one in _inline_tests(target, text) if path == target.path else _tests_in(path, text):
            fails = not (red.get(path) or unplaced).isdisjoint(one.names)
            names = naming.search(one.text) is not None
            if fails or (names and path != target.path):  # a passing one of its own file stands around the target
                kind: Kind = "failing" if fails else "tests"
                shown_text = _shortened(one.text, naming, most) if fails else one.text
                shown = [Snippet(kind, path, one.row, shown_text, one.inside), *one.given(kind, known)]
                ranked.append((2 - 2 * fails + (not names and fails), len(one.text), shown))
    ranked.sort(key=lambda entry: (*entry[:2], entry[2][0].path, entry[2][0].row))
    return list(dict.fromkeys(snippet for _, _, shown in ranked for snippet in shown))


def _by_file(failing: Iterable[str], target: str) -> dict[str, set[str]]:
    """By test file the names that its failing ids end in: a function, or a script's title. `::` and ` > ` are what runners
    put between the parts of an id."""
    found: dict[str, set[str]] = {}
    for nodeid in failing:
        path, _, named = nodeid.partition("::")
        if named and path != target:
            names = found.setdefault(path, set())
            names.add(re.split(r"::", named.partition("[")[0])[-1])
            names.add(re.split(r"::| > ", named)[-1])
            names.add(named)  # a title may hold such signs
    return found


def _of_no_file(tree: Tree, failing: Iterable[str]) -> set[str]:
    """The words of those failing ids that begin with no file: Go's begin with a package, Rust's with a module, JUnit's with
    a class."""
    places: dict[str, list[str]] = {}
    for nodeid in failing:
        places.setdefault(nodeid.partition("::")[0], []).append(nodeid)
    return {
        word for at, ids in places.items() if tree.scan(at) is None for one in ids for word in re.split(r"\W+", one)
    }


class _Test:
    """One test: its names (a function's; of a call its title and those of the calls around it), text, first row, the first line of the class around it, and what its file gives to it."""

    def __init__(self, names: tuple[str, ...], path: str, row: int, text: str, inside: tuple[int, str] | None = None,
                 fixtures: Iterable[tuple[str, int, str]] = ()) -> None:  # fmt: skip
        self.names, self.path, self.row, self.text, self.inside = names, path, row, text, inside
        self._fixtures = fixtures

    def given(self, kind: Kind, known: Given) -> Iterator[Snippet]:
        """The fixtures that it takes by name, and what prepares its class or one that its class is derived from."""
        found = known.to(self.path, self.names[0], kind) if language_of(self.path) is PYTHON else None
        if found is not None:
            yield from found
            return
        head = re.search(r"def \w+\(([^)]{0,2000})\)", self.text[:3000])
        asked = set(re.findall(r"\w+", head[1])) if head else set()
        mine = {self.names[0].rpartition(".")[0], *re.findall(r"\w+", self.inside[1])} if self.inside else set()
        for name, row, text in self._fixtures:
            owner, _, short = name.rpartition(".")
            if short in asked and (not owner or owner in mine):
                yield Snippet(kind, self.path, row, text)
            elif short in PREPARE and owner in mine:
                yield Snippet(kind, self.path, row, text, self.inside)


def _tests_in(path: str, text: str) -> list[_Test]:
    language = language_of(path)
    if language in SCRIPTS:
        code = code_of(language, text)
        calls = script_tests(code) if code is not None else ()
        return [_Test(one.titles, path, one.row, one.text) for one in calls]
    every = definitions(path, text)
    feeds = [at for at, char in enumerate(text) if char == "\n"]

    def row_of(offset: int) -> int:
        return bisect_left(feeds, offset)

    makers = _makers(every)
    made = [d for d in every if makers[id(d)] and _named_test(d) and not any(map(_named_test, makers[id(d)]))]
    making = {id(maker) for d in made for maker in makers[id(d)]}
    outer = [d for d in every if not _holds(d) and not makers[id(d)] and id(d) not in making]
    functions = sorted([*outer, *made], key=lambda d: d.span)
    fixtures = [(d.name, row_of(d.span[0]), text[slice(*d.span)])
                for d in functions if _FIXTURE.search(text[slice(*d.span)][:300])
                or d.name.rpartition(".")[2] in PREPARE]  # fmt: skip
    holders: dict[str, tuple[int, str]] = {}
    for holder in filter(_holds, every):
        start = text.rfind("\n", 0, holder.span[0]) + 1
        head = text[start : min(holder.span[1], start + 1000)].split("\n", 1)[0]
        holders.setdefault(holder.name, (row_of(start), head))
    found, kept = [], {*fixtures}
    for one in functions or _leaves(every):
        inside = holders.get(one.name.rpartition(".")[0])
        row = row_of(one.span[0])
        if (one.name, row, text[slice(*one.span)]) not in kept:
            names = (one.name, one.name.rpartition(".")[2])
            found.append(_Test(names, path, row, text[slice(*one.span)], inside, fixtures))
    return found


_MARKED_TEST = re.compile(r"#\[(?:\w+::)*(?:test|rstest|test_case)\b")


def _inline_tests(target: Target, text: str) -> list[_Test]:
    """The tests that a Rust file holds itself, those in the target aside: functions below `#[test]`."""
    lines = text.split("\n")
    first, last = text.count("\n", 0, target.span[0]), text.count("\n", 0, target.span[1])
    found = []
    for one in _tests_in(target.path, text):
        above = one.row
        while above and lines[above - 1].lstrip().startswith("#["):
            above -= 1
        outside = one.row > last or one.row + one.text.count("\n") < first
        if outside and any(_MARKED_TEST.search(line) for line in lines[above : one.row + 1]):
            found.append(one)
    return found


def _makers(every: list[Definition]) -> dict[int, list[Definition]]:
    """By id of each definition the functions around it: some make classes of tests. `every`: in order of position, outer
    ones first."""
    found: dict[int, list[Definition]] = {}
    around: list[Definition] = []
    for one in every:
        while around and not _within(one, around[-1]):
            around.pop()
        found[id(one)] = [o for o in around if not _holds(o)]
        around.append(one)
    return found


def _leaves(every: list[Definition]) -> list[Definition]:
    """The definitions that hold no other, in files whose tests are no functions."""
    return [d for n, d in enumerate(every) if n + 1 == len(every) or not _within(every[n + 1], d)]


def _named_test(one: Definition) -> bool:
    return one.name.rpartition(".")[2].startswith("test")


def _holds(one: Definition) -> bool:
    """Whether it is a class or the like, which is shown by its tests."""
    return re.search(r"class|impl|module|namespace|interface|struct|enum", one.kind) is not None


def _within(one: Definition, other: Definition) -> bool:
    return other.span[0] <= one.span[0] and one.span[1] <= other.span[1]


def _shortened(text: str, naming: re.Pattern[str], most: int) -> str:
    """A test that is longer than `most` tokens: its first rows, and those around the rows that name the target."""
    if tokens_of(text) <= most:
        return text
    rows = text.split("\n")
    wanted = [number for number, row in enumerate(rows) if naming.search(row)]
    near = [n + step for step in range(AROUND) for at in wanted for n in (at - step, at + step)][: len(rows) * AROUND]
    order = [*range(HEAD_ROWS), *wanted, *near]
    kept: set[int] = set()
    for number in (n for n in dict.fromkeys(order) if 0 <= n < len(rows)):
        cost = tokens_of(rows[number] + "\n…\n")
        if cost > most:
            break
        most -= cost
        kept.add(number)
    shown = [("" if number - 1 in kept or not number else "…\n") + rows[number] for number in sorted(kept)]
    return "\n".join(shown)
