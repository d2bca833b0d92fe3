"""The invariants of ARCHITECTURE.md, each held here or in the test named beside it there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "server" / "ralphd"
FILES = sorted(
    p
    for p in PACKAGE.rglob("*.py")
    if not {"demo_project", "pytest_plugins", "runner_plugins", "plain_process"} & {*p.parts}
)

COMMON = {"core", "errors"}
ALLOWED: dict[str, set[str]] = {
    "core": {"core", "errors"},
    "errors": set(),
    "settings": {"settings", *COMMON},
    "context": {"context", "settings.schema", *COMMON},
    "sandbox": {"sandbox", "settings.schema", *COMMON},
    "models": {"models", "settings.schema", *COMMON},
    "model_host": {"model_host", "models", "settings.schema", "settings.variables", "settings.yaml_text", *COMMON},
    "local_model": {"local_model", "settings.schema", *COMMON},
    "prompts": {"prompts", *COMMON},
    "answers": {"answers", "context", *COMMON},
    "retrieval": {"retrieval", "answers", "context", *COMMON},
    "judging": {"judging", "context", "sandbox", "settings.schema", *COMMON},
    "attack": {"attack", "judging", "answers", "context", "sandbox", "settings.schema", *COMMON},
    "opinions": {"opinions", "attack", "judging", "context", "sandbox", *COMMON},
    "phases": {
        "phases",
        "opinions",
        "answers",
        "retrieval",
        "judging",
        "attack",
        "models.gateway",
        "context",
        "sandbox",
        "prompts",
        "settings.schema",
        "settings.project",
        *COMMON,
    },
    "loop": {
        "loop",
        "opinions",
        "phases",
        "answers",
        "judging",
        "attack",
        "context",
        "models.gateway",
        "models.ledger",
        "sandbox",
        "settings.schema",
        "prompts",
        *COMMON,
    },
    "lsp": {"lsp", "settings", "__init__", *COMMON},
    "state": {"state", *COMMON},
    "backend": {"backend", "state", "models", "model_host", "local_model", "settings", *COMMON},
    "runs": {
        "runs",
        "opinions",
        "backend",
        "state",
        "loop",
        "phases",
        "judging",
        "attack",
        "context",
        "models",
        "model_host",
        "sandbox",
        "settings",
        *COMMON,
    },
    "app": {"app", "runs", "backend", "state", "models.gateway", "settings", *COMMON},
    "shell": {
        "shell",
        "app",
        "phases.answer_reader",
        "judging.suggested_command",
        "judging.workspace_files",
        "context",
        "runs",
        "backend",
        "state",
        "lsp.client",
        "models",
        "model_host.chains",
        "settings",
        "local_model",
        "sandbox",
        "__init__",
        *COMMON,
    },
    "cli": {"cli", "app", "shell", "state", "lsp", "settings", "__init__", *COMMON},
}
ONLY = {
    "litellm": {"model_host/child/provider_library.py"},
    "pygls": {p.relative_to(PACKAGE).as_posix() for p in (PACKAGE / "lsp").rglob("*.py")},
    "lsprotocol": {p.relative_to(PACKAGE).as_posix() for p in (PACKAGE / "lsp").rglob("*.py")},
}
ENVIRON = ("cli.py", "model_host/child/keys.py")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_import_rules(path: Path) -> None:
    part = name_of(path).split("/")[0].removesuffix(".py")
    if part in ("__init__", "__main__"):
        return
    allowed = ALLOWED[part]
    for name in imports(path):
        top = name.split(".")[0]
        if top in ONLY:
            assert name_of(path) in ONLY[top], f"{name_of(path)} imports {name}"
        if top != "ralphd" or name == "ralphd":
            continue
        inner = name.removeprefix("ralphd.")
        fits = any(inner == rule or inner.startswith(rule + ".") for rule in allowed)
        parent = inner in {rule.split(".")[0] for rule in allowed if "." in rule}
        assert fits or parent or inner == "__version__", f"{name_of(path)} imports {name}"


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(path: Path, modules: Collection[str]) -> set[str]:
    """The modules among `modules` that the one at `path` imports; `from package import module` means the module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in modules else node.module)
    return found & set(modules)


def test_no_import_cycles() -> None:
    """Among the modules of the whole package, imports for type checking included: a circle hides behind those too."""
    modules = {module_of(path): path for path in FILES}
    graph = {name: imported_modules(path, modules.keys()) - {name} for name, path in modules.items()}
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name not in done:
            for other in sorted(graph[name]):
                walk(other, (*trail, name))
            done.add(name)

    for name in graph:
        walk(name, ())
    assert graph["ralphd.lsp.server"], "the graph was read"


@pytest.mark.parametrize("path", [p for p in FILES if name_of(p).startswith("lsp/")], ids=name_of)
def test_components_of_the_language_server_do_not_know_it(path: Path) -> None:
    """They are handed an outbox: only the command line imports the server, and only the server holds itself."""
    if name_of(path) != "lsp/server.py":
        assert "RalphServer" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [p for p in FILES if name_of(p).startswith(("core/", "errors.py"))], ids=name_of)
def test_core_is_standard_library_only(path: Path) -> None:
    for name in imports(path):
        assert name.split(".")[0] in {*sys.stdlib_module_names, "ralphd"}, name


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_environment_is_read_in_few_places(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if name_of(path) not in ENVIRON:
        assert not re.search(r"os\.(environ|getenv)\b", text), name_of(path)


MOST_LINES, MOST_FUNCTION_LINES = 400, 50


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_stay_readable(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    assert len(lines) <= MOST_LINES
    assert not lines or lines[0].startswith('"""'), "the first line says what the module is for"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MOST_FUNCTION_LINES, f"{node.name} has {length} lines"


BIG_FILES: tuple[str, ...] = ()
"""Tracked files that may be over 500 kB, each with its reason."""


def test_no_big_file_is_tracked() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    sizes = {name: (ROOT / name).stat().st_size for name in listed.split("\0") if name and (ROOT / name).is_file()}
    assert not [name for name, size in sizes.items() if size > 500_000 and name not in BIG_FILES]
    assert not [name for name in sizes if name.endswith((".whl", ".so", ".dll", ".exe", ".pyc", ".vsix", ".gguf"))]


def test_handlers_do_not_block() -> None:
    """asyncio tasks, never `@server.thread`: a thread cannot be cancelled."""
    for path in FILES:
        assert not re.search(r"^\s*@\w+\.thread\(", path.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.row("C2")
def test_server_starts_without_litellm_and_stays_light() -> None:
    """Invariant 7, and no litellm in the server: importing all that the server runs on loads none of it."""
    code = (
        "import sys; sys.modules['litellm'] = None\n"
        "import ralphd.lsp.server, ralphd.app\n"
        "heavy = [m for m in ('litellm', 'openai', 'httpx', 'xllamacpp', 'rich') if sys.modules.get(m)]\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


PARSERS = {
    r"\bast\.parse\(|(?<![.\w])compile\(": {"core/python_source.py", "settings/export.py"},
    r"\.Parser\(": {"context/languages.py"},
}
"""Calls that read source which others wrote, and the files that make them: there, and there alone, is the limit to what
they may take. The maker of documents reads our own."""


@pytest.mark.parametrize("call", PARSERS, ids=str)
def test_source_is_parsed_in_one_place(call: str) -> None:
    for path in FILES:
        if name_of(path) not in PARSERS[call]:
            assert not re.search(call, path.read_text(encoding="utf-8")), name_of(path)


def test_stdout_is_left_alone() -> None:
    """Invariant 6: only the shell prints."""
    for path in FILES:
        if not name_of(path).startswith(("shell/", "cli.py", "settings/export.py")):
            assert not re.search(r"(?<![\w.])print\(", path.read_text(encoding="utf-8")), name_of(path)


def test_no_private_places_in_the_tree() -> None:
    """No path of a developer's machine and no registry's address in what is committed."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in listed:
        path = ROOT / name
        if path.suffix in (".png", ".ico") or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for word in (
            '"resolved": "http',
            "index-url http",
            "index-url=http",
            str(Path.home()) + "/" if str(Path.home()) != "/" else "\0",
        ):
            assert word not in text or name == "tests/test_invariants.py", f"{name}: {word}"


def test_architecture_names_every_invariant() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 200
    for number in range(1, 15):
        line = re.search(rf"^{number}\. .*?(`tests/[\w/]+\.py(?:::\w+)?`)", text, re.MULTILINE | re.DOTALL)
        assert line, f"invariant {number} names no test"
        test = line[1].strip("`").split("::")
        assert (ROOT / test[0]).is_file(), test[0]
        if len(test) == 2:
            assert f"def {test[1]}(" in (ROOT / test[0]).read_text(encoding="utf-8"), test[1]
