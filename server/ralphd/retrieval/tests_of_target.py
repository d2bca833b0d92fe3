"""The tests that say what is right for the target: those that fail now, with what they are given, then those that name it.

A test is a function (Python, Go, Rust, Java, …), or a call such as `it("adds", …)` or `test("adds", …)` in a script. Each
is a snippet of its own, so that a long file of tests does not push out everything else.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from ralphd.answers.imports import text_of
from ralphd.answers.units import Code, code_of
from ralphd.context.languages import SCRIPTS, language_of
from ralphd.context.target import Definition, Target, definitions
from ralphd.context.tree import ImportGraph, Tree
from ralphd.retrieval.snippets import Kind, Snippet

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_CHARACTERS = 400_000
"""A bigger file of tests is data."""
_TEST_FILE = re.compile(r"(?:^|/)(?:tests?|__tests__|spec)/|(?:^|/)test_[^/]*$|(?:_test|\.test|\.spec|_spec)\.[^/]+$")


def is_test_file(path: str) -> bool:
    return bool(_TEST_FILE.search(path))


def tests_reaching(tree: Tree, target: Target, graph: ImportGraph | None = None) -> list[str]:
    """Test files that import the target's module, or (other languages) name its file's stem. Sorted."""
    tests = [p for p in tree.paths() if is_test_file(p) and p != target.path]
    if target.path.endswith(".py"):
        reach = (graph or ImportGraph(tree)).reaches(target.path)
        return [p for p in tests if p in reach]
    stem = posixpath.basename(target.path).split(".")[0]
    return [p for p in tests if re.search(rf"\b{re.escape(stem)}\b", tree.scan(p) or "")]


def test_snippets(tree: Tree, target: Target, failing: Collection[str], graph: ImportGraph | None) -> list[Snippet]:
    """Most wanted first: failing tests that name the target, other failing ones, passing ones that name it; short ones
    before long ones."""
    short = target.name.rpartition(".")[2]
    naming = re.compile(rf"(?<![\w$]){re.escape(short)}(?![\w$])" if short else r"")
    red = _by_file(failing, target.path)
    ranked: list[tuple[int, int, list[Snippet]]] = []
    for path in dict.fromkeys([*sorted(red), *tests_reaching(tree, target, graph)]):
        text = tree.scan(path)
        if text is None or len(text) > MAX_CHARACTERS or (path not in red and not naming.search(text)):
            continue
        if not short:
            ranked.append((0 if path in red else 2, len(text), [Snippet("tests", path, 0, text)]))
            continue
        for one in _tests_in(path, text):
            fails = one.name.rpartition(".")[2] in red.get(path, ()) or one.name in red.get(path, ())
            names = naming.search(one.text) is not None
            if fails or names:
                kind: Kind = "failing" if fails else "tests"
                shown = [Snippet(kind, path, one.row, one.text, one.inside), *one.given(kind)]
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
    return found


class _Test:
    """One test: its name, text, first row, the first line of the class around it, and what its file gives to it."""

    def __init__(self, name: str, path: str, row: int, text: str, inside: tuple[int, str] | None = None,
                 fixtures: Iterable[tuple[str, int, str]] = ()) -> None:  # fmt: skip
        self.name, self.path, self.row, self.text, self.inside = name, path, row, text, inside
        self._fixtures = fixtures

    def given(self, kind: Kind) -> Iterator[Snippet]:
        """The fixtures that it takes by name."""
        head = re.search(r"def \w+\(([^)]{0,2000})\)", self.text)
        asked = set(re.findall(r"\w+", head[1])) if head else set()
        for name, row, text in self._fixtures:
            if name in asked or (name in ("setUp", "setup_method") and self.inside is not None):
                yield Snippet(kind, self.path, row, text, self.inside if name not in asked else None)


def _tests_in(path: str, text: str) -> list[_Test]:
    language = language_of(path)
    if language in SCRIPTS:
        code = code_of(language, text)
        return list(_calls(path, code)) if code is not None else []
    every = definitions(path, text)
    leaves = [
        d for d in every if not any(o is not d and d.span[0] <= o.span[0] and o.span[1] <= d.span[1] for o in every)
    ]
    leaves = leaves or every
    functions = [
        d for d in every if not _holds(d) and not any(_within(d, o) and not _holds(o) for o in every if o is not d)
    ]
    fixtures = [(d.name.rpartition(".")[2], text.count("\n", 0, d.span[0]), text[slice(*d.span)])
                for d in functions if "fixture" in text[slice(*d.span)][:200]
                or d.name.rpartition(".")[2] in ("setUp", "setup_method")]  # fmt: skip
    found = []
    for one in functions or leaves:
        holder = next((o for o in every if _holds(o) and o.name == one.name.rpartition(".")[0]), None)
        inside = None
        if holder is not None:
            start = text.rfind("\n", 0, holder.span[0]) + 1
            head = text[start : holder.span[1]].split("\n", 1)[0]
            inside = (text.count("\n", 0, start), head)
        row = text.count("\n", 0, one.span[0])
        if (one.name.rpartition(".")[2], row, text[slice(*one.span)]) not in fixtures:
            found.append(_Test(one.name, path, row, text[slice(*one.span)], inside, fixtures))
    return found


def _holds(one: Definition) -> bool:
    """Whether it is a class or the like, which is shown by its tests."""
    return re.search(r"class|impl|module|namespace|interface|struct|enum", one.kind) is not None


def _within(one: Definition, other: Definition) -> bool:
    return other.span[0] <= one.span[0] and one.span[1] <= other.span[1]


_CASE = re.compile(r"(?:\w+\.)?(?:it|test|specify)(?:\.\w+)*$")
_SUITE = re.compile(r"(?:\w+\.)?(?:describe|suite|context)(?:\.\w+)*$")


def _calls(path: str, code: Code) -> Iterator[_Test]:
    """The test calls of a script; each other statement of its top level counts as one without a title."""
    todo: list[tuple[Node, int]] = [(node, 0) for node in reversed(code.root.named_children)]
    while todo:
        node, depth = todo.pop()
        call = node.named_children[0] if node.type == "expression_statement" and node.named_children else None
        called = call.child_by_field_name("function") if call is not None else None
        name = text_of(called)[:80] if called is not None else ""
        arguments = call.child_by_field_name("arguments") if call is not None else None
        if arguments is not None and _SUITE.match(name) and depth < 8:
            bodies = [c.child_by_field_name("body") for c in arguments.named_children]
            todo += [
                (inner, depth + 1) for body in bodies if body is not None for inner in reversed(body.named_children)
            ]
            continue
        row = node.start_point[0] - code.offset
        text = "\n".join(code.rows(row, node.end_point[0] - code.offset))
        if _CASE.match(name):
            title = re.match(r"\(\s*(['\"`])(.{0,300}?)\1", text_of(arguments) if arguments is not None else "")
            yield _Test(title[2] if title else "", path, row, text)
        elif node.type == "expression_statement":
            yield _Test("", path, row, text)
