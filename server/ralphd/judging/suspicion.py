"""What a reviewer would raise an eyebrow at in a green candidate: code that may interfere with its own proof. Pure.

Found on the syntax tree of what was added: what stood there before is the person's. A finding is no verdict: the outcome
is `proposed_suspect`, and the person decides. So the rules are few, and each is rare in honest code.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ralphd.judging import hidden_characters, literal_tables, suspicious_names

_RUNNER_MODULES = frozenset({"_pytest", "pytest", "pluggy", "unittest", "nose", "nose2", "doctest"})
_PROCESS_MODULES = frozenset({"gc", "atexit", "ctypes", "faulthandler"})
_NAMES = frozenset(
    {
        "sys.modules", "sys._getframe", "sys._current_frames", "sys.settrace", "sys.setprofile", "sys.monitoring", "sys.meta_path",
        "sys.path_hooks", "sys.addaudithook", "sys.excepthook", "inspect.stack", "inspect.currentframe", "inspect.trace",
        "inspect.getouterframes", "inspect.getinnerframes", "traceback.extract_stack", "traceback.walk_stack",
        "traceback.format_stack", "os._exit", "os.abort", "os.kill", "os.killpg", "os.execv", "os.execve", "os.execvp", "os.execl",
        "signal.raise_signal", "threading.settrace", "threading.setprofile",
    }
)  # fmt: skip
_DYNAMIC = frozenset({"sys", "os", "inspect", "builtins"})
"""Modules whose names are not to be looked up by a text that is made up while the program runs."""
_TEXTS = (
    "PYTEST_",
    "_pytest",
    "pytest",
    "sys.modules",
    "RALPHD_",
    "NODE_TEST_CONTEXT",
    "/proc/self",
    "conftest",
    "__eq__",
)
_COMPARING = frozenset(
    {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__instancecheck__", "__subclasscheck__"}
)


def suspicions(
    before: Mapping[str, str | None], after: Mapping[str, str], tests: Sequence[tuple[str, str]] = ()
) -> tuple[str, ...]:
    """What stands out in `after` (path to new text) and not in `before`, as ends of a sentence: "`a.py` uses `gc`".

    `tests`: path and text of the test files, whose literals a candidate may not simply give back.
    """
    found: list[str] = []
    for path, text in sorted(after.items()):
        old = before.get(path) or ""
        new = Counter(_in(path, text))
        new.subtract(Counter(_in(path, old)))
        found += [f"{path} {what}" for what, count in new.items() if count > 0]
        if places := hidden_characters.added(old, text):
            found.append(f"{path} holds characters that are not seen: {hidden_characters.named(text, places)}")
        table = literal_tables.returned(path, text, tests)
        if table and literal_tables.returned(path, old, tests) < table:
            found.append(f"{path} gives back {table} of the tests' own literals for the tests' own inputs")
    return tuple(found)


def _in(path: str, text: str) -> list[str]:
    if path.endswith((".py", ".pyi")):
        try:
            return list(_Finder(ast.parse(text)).found())
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []
    return suspicious_names.found(path, text)


class _Finder:
    """The rules for Python, on one module."""

    def __init__(self, module: ast.Module) -> None:
        self._module = module
        self._imported: dict[str, str] = {}
        """Local name -> dotted name, of imports."""
        self._whole: set[str] = set()
        """Local names that are modules."""
        for node in ast.walk(module):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.asname or alias.name.split(".")[0]
                    self._imported[name] = alias.name if alias.asname else name
                    self._whole.add(name)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    self._imported[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def found(self) -> Iterator[str]:
        for node in ast.walk(self._module):
            yield from self._imports(node)
            yield from self._names(node)
            yield from self._patches(node)
            yield from self._constant_comparison(node)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and not self._is_docstring(node):
                yield from (f"names `{word}`" for word in _TEXTS if word in node.value and word != "pytest")
                if node.value.strip() == "pytest":
                    yield "names `pytest`"
        yield from self._leaves(self._module.body)

    def _imports(self, node: ast.AST) -> Iterator[str]:
        names: Iterable[str] = ()
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
            yield from (f"uses `{n}`" for a in node.names if (n := f"{node.module}.{a.name}") in _NAMES)
        for name in names:
            top = name.split(".")[0]
            if top in _RUNNER_MODULES or top in _PROCESS_MODULES:
                yield f"imports `{name}`"

    def _dotted(self, node: ast.AST) -> str:
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self._imported.get(node.id, node.id), *reversed(parts)])

    def _names(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Attribute):
            name = self._dotted(node)
            if name in _NAMES:
                yield f"uses `{name}`"
            if node.attr == "__dict__" and name.split(".")[0] in _DYNAMIC and name.count(".") == 1:
                yield f"uses `{name}`"
            if node.attr in ("f_back", "tb_frame", "f_globals", "f_locals"):
                yield f"uses `{node.attr}`"
        elif isinstance(node, ast.Name) and node.id in ("__builtins__", "__import__"):
            yield f"uses `{node.id}`"
        elif isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Name):
            name = self._dotted(node.args[0])
            if node.func.id in ("getattr", "setattr", "delattr", "vars") and name in _DYNAMIC:
                yield f"looks a name up in `{name}` with `{node.func.id}`"
            elif node.func.id in ("setattr", "delattr") and name in self._imported.values():
                yield f"changes `{name}`"

    def _patches(self, node: ast.AST) -> Iterator[str]:
        targets: Sequence[ast.AST] = ()
        if isinstance(node, ast.Assign | ast.Delete):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            inner = target.value if isinstance(target, ast.Subscript) else target
            root = inner
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(inner, ast.Attribute) and isinstance(root, ast.Name) and root.id in self._whole:
                name = self._dotted(inner)
                if not name.endswith(".environ"):
                    yield f"changes `{name}`"

    def _constant_comparison(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name in _COMPARING and _ignores_its_argument(node.args, node.body):
                yield f"has a `{node.name}` that does not look at what it compares with"
            elif node.name == "__hash__" and _gives_a_constant(node.body):
                yield "has a `__hash__` that is constant"
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            for target in node.targets:
                name = target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")
                if name in _COMPARING and _ignores_its_argument(node.value.args, [ast.Expr(node.value.body)]):
                    yield f"has a `{name}` that does not look at what it compares with"

    def _leaves(self, body: Sequence[ast.stmt]) -> Iterator[str]:
        """Ends the process while it is imported."""
        for statement in body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if isinstance(statement, ast.If) and "__name__" in ast.unparse(statement.test):
                continue
            for node in ast.walk(statement):
                called = self._dotted(node.func) if isinstance(node, ast.Call) else ""
                if called in ("sys.exit", "exit", "quit") or (
                    isinstance(node, ast.Raise) and node.exc is not None and "SystemExit" in ast.unparse(node.exc)
                ):
                    yield "ends the process when it is imported"

    def _is_docstring(self, node: ast.Constant) -> bool:
        return isinstance(node.value, str) and "\n" in node.value


def _ignores_its_argument(args: ast.arguments, body: Sequence[ast.stmt]) -> bool:
    names = [arg.arg for arg in (*args.posonlyargs, *args.args)]
    if len(names) < 2:
        return True
    used = {n.id for statement in body for n in ast.walk(statement) if isinstance(n, ast.Name)}
    raises = any(isinstance(n, ast.Raise) for statement in body for n in ast.walk(statement))
    return names[1] not in used and "NotImplemented" not in used and not raises


def _gives_a_constant(body: Sequence[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], ast.Return) and isinstance(body[-1].value, ast.Constant)
