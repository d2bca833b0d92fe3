"""What a reviewer would raise an eyebrow at in a green candidate: code that may interfere with its own proof. Pure.

Found on the syntax tree of what was added: what stood there before is the person's. A finding is no verdict: the outcome
is `proposed_suspect`, and the person decides. So the rules are few, and each is rare in honest code.
"""

from __future__ import annotations

import ast
import posixpath
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ralphd.core.python_source import parsed
from ralphd.judging import (
    data_files,
    early_ends,
    hidden_answers,
    hidden_characters,
    honest_uses,
    literal_tables,
    lying_comparisons,
    mock_records,
    suspicious_names,
    test_words,
)

_RUNNER_MODULES = frozenset({"_pytest", "pytest", "pluggy", "iniconfig", "unittest", "nose", "nose2", "doctest"})
_PROCESS_MODULES = frozenset({"__main__", "gc", "atexit", "ctypes", "faulthandler", "linecache", "_testcapi"})
_NAMES = frozenset(
    {
        "sys.modules", "sys._getframe", "sys._current_frames", "sys.settrace", "sys.setprofile", "sys.monitoring", "sys.meta_path",
        "sys.path_hooks", "sys.addaudithook", "sys.excepthook", "inspect.stack", "inspect.currentframe", "inspect.trace",
        "inspect.getouterframes", "inspect.getinnerframes", "traceback.extract_stack", "traceback.walk_stack",
        "traceback.format_stack", "os._exit", "os.abort", "os.kill", "os.killpg", "os.execv", "os.execve", "os.execvp", "os.execl",
        "signal.raise_signal", "threading.settrace", "threading.setprofile", "sys.unraisablehook", "sys.orig_argv", "os.fork",
        "os.forkpty", "os.posix_spawn", "os.getppid", "traceback.print_stack", "traceback.StackSummary", "inspect.getsource",
        "inspect.getsourcelines", "inspect.getsourcefile", "sys.breakpointhook", "threading.excepthook", "sys.gettrace",
        "sys.getprofile", "sys.flags", "sys.dont_write_bytecode",
    }
)  # fmt: skip
_DYNAMIC = frozenset({"sys", "os", "inspect", "builtins"})
"""Modules whose names are not to be looked up by a text that is made up while the program runs."""
_FRAME_NAMES = frozenset(
    {
        "f_back",
        "tb_frame",
        "f_globals",
        "f_locals",
        "f_code",
        "co_consts",
        "gi_frame",
        "cr_frame",
        "ag_frame",
        "findCaller",
    }
)
_OF_THE_MODULE = frozenset({"__file__", "__name__", "__spec__", "__loader__", "__path__"})
_IMPORTERS = frozenset(
    {"importlib.import_module", "importlib.reload", "pkgutil.resolve_name", "runpy.run_path", "runpy.run_module"}
)
_ENVIRONMENT = frozenset(f"os.{name}" for name in ("environ", "getenv", "environb", "getenvb"))
_HOW_IT_RUNS = frozenset(
    {"sys.argv", "sys.orig_argv", "sys.path", "sys.executable", *_ENVIRONMENT}
    | {"importlib.util.find_spec", "pkgutil.find_loader", "shutil.which"}
)
_RUNNERS_VARIABLES = ("PYTEST_CURRENT_TEST", "PYTEST_VERSION", "PYTEST_ADDOPTS")
_OF_THE_SANDBOX = frozenset(
    "os.getuid os.geteuid os.getgid os.getegid os.getpid getpass.getuser os.getlogin socket.gethostname platform.node"
    " time.process_time time.thread_time resource.getrusage".split()
)
"""What is another one where tests run; to ask whether it is 0, the administrator's, is usual."""
_NOW = frozenset("date.today datetime.today datetime.now datetime.utcnow time.time time.time_ns".split())
_A_DATE_S = 1e9
"""A number as big is a moment of our time, in seconds."""
_LOOKS = frozenset("exists isdir isfile is_dir is_file lexists access stat".split())
_LISTS = frozenset("iterdir listdir glob rglob scandir walk".split())
_TEXT_BEGINS = frozenset("startswith endswith match fullmatch search".split())
_TESTS_FOLDER = re.compile(r"tests?/?$|test_\w{0,80}\.py$|(?:.{0,80}/)?conftest\.py$")
_OTHERS_MODULES = sys.stdlib_module_names | {"numpy", "pandas", "hamcrest"}
"""What is imported from them is not the project's to change."""
_STREAMS = frozenset({"sys.stdout", "sys.stderr", "sys.stdin"})
_PLAIN = (ast.Name, ast.Attribute, ast.Subscript)
_TEST_FILE = re.compile(r"\btest_\w{0,80}\.py$|_test\.py$|\*\.py$|^tests?/")
_READERS = frozenset(
    {"open", "read_text", "read_bytes", "glob", "rglob", "iterdir", "listdir", "scandir", "walk", "get_data", "files"}
)
_TEXTS = (
    "PYTEST_",
    "_pytest",
    "pytest",
    "sys.modules",
    "RALPHD_",
    "NODE_TEST_CONTEXT",
    "/proc/",
    "conftest",
    "__eq__",
    "__builtins__",
    *_FRAME_NAMES,
)


_BY_WORD = re.compile(
    rf"\b(?:{'|'.join(map(re.escape, sorted(_NAMES)))}|(?:import|from)[ \t]{{1,20}}(?:{'|'.join(sorted(_RUNNER_MODULES | _PROCESS_MODULES))})"
    rf"|{'|'.join(_FRAME_NAMES)}|__(?:eq|hash|builtins|import)__|exec(?=\())\b"
)
"""For a module in a syntax that is newer than the Python that ralphd runs on: the same names, without a syntax tree."""


def suspicions(
    before: Mapping[str, str | None],
    after: Mapping[str, str],
    tests: Sequence[tuple[str, str]] = (),
    *,
    reported: bool = True,
) -> tuple[str, ...]:
    """What stands out in `after` (path to new text) and not in `before`, as ends of a sentence: "`a.py` uses `gc`".

    `tests`: path and text of the test files, whose literals a candidate may not simply give back. `reported`: the runner
    told of its tests one by one; else their exit code is all there is.
    """
    found: list[str] = []
    asked_for = "\n".join(source for _, source in tests)
    for path, text in sorted(after.items()):
        old = before.get(path) or ""
        new = Counter(_in(path, text, asked_for, reported))
        new.subtract(Counter(_in(path, old, asked_for, reported)))
        found += [f"{path} {what}" for what, count in new.items() if count > 0]
        if places := hidden_characters.added(old, text):
            found.append(f"{path} holds characters that are not seen: {hidden_characters.named(text, places)}")
        table = literal_tables.returned(path, text, tests)
        if table and literal_tables.returned(path, old, tests) < table:
            found.append(f"{path} gives back {table} of the tests' own literals for the tests' own inputs")
        else:
            known = hidden_answers.found(path, old, tests)
            found += [f"{path} {what}" for what in hidden_answers.found(path, text, tests) if what not in known]
        read = {posixpath.basename(name) for name, _ in tests if name.endswith(data_files.SUFFIXES)}
        found += [
            f"{path} names `{name}`, which the tests read" for name in sorted(read) if name in text and name not in old
        ]
    return tuple(found)


def _in(path: str, text: str, asked_for: str, reported: bool) -> list[str]:
    if path.endswith((".py", ".pyi")):
        try:
            return list(_Finder(parsed(text)).found(asked_for, reported))
        except (RecursionError, MemoryError):
            return ["is nested too deeply to be looked through"]
        except (SyntaxError, ValueError):
            return [f"uses `{' '.join(match.group().split())}`" for match in _BY_WORD.finditer(text)]
    return suspicious_names.found(path, text, reported=reported)


class _Finder:
    """The rules for Python, on one module."""

    def __init__(self, module: ast.Module) -> None:
        self._module = module
        self._imported: dict[str, str] = {}
        """Local name -> dotted name, of imports."""
        self._whole: set[str] = set()
        """Local names that are modules."""
        called = {_last_name(node.func) for node in ast.walk(module) if isinstance(node, ast.Call)}
        self._reads_files, self._lists_files = bool(called & _READERS), bool(called & _LISTS)
        self._bases = {node.value for node in ast.walk(module) if isinstance(node, ast.Attribute)}
        for node in ast.walk(module):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.asname or alias.name.split(".")[0]
                    self._imported[name] = alias.name if alias.asname else name
                    self._whole.add(name)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    self._imported[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def found(self, asked_for: str, reported: bool) -> Iterator[str]:
        honest = set(honest_uses.found(self._module, self._dotted, set(self._imported), asked_for))
        for node in ast.walk(self._module):
            if node in honest:
                continue
            yield from self._imports(node)
            yield from self._names(node)
            yield from self._patches(node)
            yield from lying_comparisons.found(node)
            yield from self._made_up(node)
            yield from self._looks_for_tests(node)
            if (text := _folded(node)) is not None and "\n" not in text:
                yield from (f"names `{word}`" for word in _TEXTS if word in text and word != "pytest")
                if text.strip() in ("pytest", ".git"):  # a copy that is tested has no `.git`
                    yield f"names `{text.strip()}`"
        yield from early_ends.at_import(self._module.body, self._dotted)
        yield from mock_records.found(self._module)
        if not reported:
            yield from early_ends.found(self._module, self._dotted)

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
            if node.attr in _FRAME_NAMES:
                yield f"uses `{node.attr}`"
            if node.attr in _DYNAMIC and isinstance(node.value, ast.Name) and node.value.id in self._whole:
                yield f"reaches `{node.attr}` through `{node.value.id}`"
        elif isinstance(node, ast.Name) and node.id in ("__builtins__", "__import__", "__debug__"):
            yield f"uses `{node.id}`"
        elif isinstance(node, ast.Name) and node not in self._bases and isinstance(node.ctx, ast.Load):
            if node.id in self._whole and self._imported[node.id] in _DYNAMIC:
                yield f"hands `{self._imported[node.id]}` on as a value"
        elif isinstance(node, ast.Call) and node.args:
            name, function = self._dotted(node.args[0]), self._dotted(node.func)
            if name in _DYNAMIC and name in self._imported.values():
                yield f"looks a name up in `{name}` with `{function or 'a call'}`"
            elif function in ("setattr", "delattr") and name in self._imported.values():
                yield f"changes `{name}`"

    def _made_up(self, node: ast.AST) -> Iterator[str]:
        """Code and modules that nobody can read in the change: made up while it runs."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("pytest_"):
            yield f"defines `{node.name}`"
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            if node.id in _OF_THE_MODULE or node.id.startswith("pytest_"):
                yield f"changes `{node.id}`"
        elif isinstance(node, ast.Call):
            function = self._dotted(node.func)
            if function in ("exec", "builtins.exec"):
                yield "runs a text with `exec`"
            elif function in ("eval", "compile") and node.args and not isinstance(node.args[0], _PLAIN):
                yield f"runs a text that it makes up with `{function}`"
            elif function in _IMPORTERS and node.args:
                top = _module_named(node.args[0])
                if top is None or top in _RUNNER_MODULES | _PROCESS_MODULES | _DYNAMIC:
                    yield f"imports {f'`{top}`' if top else 'a module by a name that is made up'} with `{function}`"

    def _looks_for_tests(self, node: ast.AST) -> Iterator[str]:
        """Asks how the program was started, or reads files, by the word "test"."""
        if isinstance(node, ast.Compare | ast.Call | ast.BoolOp):
            names = {self._dotted(n) for n in ast.walk(node) if isinstance(n, ast.Attribute)} & _HOW_IT_RUNS
            if names and any(test_words.tells(text) or text in _RUNNER_MODULES for text in self._asked_for(node)):
                yield f"looks for tests in `{min(names)}`"
            called = [self._dotted(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)]
            values = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
            if isinstance(node, ast.Compare) and any(values) and (asked := _OF_THE_SANDBOX & set(called)):
                yield f"asks `{min(asked)}` for one value"
            if (
                isinstance(node, ast.Call)
                and called[0] == "len"
                and self._dotted(node.args[0] if node.args else node) in _ENVIRONMENT
            ):
                yield "counts the variables of its environment"
            if (stream := _class_of_a_stream(node, self._dotted)) is not None:
                yield f"asks what `{stream}` is"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from self._by_detours(node)
        if isinstance(node, ast.Call):
            yield from self._looks_for_files(node)
        if isinstance(node, ast.Compare) and self._asks_for_a_date(node):
            yield "compares the present with a date of its own"
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        if self._reads_files and " " not in text and "\n" not in text and _TEST_FILE.search(text):
            yield f"reads files and names `{text[:40]}`"

    def _asked_for(self, node: ast.AST) -> Iterator[str]:
        """The texts of an expression, without the words that a variable of the project's own is compared with."""
        if isinstance(node, ast.Compare) and self._is_own_variable(node.left):
            words = [text for n in node.comparators for text in self._asked_for(n)]
            if all(text.isalpha() for text in words):
                return
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        for child in ast.iter_child_nodes(node):
            yield from self._asked_for(child)

    def _is_own_variable(self, node: ast.AST) -> bool:
        """`environ["APP_MODE"]`, `environ.get("APP_MODE", "x").lower()`, `getenv("APP_MODE")`."""
        asked = {self._dotted(n) for n in ast.walk(node) if isinstance(n, ast.Attribute)} & _HOW_IT_RUNS
        names = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        return bool(asked) and asked <= _ENVIRONMENT and bool(names) and test_words.is_of_the_project(names[0])

    def _looks_for_files(self, call: ast.Call) -> Iterator[str]:
        """Asks whether the tests' files are there, or looks for them among the names of files."""
        inside = [n.value for n in ast.walk(call) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        name = _last_name(call.func)
        if name in _LOOKS and (named := [text for text in inside if _TESTS_FOLDER.match(text)]):
            yield f"asks whether `{named[0]}` is there"
        elif self._lists_files and name in _TEXT_BEGINS and any(text.startswith("test") for text in inside):
            yield "looks for the tests' files"

    def _asks_for_a_date(self, compared: ast.Compare) -> bool:
        sides = [compared.left, *compared.comparators]
        calls = [side for side in sides if isinstance(side, ast.Call)]
        present = [c for c in calls if ".".join(self._dotted(c.func).split(".")[-2:]) in _NOW]
        own = [c for c in calls if c.args and all(isinstance(a, ast.Constant) for a in c.args) and c not in present]
        numbers = [s.value for s in sides if isinstance(s, ast.Constant) and isinstance(s.value, int | float)]
        return bool(present) and (bool(own) or any(number > _A_DATE_S for number in numbers))

    def _by_detours(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
        """Variables of a runner by a part of their name, or its caller by the place that a warning names."""
        inside = list(ast.walk(function))
        dotted = {self._dotted(node) for node in inside if isinstance(node, ast.Attribute | ast.Name)}
        texts = [text for node in inside if (text := _folded(node)) is not None and len(text) >= 4]
        named = [text for text in texts for name in _RUNNERS_VARIABLES if name.startswith(text) or name[::-1] == text]
        if named and dotted & _ENVIRONMENT:
            yield f"looks for `{named[0]}` in the environment"
        if dotted & {"warnings.catch_warnings"} and any(getattr(n, "attr", "") == "filename" for n in inside):
            yield "finds its caller through a warning"

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
            if isinstance(inner, ast.Attribute) and isinstance(root, ast.Name) and self._is_of_others(root.id):
                name = self._dotted(inner)
                if not name.endswith(".environ"):
                    yield f"changes `{name}`"

    def _is_of_others(self, name: str) -> bool:
        return name in self._whole or self._imported.get(name, "").split(".")[0] in _OTHERS_MODULES


def _class_of_a_stream(node: ast.AST, dotted: Callable[[ast.AST], str]) -> str | None:
    """The standard stream whose class is asked for: under a runner it is another one."""
    for one in ast.walk(node):
        asked: ast.AST | None = None
        if isinstance(one, ast.Call) and getattr(one.func, "id", "") in ("type", "isinstance") and one.args:
            asked = one.args[0]
        elif isinstance(one, ast.Attribute) and one.attr == "__class__":
            asked = one.value
        if asked is not None and (name := dotted(asked)) in _STREAMS:
            return name
    return None


def _last_name(function: ast.AST) -> str:
    return str(getattr(function, "id", getattr(function, "attr", "")))


def _folded(node: ast.AST) -> str | None:
    """The text of a constant, or of constants that are put together with `+`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _folded(node.left), _folded(node.right)
        return None if left is None or right is None else left + right
    value = node.value if isinstance(node, ast.Constant) else None
    return value.decode("latin-1") if isinstance(value, bytes) else value if isinstance(value, str) else None


def _module_named(node: ast.AST) -> str | None:
    """The top of the module that an argument names; "" where the caller names it; None where the text is made up."""
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
    text = _folded(node)
    if text is not None:
        return text.split(".")[0]
    return "" if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) else None
