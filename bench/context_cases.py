"""The cases of context.py: functions of real packages, what each one's body names of its own project, and a stub in its place.

A function becomes a case where its body names at least three constants, functions or types of its project and a test names
it. What a Python body names is found with the standard library's `ast`, not with the retrieval that is measured; for
JavaScript and TypeScript, where the library has no parser, the retrieval's resolver is asked about the untouched file.
"""

from __future__ import annotations

import ast
import hashlib
import posixpath
import re
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ralphd.context.file_graph import FileGraph
from ralphd.context.languages import SCRIPTS, language_of
from ralphd.context.target import Target, definitions
from ralphd.context.tree import MemoryTree, decode
from ralphd.retrieval.needs import Project, needs_of
from ralphd.retrieval.symbols import SourceFile
from ralphd.retrieval.tests_of_target import is_test_file

LEAST_REFERENCES = 3
NOT_SOURCE = ("docs/", "examples/", "dist/", "build/")
"""Folders of a distribution that hold no source: documentation, and what a bundler wrote."""
Part = Literal["tuning", "measuring"]
TUNED_ON = frozenset(
    "attrs babel black boltons cachetools charset_normalizer click deep-equal fastify flask furl h2 itsdangerous jinja2 "
    "jsdoc-type-pratt-parser jsonschema lark marshmallow minimist mistune more_itertools networkx packaging qs resolve "
    "sqlite_utils tablib tape werkzeug yarl".split()
)
"""Packages whose missed names somebody has read while the retrieval was being improved. They are never measured on, and
whoever reads what was missed of another package adds it here."""


@dataclass(frozen=True)
class Named:
    """A thing of the project that a body names: where it is defined, and the line that defines it."""

    path: str
    name: str
    constant: bool
    line: str


@dataclass(frozen=True)
class Case:
    package: str
    path: str
    name: str
    """Qualified: `Cart.total`."""
    stub: str
    """The file's text with the function's body removed."""
    named: tuple[Named, ...]
    failing: str
    """Id of a test that names the function: `tests/test_cart.py::test_total`."""
    test: str
    """That test's text."""

    @property
    def part(self) -> Part:
        """Whether the retrieval was improved on this package: such a package is never measured."""
        return "tuning" if self.package.rpartition("-")[0] in TUNED_ON else "measuring"

    @property
    def order(self) -> bytes:
        return hashlib.sha256(f"{self.path}::{self.name}".encode()).digest()


def packages(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """(name with version, texts by path) of each source distribution in `folder`: `*.tar.gz` and `*.tgz`."""
    for path in sorted([*folder.glob("*.tar.gz"), *folder.glob("*.tgz")]):
        texts: dict[str, str] = {}
        with tarfile.open(path) as archive:
            for member in archive:
                inside = member.name.partition("/")[2]
                held = archive.extractfile(member) if member.isfile() and inside else None
                text = decode(held.read()) if held is not None else None
                if text is not None and "/node_modules/" not in f"/{inside}" and not inside.endswith(".min.js"):
                    texts[inside] = text
        yield re.sub(r"\.tar\.gz$|\.tgz$", "", path.name), texts


def cases_of(package: str, texts: Mapping[str, str]) -> list[Case]:
    tree = MemoryTree(texts)
    graph = FileGraph(tree)
    tests = _tests(texts)
    modules, scripts = _Modules(texts), Project(tree, list(texts), graph.uses, {})
    found = []
    for path in sorted(texts):
        if is_test_file(path) or path in ("setup.py", "conftest.py") or path.startswith(NOT_SOURCE):
            continue
        python = path.endswith(".py")
        if not python and language_of(path) not in SCRIPTS:
            continue
        inner = definitions(path, texts[path])
        times = Counter(one.name for one in inner)
        for one in inner:
            short = one.name.rpartition(".")[2]
            if re.search("class|interface|enum|module", one.kind):
                continue
            if len(short) < 4 or one.name.count(".") > 1 or short not in tests or times[one.name] > 1:
                continue  # named twice: overloads, properties with setters
            target = Target(path, one.span, "definition", one.name)
            named = modules.named(path, one.name) if python else _scripted(scripts, target, texts[path])
            stub = _stub(texts[path], target, python)
            if stub is None or len(named) < LEAST_REFERENCES:
                continue
            failing, text = min(tests[short], key=lambda t: hashlib.sha256(f"{path}{one.name}{t[0]}".encode()).digest())
            found.append(Case(package, path, one.name, stub, tuple(named), failing, text))
    return found


def _tests(texts: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    """By each word the tests that name it: (id, text)."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(texts):
        if not is_test_file(path):
            continue
        if path.endswith(".py"):
            parts = [(f"{path}::{d.name.replace('.', '::')}", texts[path][slice(*d.span)])
                     for d in definitions(path, texts[path]) if d.name.rpartition(".")[2].startswith("test")
                     and d.kind == "function_definition"]  # fmt: skip
        elif language_of(path) in SCRIPTS:
            parts = _calls(path, texts[path])
        else:
            continue
        for nodeid, text in parts:
            body = text if path.endswith(".py") else text.partition("\n")[2]  # a title is no call
            for word in set(re.findall(r"\w+", body)):
                found.setdefault(word, []).append((nodeid, text))
    return found


def _calls(path: str, text: str) -> list[tuple[str, str]]:
    """The tests of a script: from the line that begins one to the line that closes it, or to the one before the next."""
    begins = list(
        re.finditer(r"^([ \t]*)(?:await\s+)?(?:t\.)?(?:it|test|specify)\(\s*(['\"`])(.+?)\2", text, re.MULTILINE)
    )
    ends = [m.start() for m in begins[1:]] + [len(text)][: len(begins)]
    found = []
    for begin, end in zip(begins, ends, strict=True):
        closed = re.compile(rf"^{begin[1]}[}})\]][^\n]*$", re.MULTILINE).search(text, begin.end(), end)
        found.append((f"{path}::{begin[3]}", text[begin.start() : closed.end() if closed else end].strip()))
    return found


def _stub(text: str, target: Target, python: bool) -> str | None:
    """The file without the function's body; its signature and its docstring stay."""
    source = target.text(text)
    if not python:
        symbol = SourceFile(target.path, text).symbols.get(target.name)
        if symbol is None or symbol.body > symbol.last:
            return None
        lines = text.encode().split(b"\n")
        opening = lines[symbol.body][: symbol.body_column] + b"{"
        end = lines[symbol.last].strip().removeprefix(b"}")
        return b"\n".join([*lines[: symbol.body], opening, b"}" + end, *lines[symbol.last + 1 :]]).decode()
    margin = source[: len(source) - len(source.lstrip())]
    try:
        node = ast.parse("\n".join(line.removeprefix(margin) for line in source.split("\n"))).body[0]
    except SyntaxError:
        return None
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    first = node.body[0]
    keep = (first.end_lineno or 0) if ast.get_docstring(node) else first.lineno - 1
    if first.lineno == node.lineno or (len(node.body) == 1 and ast.get_docstring(node)):
        return None
    head = "\n".join(source.split("\n")[:keep])
    return f"{text[: target.span[0]]}{head}\n{margin}    raise NotImplementedError{text[target.span[1] :]}"


def _scripted(project: Project, target: Target, text: str) -> list[Named]:
    found = []
    for need in needs_of(project, target, text):
        home = project.file(need.symbol.path)
        if home is not None:
            line = home.rows(need.symbol.start, need.symbol.start).strip()
            constant = need.symbol.kind == "binding"
            found.append(Named(need.symbol.path, need.symbol.name.rpartition(".")[2], constant, line))
    return found


class _Modules:
    """The Python modules of a package, by what they define and import at their top level."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._trees: dict[str, ast.Module | None] = {}

    def named(self, path: str, qualified: str) -> list[Named]:
        """What the function's body names of the project, itself and its parameters left out."""
        tree = self._tree(path)
        node = tree and _find(tree, qualified.split("."))
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return []
        owner = qualified.rpartition(".")[0]
        every = [inner for statement in node.body for inner in ast.walk(statement)]
        arguments = node.args
        bound = {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
        bound |= {one.arg for one in (arguments.vararg, arguments.kwarg) if one is not None}
        bound |= {n.id for n in every if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
        found: dict[tuple[str, str], Named] = {}
        for inner in every:
            one = None
            if isinstance(inner, ast.Name) and inner.id not in bound:
                one = self._resolve(path, inner.id)
            elif isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
                held = inner.value.id
                if held in ("self", "cls") and owner:
                    one = self._member(path, owner, inner.attr)
                elif held not in bound and (module := self._module(path, held)):
                    one = self._resolve(module, inner.attr)
            if one is not None and (one.path, one.name) != (path, node.name):
                found.setdefault((one.path, one.name), one)
        return list(found.values())

    def _tree(self, path: str) -> ast.Module | None:
        if path not in self._trees:
            try:
                self._trees[path] = ast.parse(self._texts[path])
            except (SyntaxError, KeyError):
                self._trees[path] = None
        return self._trees[path]

    def _resolve(self, path: str, name: str, depth: int = 4) -> Named | None:
        tree = self._tree(path)
        if tree is None or depth == 0:
            return None
        for node in _statements(tree.body):
            if _defined(node) and name in _defined(node):
                return self._of(path, name, node)
        for node in _statements(tree.body):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if (alias.asname or alias.name) == name and (source := self._file(path, node.level, node.module)):
                        return self._resolve(source, alias.name, depth - 1)
        return None

    def _of(self, path: str, name: str, node: ast.stmt) -> Named:
        line = self._texts[path].split("\n")[node.lineno - 1].strip()
        return Named(path, name, isinstance(node, ast.Assign | ast.AnnAssign), line)

    def _member(self, path: str, owner: str, name: str, depth: int = 4) -> Named | None:
        tree = self._tree(path)
        node = tree and _find(tree, [owner])
        if not isinstance(node, ast.ClassDef) or depth == 0:
            return None
        for inner in node.body:
            if name in _defined(inner):
                return self._of(path, name, inner)
        for base in node.bases:
            above = self._resolve(path, base.id) if isinstance(base, ast.Name) else None
            if above is not None and (found := self._member(above.path, above.name, name, depth - 1)):
                return found
        return None

    def _module(self, path: str, name: str) -> str | None:
        """The file of the module that `name` stands for in `path`."""
        tree = self._tree(path)
        for node in _statements(tree.body) if tree else ():
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        module = f"{node.module}.{alias.name}" if node.module else alias.name
                        return self._file(path, node.level, module)
        return None

    def _file(self, path: str, level: int, module: str | None) -> str | None:
        tail = (module or "").replace(".", "/")
        folder = posixpath.dirname(path)
        if level:
            for _ in range(level - 1):
                folder = posixpath.dirname(folder)
            bases = [folder]
        else:
            bases = ["", "src"]
        for base in bases:
            stem = posixpath.join(base, tail) if tail else base
            for one in (f"{stem}.py", f"{stem}/__init__.py"):
                if one in self._texts:
                    return one
        return None


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module's top level, those in `if` and `try` too."""
    for node in body:
        yield node
        for field in ("body", "orelse", "handlers", "finalbody"):
            if isinstance(node, ast.If | ast.Try | ast.ExceptHandler):
                yield from _statements(getattr(node, field, []))


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {inner.id for one in targets for inner in ast.walk(one) if isinstance(inner, ast.Name)}


def _find(tree: ast.Module, names: list[str]) -> ast.stmt | None:
    body: list[ast.stmt] = list(_statements(tree.body))
    found: ast.stmt | None = None
    for name in names:
        found = next((n for n in body if name in _defined(n)), None)
        if found is None:
            return None
        body = getattr(found, "body", [])
    return found
