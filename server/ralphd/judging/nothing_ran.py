"""Why a test command could run nothing on the project as it is, and what probably mends it. Pure.

A wrong command, an environment without its packages, another interpreter: no candidate can mend that, so the run ends
with the command's own last lines before any model is paid. What a candidate could mend is no such thing: a module of the
project that is still to be written, an error in the target itself.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ralphd.judging.commands import NODE_LAUNCHERS, program_name
from ralphd.judging.failures import told
from ralphd.judging.report_channel import OWN_PACKAGE
from ralphd.judging.tool_messages import SAID
from ralphd.judging.verdict import TestRun, says_some_tests

_LOOKED_AT = 20_000
"""Characters from the end of the output."""
_SHOWN_LINES, _SHOWN_CHARACTERS = 4, 200


@dataclass(frozen=True)
class Standstill:
    """`why` and `mend` are sentences without their full stops; `said` are the command's own last lines."""

    why: str
    mend: str
    said: tuple[str, ...] = ()

    def sentence(self) -> str:
        said = "".join(f"\n    {line}" for line in self.said)
        return f"Nothing could be tested: {self.why}. No model was asked to write. {self.mend}.{said}"


@dataclass(frozen=True)
class Project:
    """What of the project decides about the mend."""

    root: str
    folder: str
    """Where the command runs, relative to the root."""
    paths: Collection[str]
    target: str
    """Path of the file that the run is about."""
    instruction: str = ""

    def near(self, name: str) -> str | None:
        """The path of the file `name` in the run's folder, or in the nearest one above it."""
        folder = self.folder
        while True:
            path = posixpath.join(folder, name)
            if path in self.paths:
                return path
            if not folder:
                return None
            folder = posixpath.dirname(folder)

    def holds(self, name: str) -> bool:
        """Whether a file of the project has this path, or ends in it."""
        return any(f"/{path}".endswith(f"/{name}") for path in self.paths)

    def holds_module(self, name: str) -> bool:
        """Whether the project has a Python module or package of this dotted name, below any folder."""
        path = name.replace(".", "/")
        return any(f"/{one}".endswith(f"/{path}.py") or f"/{path}/" in f"/{one}" for one in self.paths)


def standstill(run: TestRun, project: Project) -> Standstill | None:
    """None where the command ran tests, or where what it met is a candidate's to mend."""
    if run.exit_code == 0 or run.timed_out or run.count("passed") or any("::" in name for name in run.cases):
        return None
    if not run.cases and (run.count("failed") or says_some_tests(run.output)):
        return None
    texts = [told(case.detail, project.root) for case in run.bad]
    output = told(run.output[-_LOOKED_AT:], project.root)
    found = _shell_syntax(run) or _without_our_plugin(run, output) or _missing_program(run, output, project)
    if found is None and not any(_to_be_written(text, project) for text in texts or [output]):
        found = (
            _missing_module(texts or [output], project)
            or _by_words(run, output, project)
            or _not_collected(run, texts, output, project)
        )
    if found is None:
        return None
    return Standstill(*found, said=_last_lines(texts[0] if texts and not run.not_found else output))


def _last_lines(text: str) -> tuple[str, ...]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    marked = [line for line in lines if line.startswith("E ")]
    return tuple(line[:_SHOWN_CHARACTERS] for line in (marked or lines)[-_SHOWN_LINES:])


# ---- the command's own form ----------------------------------------------------------------------------------------

_SHELL_WORDS = frozenset("&& || ; | & > >> < 2>&1 2> &>".split())
_SHELL_STARTS = frozenset("cd export source . set alias eval unset if for while { ( !".split())
_SET = re.compile(r"[A-Za-z_]\w*=")


def _shell_syntax(run: TestRun) -> tuple[str, str] | None:
    """Where the command is one for a shell: its words are given to the program as they stand, and there is no shell."""
    argv = run.command
    end = next((at for at, word in enumerate(argv) if not _SET.match(word)), len(argv))
    odd = next((word for word in argv if word in _SHELL_WORDS or (word.endswith(";") and len(word) > 1)), "")
    odd = odd or next((word for word in argv[:1] if word in _SHELL_STARTS or end), "")
    if not odd:
        return None
    only_sets = 0 < end < len(argv) and not _SHELL_WORDS & set(argv) and argv[end] not in _SHELL_STARTS
    line = " ".join(word if word in _SHELL_WORDS else _quoted(word) for word in argv)
    mend = f"env {line}" if only_sets and not any(word.endswith(";") for word in argv) else f"sh -c {shlex.quote(line)}"
    return f"the test command is started without a shell, which {odd!r} is for", f"Write `{mend}` as testing.command"


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[\w@%+=:,./;-]+|[{}()!]", word) else shlex.quote(word)


def _without_our_plugin(run: TestRun, output: str) -> tuple[str, str] | None:
    """Where pytest did not find the plugin that reports to us. No package is missing, and none of its name may be installed."""
    missing = any(OWN_PACKAGE.search(found[1]) for found in _PYTHON_MODULE.finditer(output))
    if not missing:
        return None
    option = next((word for word in run.command if re.fullmatch(r"-[A-Za-z]*[IE][A-Za-z]*", word)), "")
    if option:
        return (
            f"Python is started with {option}, so that it does not read PYTHONPATH",
            f"Leave {option} out of testing.command",
        )
    return (
        "the test command replaces PYTHONPATH, or starts Python with -I or -E; the tests report through a folder on it",
        'Write `PYTHONPATH=src:$PYTHONPATH` in place of `PYTHONPATH=src`, or `pythonpath = ["src"]` below '
        "[tool.pytest.ini_options] in pyproject.toml",
    )


# ---- programs ------------------------------------------------------------------------------------------------------

_NOT_FOUND = re.compile(
    r"^(?:[\w./-]{1,200}: )?(?:line )?(?:\d{1,9}: )?(?:exec: )?([\w./@+-]{1,200}): (?:command )?not found$"
    r"|^make(?:\[\d+\])?: ([\w./@+-]{1,200}): No such file or directory$"
    r"|\bspawn ([\w./@+-]{1,200}) ENOENT\b"
    r"|^(?:[\w./-]{1,60}/)?env: [‘'\"]?([\w./@+-]{1,200})[’'\"]?: No such file or directory$",
    re.MULTILINE,
)
_NOT_ALLOWED = re.compile(r"^[^\n]{0,200}?([\w./@+-]{1,200}): [Pp]ermission denied$", re.MULTILINE)


def _missing_program(run: TestRun, output: str, project: Project) -> tuple[str, str] | None:
    if run.not_found:
        return _without(run.command[0], run, project)
    if run.exit_code == 126 and (found := _NOT_ALLOWED.search(output)):
        return f"{found[1]} may not be executed", f"`chmod +x {found[1]}` makes it a program"
    if found := _NOT_FOUND.search(output):
        return _without(next(filter(None, found.groups())), run, project)
    return None


def _without(program: str, run: TestRun, project: Project) -> tuple[str, str]:
    name = program_name(program)
    if name in ("python", "python2") or re.fullmatch(r"python[23]\.\d+", name):
        return (
            f"there is no program {program!r} on the PATH of the tests",
            "Name the interpreter that there is in testing.command, for instance `python3`, or make the project's `.venv`",
        )
    if "/" in program:
        why = f"the test command starts {program!r}, which does not exist or names an interpreter that does not"
        return (
            why,
            f"Correct testing.command, which runs in {project.folder or 'the root'}, or make the environment again",
        )
    node = program in NODE_LAUNCHERS or (run.command and program_name(run.command[0]) in NODE_LAUNCHERS)
    if node and program not in NODE_LAUNCHERS:
        return f"the test command needs {program!r}, which is not installed", _install_node(project)
    return (
        f"the test command needs {program!r}, which was not found",
        f"{_install_python(project, name) if name in _PYTHON_TOOLS else f'Install {name}'}, or correct testing.command",
    )


_PYTHON_TOOLS = frozenset("pytest py.test tox nox coverage nose2 trial hatch poetry pdm pipenv django-admin".split())
_LOCKS = (
    ("uv.lock", "uv sync"),
    ("poetry.lock", "poetry install"),
    ("pdm.lock", "pdm install"),
    ("Pipfile", "pipenv install --dev"),
)
_NODE_LOCKS = (
    ("pnpm-lock.yaml", "pnpm install"),
    ("pnpm-workspace.yaml", "pnpm install"),
    ("yarn.lock", "yarn install"),
    ("bun.lock", "bun install"),
    ("bun.lockb", "bun install"),
)


def _install_python(project: Project, name: str) -> str:
    for lock, command in _LOCKS:
        if project.near(lock):
            return f"`{command}` installs what the project needs; if it is not among that, add {name} to it"
    return f"`python -m pip install {name}` in the environment that the first line of this run names installs it"


def _install_node(project: Project) -> str:
    command = next((command for lock, command in _NODE_LOCKS if project.near(lock)), "npm install")
    return f"`{command}` in the project installs its packages; test runs themselves have no network"


# ---- modules -------------------------------------------------------------------------------------------------------

_PYTHON_MODULE = re.compile(r"No module named '?([\w.]{1,200})'?")
_NODE_MODULE = re.compile(r"Cannot find (?:module|package) ['\"]([^'\"\n]{1,200})['\"]")


def _to_be_written(text: str, project: Project) -> bool:
    """Whether a failure is about a module that a candidate could bring: of a package that the project has, or named in
    the instruction."""
    if found := _NODE_MODULE.search(text):
        return found[1].startswith((".", "/", "#", "file:"))
    if (found := _PYTHON_MODULE.search(text)) is None:
        return False
    parts = found[1].split(".")
    if {parts[0], parts[-1]} & set(re.findall(r"\w+", project.instruction)):
        return True
    return project.holds_module(parts[0]) and not project.holds_module(found[1])


def _missing_module(texts: Sequence[str], project: Project) -> tuple[str, str] | None:
    """Where every failure is about a module that is not there, and no candidate can bring it."""
    if found := _first_of_all(_NODE_MODULE, texts):
        if any(path.startswith(f"{found.partition('/')[0]}/") for path in project.paths):
            where = project.folder or "the root"
            return f"{found} is not there; the command runs in {where}", "Correct testing.command, as seen from there"
        return f"the package {found!r} is not installed", _install_node(project)
    name = _first_of_all(_PYTHON_MODULE, texts)
    if not name:
        return None
    if project.holds_module(name):
        return (
            f"the tests cannot import {name!r}, which the project has",
            "Install the project into its environment (`python -m pip install -e .`), or put its folder on the import path "
            'of the tests (`pythonpath = ["src"]` below [tool.pytest.ini_options])',
        )
    top = name.split(".")[0]
    return f"the module {top!r} is not installed in the environment of the tests", _install_python(project, top)


def _first_of_all(pattern: re.Pattern[str], texts: Sequence[str]) -> str:
    """What `pattern` finds in the first text, where it finds something in each; else ""."""
    found = [pattern.search(text) for text in texts]
    return found[0][1] if found and found[0] and all(found) else ""


# ---- what the tools say --------------------------------------------------------------------------------------------


def _by_words(run: TestRun, output: str, project: Project) -> tuple[str, str] | None:
    if any(case.outcome != "error" for case in run.cases.values()):
        return None
    for one in SAID:
        if found := one.pattern.search(output):
            named = next((group.strip() for group in found.groups() if group), found[0])
            if named.endswith((".h", ".hpp")) and (named in project.instruction or project.holds(named)):
                continue  # a candidate's to write, or to include from the right place
            places = {"folder": project.folder or "the root", "node": _install_node(project)}
            places["python"] = _install_python(project, "the package")
            return one.why.format(named, **places), one.mend.format(named, **places)
    return None


def _not_collected(run: TestRun, texts: Sequence[str], output: str, project: Project) -> tuple[str, str] | None:
    """No test file could be read, and none of what stands in the way names the target."""
    if not run.expects_report and not run.cases:
        return None
    if not run.cases and run.exit_code not in (3, 4):
        return None
    if any(name in text for name in _names_of(project.target) for text in (*texts, output)):
        return None
    what = "no test file can be collected" if run.cases else f"the test runner ended with exit code {run.exit_code}"
    return what, "See what it says below, and that the command works in a terminal"


def _names_of(target: str) -> list[str]:
    """How a failure names the target: by its path or an end of it, or in quotes by a dotted name."""
    parts = posixpath.splitext(target)[0].removesuffix("/__init__").split("/")
    dotted = [f"'{'.'.join(parts[at:])}'" for at in range(len(parts))]
    return [target, "/".join(target.split("/")[-2:]), *dotted]
