"""What tests are made of beside themselves: modules that help them, and the data that they name. Pure."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Collection, Iterable

from ralphd.context.file_graph import BY_IMPORTS, FileGraph
from ralphd.context.names import BY_NAMES
from ralphd.context.tree import Tree, is_secret
from ralphd.core.python_source import NOT_UNDERSTOOD, parsed

_TEST_LIBRARIES = frozenset({"pytest", "unittest", "hypothesis", "doctest"})
_JAVASCRIPT_TESTS = re.compile(
    r"""["'](?:node:)?(?:assert(?:/strict)?|test|chai|vitest|@jest/globals|ava|tape)["']|\bexpect(?:\(|\.extend\b)"""
)


def is_made_for_tests(path: str, tree: Tree, graph: FileGraph) -> bool:
    """Whether a file that only tests import is there for them: it asserts what another file of the project returns, or uses
    a library of tests. A module of the product that nothing imports yet is none of it."""
    text = tree.text(path) or ""
    if not path.endswith(".py"):
        return path.endswith(BY_IMPORTS) and _JAVASCRIPT_TESTS.search(text) is not None
    try:
        module = parsed(text)
    except NOT_UNDERSTOOD:
        return False
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import | ast.ImportFrom):
            of = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
            if any(one.split(".")[0] in _TEST_LIBRARIES for one in of):
                return True
            names.update((one.asname or one.name).split(".")[0] for one in node.names)
    uses_project = bool(graph.uses.get(path))
    return uses_project and any(_asserts(node, names) for node in ast.walk(module))


def _asserts(node: ast.AST, imported: Collection[str]) -> bool:
    """Whether the node is an assertion about what a call of something imported returns."""
    if not isinstance(node, ast.Assert):
        return False
    calls = (one.func for one in ast.walk(node.test) if isinstance(one, ast.Call))
    return any(isinstance(part, ast.Name) and part.id in imported for func in calls for part in ast.walk(func))


_DATA = re.compile(r"[\w./-]{1,200}\.(?:json|jsonl|csv|tsv|txt|ya?ml|toml|xml|html|sql|golden|snap|ambr)\b")
_TEXT = re.compile(r"""["'`]([\w./*{}$ -]{2,200})["'`]""")
_READS = re.compile(
    r"\bopen\(|read_text|read_bytes|glob|listdir|iterdir|scandir|os\.walk|\bPath\(|os\.path|__file__|readFile|readdir|__dirname"
    r"|path\.join|import\.meta"
)
_MADE_UP = frozenset("*{}$")


def data_of(tests: Iterable[str], tree: Tree, known: Collection[str], free: Collection[str]) -> set[str]:
    """Data files that a test names, or whose folder it names, and no file of the product does; and the snapshots of tests."""
    by_name: dict[str, list[str]] = {}
    for path in known:
        by_name.setdefault(posixpath.basename(path), []).append(path)
    product = " ".join(tree.text(path) or "" for path in sorted(free) if not is_secret(path))
    found = {path for path in known if "__snapshots__" in path.split("/") and path.endswith((".snap", ".ambr"))}
    folders: set[str] = set()
    for test in tests:
        text = tree.text(test) or ""
        for name in {posixpath.basename(word) for word in _DATA.findall(text)}:
            if name not in product:
                found.update(by_name.get(name, ()))
        if _READS.search(text):
            folders |= _folders(text, posixpath.dirname(test))
    return found | _inside({one for one in folders if posixpath.basename(one) not in product}, known)


def _folders(text: str, folder: str) -> set[str]:
    """The folders that texts of a test may mean: `golden`, `../cases/*.out`, `fixtures/${name}.txt`."""
    bases = [folder]
    while bases[-1]:
        bases.append(posixpath.dirname(bases[-1]))
    found = set()
    for words in set(_TEXT.findall(text)):
        parts: list[str] = []
        for part in words.split("/"):
            if _MADE_UP & set(part):
                break
            parts += [part] if part not in ("", ".", "..") else []
        if parts:
            found |= {posixpath.join(base, *parts) for base in bases}
    return found


def _inside(folders: Collection[str], known: Collection[str]) -> set[str]:
    """All files below each of the folders, where none of them is code: a folder of code is no folder of data."""
    inside: dict[str, set[str]] = {}
    for path in known:
        above = posixpath.dirname(path)
        while above:
            if above in folders:
                inside.setdefault(above, set()).add(path)
            above = posixpath.dirname(above)
    data = (paths for paths in inside.values() if not any(path.endswith(_CODE) for path in paths))
    return set().union(*data)


_CODE = (*BY_IMPORTS, *BY_NAMES, ".sh", ".lua")
