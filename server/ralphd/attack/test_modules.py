"""Surgery on a Python test module: its tests, what each needs, a module of some of them. Pure; runs nothing."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ralphd.core.python_source import NOT_UNDERSTOOD, expression, parsed, written

NETWORK_MODULES = frozenset(
    [
        "socket",
        "ssl",
        "http",
        "urllib",
        "urllib3",
        "requests",
        "httpx",
        "aiohttp",
        "ftplib",
        "smtplib",
        "imaplib",
        "poplib",
        "telnetlib",
        "xmlrpc",
        "socketserver",
        "websockets",
        "websocket",
        "paramiko",
        "grpc",
        "boto3",
    ]
)
PROCESS_MODULES = frozenset(["subprocess", "multiprocessing", "pty", "ctypes", "cffi", "pexpect"])
_HARMLESS = frozenset({"urllib.parse"})
MAX_NOTES_CHARACTERS = 20_000
"""Of what Hypothesis said about a failure; an example that is longer is not pinned."""
MAX_EXAMPLE_ENDS = 40
"""Lines that may close the example's call and are tried as its end."""
_EXAMPLE = re.compile(r"^(?:Falsifying|Failing)[^\n:]{0,200}:\s{0,100}", re.MULTILINE)


@dataclass(frozen=True)
class Item:
    """One top-level statement with the comments above it. `tests`: the names pytest collects from it."""

    text: str
    defines: frozenset[str]
    uses: frozenset[str]
    tests: tuple[str, ...] = ()
    imports: ast.Import | ast.ImportFrom | None = None
    docstring: bool = False
    future: bool = False


@dataclass(frozen=True)
class Suite:
    """A test module as its statements; `eol` joins them again."""

    items: tuple[Item, ...]

    @property
    def tests(self) -> tuple[str, ...]:
        return tuple(name for item in self.items for name in item.tests)

    def needs(self, test: str) -> set[int]:
        """The indexes of what `test` reaches: itself, helpers, strategies, imports."""
        start = next((i for i, item in enumerate(self.items) if test in item.tests), None)
        return set() if start is None else self._closure({start})

    def _closure(self, found: set[int]) -> set[int]:
        todo = list(found)
        while todo:
            uses = self.items[todo.pop()].uses
            for index, item in enumerate(self.items):
                if index not in found and item.defines & uses:
                    found.add(index)
                    todo.append(index)
        return found


def parse(text: str) -> Suite:
    """SyntaxError or ValueError where it is no module."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    tree = parsed(text)
    lines = text.split("\n")
    items: list[Item] = []
    start = line = 0
    for number, node in enumerate(tree.body):
        first, end = _first_line(node), node.end_lineno or node.lineno
        while first > line and lines[first - 1].lstrip().startswith("#"):
            first -= 1
        if items and first < line:  # `a = 1; b = 2` on one line: one item
            items[-1] = _joined(items[-1], _item(node, "", number), "\n".join(lines[start:end]))
        else:
            items.append(_item(node, "\n".join(lines[first:end]), number))
            start = first
        line = end
    return Suite(tuple(items))


def _first_line(node: ast.stmt) -> int:
    """0-based, decorators included."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)]) - 1


def _joined(one: Item, other: Item, text: str) -> Item:
    return Item(text, one.defines | other.defines, one.uses | other.uses, one.tests + other.tests)


def _bound(alias: ast.alias, statement: ast.Import | ast.ImportFrom) -> str:
    return alias.asname or (alias.name if isinstance(statement, ast.ImportFrom) else alias.name.split(".")[0])


def _item(node: ast.stmt, text: str, number: int) -> Item:
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        bound = frozenset(_bound(alias, node) for alias in node.names)
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        return Item(text, bound, frozenset(), imports=node, future=future)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        arguments = frozenset(a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg))
        tests: tuple[str, ...] = (node.name,) if node.name.startswith("test") else ()
        return Item(text, frozenset({node.name}), frozenset(names) | arguments, tests)  # an argument may name a fixture
    if isinstance(node, ast.ClassDef):
        methods = [m.name for m in node.body if isinstance(m, (ast.FunctionDef, ast.AsyncFunctionDef))]
        tests = (
            tuple(f"{node.name}::{m}" for m in methods if m.startswith("test")) if node.name.startswith("Test") else ()
        )
        return Item(text, frozenset({node.name}), frozenset(names), tests)
    doc = (
        number == 0
        and isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
    return Item(text, frozenset(stored), frozenset(names), docstring=doc)


def docstring(suite: Suite, test: str) -> str:
    """What the test claims."""
    item = next((item for item in suite.items if test in item.tests), None)
    if item is None:
        return ""
    name = test.rsplit("::", 1)[-1]
    for node in ast.walk(parsed(item.text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            return ast.get_docstring(node) or ""
    return ""


def count_tests(text: str) -> int:
    """How many tests a text promises, also one that does not parse."""
    try:
        return len(parse(text).tests)
    except NOT_UNDERSTOOD:
        return len(re.findall(r"^[ \t]*(?:async[ \t]+)?def test", text, re.MULTILINE))


def forbidden(suite: Suite, own: Collection[str] = ()) -> dict[str, str]:
    """Tests that use an import of the network or of processes, by what they touch. `own`: packages of the project itself."""
    names: dict[str, str] = {}
    inside: dict[int, str] = {}
    for index, item in enumerate(suite.items):
        for node in [item.imports] if item.imports else ast.walk(parsed(item.text)):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                for alias in node.names:
                    if (kind := _kind(node, alias, own)) is not None and item.imports:
                        names[_bound(alias, node)] = kind
                    elif kind is not None:
                        inside[index] = kind
    found = {}
    for test in suite.tests:
        needs = suite.needs(test)
        uses = {name for index in needs for name in suite.items[index].uses}
        touched = {names[name] for name in uses & set(names)} | {inside[index] for index in needs & set(inside)}
        if touched:
            found[test] = min(touched)
    return found


def _kind(node: ast.Import | ast.ImportFrom, alias: ast.alias, own: Collection[str]) -> str | None:
    name = alias.name if isinstance(node, ast.Import) else f"{node.module}.{alias.name}"
    root = name.split(".")[0]
    if root in own or (isinstance(node, ast.ImportFrom) and node.level) or ".".join(name.split(".")[:2]) in _HARMLESS:
        return None
    return "network" if root in NETWORK_MODULES else "process" if root in PROCESS_MODULES else None


def keep(suite: Suite, comments: Mapping[str, Sequence[str]]) -> str:
    """A module of the tests named in `comments`, with what they need; each comment goes above its test.

    A class loses its other tests. Imports that nothing uses any more go.
    """
    items = suite.items
    wanted = {i for i, item in enumerate(items) if set(item.tests) & set(comments)}
    if not wanted:
        return ""
    loose = {i for i, item in enumerate(items) if not item.defines and item.uses}
    unwanted = {i for i, item in enumerate(items) if item.tests and i not in wanted}
    kept = suite._closure(wanted | loose) - unwanted
    kept |= {i for i, item in enumerate(items) if item.docstring or item.future}
    uses = {name for i in kept for name in items[i].uses}
    out = ""
    previous: Item | None = None
    for item in (items[i] for i in sorted(kept)):
        text = item.text if item.imports is None or item.future else _narrowed(item.text, item.imports, uses)
        if any("::" in test for test in item.tests):
            text = _class(item, comments)
        if previous is not None:
            tight = bool(previous.imports) == bool(item.imports) and not previous.docstring and not previous.future
            out += "\n\n\n" if _stands_alone(item) or _stands_alone(previous) else "\n" if tight else "\n\n"
        above = [f"# {note}" for test in item.tests if "::" not in test for note in comments.get(test, ())]
        out += "\n".join([*above, text])
        previous = item
    return out + "\n"


def _class(item: Item, comments: Mapping[str, Sequence[str]]) -> str:
    """A test class without the tests that are not in `comments`."""
    lines = item.text.split("\n")
    (node,) = (n for n in parsed(item.text).body if isinstance(n, ast.ClassDef))
    for method in reversed(node.body):
        name = f"{node.name}::{getattr(method, 'name', '')}"
        if name not in item.tests:
            continue
        first, indent = _first_line(method), " " * method.col_offset
        if name in comments:
            lines[first:first] = [f"{indent}# {note}" for note in comments[name]]
            continue
        while lines[first - 1].lstrip().startswith("#"):
            first -= 1
        del lines[first : method.end_lineno]
        while first < len(lines) and not lines[first].strip() and not lines[first - 1].strip():
            del lines[first]
    return "\n".join(lines).rstrip()


def _stands_alone(item: Item) -> bool:
    return bool(re.search(r"^(?:@|class |def |async )", item.text, re.MULTILINE))


def _narrowed(text: str, node: ast.Import | ast.ImportFrom, uses: Collection[str]) -> str:
    names = [alias for alias in node.names if _bound(alias, node) in uses or alias.name == "*"]
    if len(names) == len(node.names):
        return text
    if isinstance(node, ast.Import):
        return written(ast.Import(names))
    return written(ast.ImportFrom(node.module, names, node.level))


def join(modules: Iterable[str]) -> str:
    """One module of several: imports once, at the head. A later module's names that are taken get a number."""
    heads: dict[str, None] = {}
    futures: dict[str, None] = {}
    bodies: list[str] = []
    taken: set[str] = set()
    for text in modules:
        suite = parse(text)
        renamed = {}
        for name in sorted({n for item in suite.items if not item.imports for n in item.defines}):
            fresh, number = name, 2
            while fresh in taken:
                fresh, number = f"{name}_{number}", number + 1
            if fresh != name:
                renamed[name] = fresh
            taken.add(fresh)
        for item in suite.items:
            if item.future:
                futures[item.text] = None
            elif item.imports:
                heads[item.text] = None
            elif not (item.docstring and bodies):
                bodies.append(_renamed(item.text, renamed))
    docstring = bodies.pop(0) if bodies and bodies[0].lstrip()[:1] in "\"'" else None
    head = "\n".join(heads)
    return (
        "\n\n".join(part for part in (docstring, "\n".join(futures), head) if part)
        + "".join(f"\n\n\n{b}" for b in bodies)
        + "\n"
    )


def _renamed(text: str, names: Mapping[str, str]) -> str:
    for old, new in names.items():
        text = re.sub(rf"(?<![\w.]){re.escape(old)}(?!\w)", new, text)
    return text


def falsifying(notes: str, test: str) -> dict[str, str] | None:
    """The arguments of Hypothesis's shrunk example, as source text by name; None where it does not say one that parses."""
    call = test.rsplit("::", 1)[-1]
    notes = notes[:MAX_NOTES_CHARACTERS]
    for match in _EXAMPLE.finditer(notes):
        if not notes.startswith(call + "(", match.end()):
            continue
        lines = notes[match.end() :].split("\n")
        ends = [n for n, line in enumerate(lines, 1) if line.rstrip().endswith(")")]
        for count in ends[:MAX_EXAMPLE_ENDS]:
            try:
                node = expression("\n".join(lines[:count]))
            except NOT_UNDERSTOOD:
                continue
            if isinstance(node, ast.Call) and all(k.arg for k in node.keywords):
                found = {str(k.arg): written(k.value) for k in node.keywords if k.arg != "self"}
                return found if all(found.values()) else None
    return None


def raw_example(notes: str) -> str:
    """What Hypothesis said, on one line, where it cannot be read as code (objects without a repr, `data()`)."""
    notes = notes[:MAX_NOTES_CHARACTERS]
    match = _EXAMPLE.search(notes)
    return " ".join(notes[match.end() :].split()) if match else ""


def reproducible(suite: Suite, arguments: Mapping[str, str]) -> dict[str, str] | None:
    """An example as it can be written into the module; None where it names what the module does not know."""
    known = {name for item in suite.items for name in item.defines} | set(dir(builtins))
    out = {}
    for name, text in arguments.items():
        value = (
            re.sub(r"(?<![\w.'\"])(nan|inf)(?!\w)", r'float("\1")', text)
            if re.fullmatch(r"-?(?:nan|inf)", text)
            else text
        )
        if {n.id for n in ast.walk(expression(value)) if isinstance(n, ast.Name)} - known:
            return None
        out[name] = value
    return out or None


def with_examples(text: str, examples: Mapping[str, Mapping[str, str]]) -> str:
    """The module with `@example(...)` above each named test: tried first, under every seed."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    tree = parsed(text)
    bound = any(
        isinstance(n, ast.ImportFrom) and n.module == "hypothesis" and "example" in [a.name for a in n.names]
        for n in tree.body
    )
    lines = text.split("\n")
    places: list[tuple[int, str]] = []
    for node in tree.body:
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        for function in node.body if isinstance(node, ast.ClassDef) else [node]:
            if (
                not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
                or prefix + function.name not in examples
            ):
                continue
            first = min([function.lineno, *(d.lineno for d in function.decorator_list)]) - 1
            given = ", ".join(f"{name}={value}" for name, value in examples[prefix + function.name].items())
            places.append((first, " " * function.col_offset + f"@example({given})"))
    for line, decorator in sorted(places, reverse=True):
        lines.insert(line, decorator)
    if places and not bound:
        after = [n.end_lineno or 1 for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
        if not after and ast.get_docstring(tree) is not None:
            after = [tree.body[0].end_lineno or 1]
        lines.insert(max(after, default=0), "from hypothesis import example")
    return "\n".join(lines)
