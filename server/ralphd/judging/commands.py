"""What a test command really starts: the program behind launchers such as `uv run`, `env` or `python -m`.

Decided by walking the arguments the way the launchers read them, never by looking for a word: `pytest` may also be a
folder (`npm test -- pytest`), a package to install first (`uv run --with pytest pytest`) or a part of a name.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Runner = Literal["pytest", "unittest", "go", "cargo", "node", "other"]
NODE_LAUNCHERS = ("npm", "npx", "node", "pnpm", "yarn")


@dataclass(frozen=True)
class Launcher:
    """A program that starts another one: `subcommand` must follow it, then options, then the program."""

    subcommand: str = ""
    valued: frozenset[str] = frozenset()
    """Options that take the next argument as their value."""
    positionals: int = 0
    """Arguments of its own before the program, for instance the duration of `timeout`."""


_UV = "--with --with-editable --with-requirements --python -p --package --extra --group --only-group --env-file "
_UV += "--directory --project --index --default-index --find-links --cache-dir --config-file"
_LAUNCHERS: dict[str, Launcher] = {
    "uv": Launcher("run", frozenset(_UV.split())),
    "uvx": Launcher("", frozenset({"--from", *_UV.split()})),
    "poetry": Launcher("run", frozenset({"-C", "--directory", "-P", "--project"})),
    "pdm": Launcher("run", frozenset({"-p", "--project"})),
    "pipenv": Launcher("run"),
    "rye": Launcher("run"),
    "hatch": Launcher("run"),
    "pixi": Launcher("run", frozenset({"-e", "--environment", "--manifest-path"})),
    "conda": Launcher("run", frozenset({"-n", "--name", "-p", "--prefix", "--cwd"})),
    "mamba": Launcher("run", frozenset({"-n", "--name", "-p", "--prefix", "--cwd"})),
    "coverage": Launcher("run", frozenset({"--rcfile", "--source", "--include", "--omit", "--data-file"})),
    "env": Launcher("", frozenset({"-u", "--unset", "-C", "--chdir"})),
    "nice": Launcher("", frozenset({"-n", "--adjustment"})),
    "ionice": Launcher("", frozenset({"-c", "-n"})),
    "timeout": Launcher("", frozenset({"-k", "-s", "--kill-after", "--signal"}), positionals=1),
    "time": Launcher(),
    "stdbuf": Launcher("", frozenset({"-i", "-o", "-e"})),
    "xvfb-run": Launcher("", frozenset({"-n", "-s", "-e", "-f", "-w"})),
}
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*(?:t|w)?$")
_PYTHON_VALUED = frozenset({"-X", "-W", "--check-hash-based-pycs"})
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def program_name(word: str) -> str:
    """The file name of a program without its folder and without `.exe`."""
    return re.split(r"[\\/]", word)[-1].removesuffix(".exe")


def program_index(argv: Sequence[str]) -> int:
    """Index of the program that runs the tests; of the module's name after `python -m`. `len(argv)` where there is none."""
    at = 0
    while at < len(argv):
        name = program_name(argv[at])
        if _PYTHON.match(name):
            inner = _options_end(argv, at + 1, _PYTHON_VALUED)
            return inner if inner < len(argv) and argv[inner - 1] in ("-m", "--module") else at
        launcher = _LAUNCHERS.get(name)
        if launcher is None:
            return at
        inner = at + 1
        if launcher.subcommand:
            inner = _options_end(argv, inner, launcher.valued)
            if inner >= len(argv) or argv[inner] != launcher.subcommand:
                return at
            inner += 1
        inner = _options_end(argv, inner, launcher.valued)
        if argv[inner - 1] in ("-m", "--module"):
            return inner
        at = inner + launcher.positionals
    return len(argv)


def launched(argv: Sequence[str]) -> str:
    """The program that a launcher starts, as the command names it; "" where the command is no launcher, or changes where
    programs are looked for."""
    at = program_index(argv)
    while 0 < at < len(argv) and argv[at - 1] in ("-m", "--module"):
        at = max((n for n in range(at) if _PYTHON.match(program_name(argv[n]))), default=0)  # the module's interpreter
    elsewhere = any(word.startswith("PATH=") for word in argv[:at])
    return argv[at] if 0 < at < len(argv) and not elsewhere else ""


def _options_end(argv: Sequence[str], at: int, valued: frozenset[str]) -> int:
    """The first argument from `at` on that is no option, no option's value and no `NAME=value`."""
    while at < len(argv):
        word = argv[at]
        if word == "--":
            return at + 1
        if word in ("-m", "--module"):
            return at + 1
        if word in valued:
            at += 2
        elif (word.startswith("-") and len(word) > 1) or _ASSIGNMENT.match(word):
            at += 1
        else:
            return at
    return at


def runner_of(argv: Sequence[str]) -> Runner:
    """Which test runner the command starts directly; a script, make or tox is `other`, whatever it starts in turn."""
    at = program_index(argv)
    if at >= len(argv):
        return "other"
    name, after = program_name(argv[at]), list(argv[at + 1 : at + 3])
    if name in ("pytest", "py.test"):
        return "pytest"
    if name == "unittest" and argv[at - 1] in ("-m", "--module"):
        return "unittest"
    if name == "go" and after[:1] == ["test"]:
        return "go"
    if name == "cargo" and "test" in after:
        return "cargo"
    return "node" if name in NODE_LAUNCHERS else "other"


def starts_python_through_another(argv: Sequence[str]) -> bool:
    """Whether Python, if it runs at all, is started by a program that may give it another environment: env, make, a script."""
    first = program_name(argv[0]) if argv else ""
    return runner_of(argv) not in ("go", "cargo") and not _PYTHON.match(first) and first not in ("pytest", "py.test")


def with_report(
    argv: Sequence[str],
    *,
    only: Sequence[str] = (),
    stop: bool = False,
    reach_of: str = "",
    stall_s: float | None = None,
) -> list[str]:
    """`argv` with the runner's machine-readable report switched on, where that takes an argument, and with those for
    what else is wanted: the tests `only`, to `stop` at the first failure, which packages reach a file, and a limit."""
    runner = runner_of(argv)
    if runner == "go":
        at = program_index(argv) + 2
        given = {word.split("=")[0].replace("--", "-") for word in argv[at:]}
        added = [] if "-json" in given else ["-json"]
        names = sorted({go_test(name).split("/")[0] for name in only})
        if names and "-run" not in given:
            added.append(f"-run=^({'|'.join(names)})$")
        added += [f"-timeout={stall_s:.0f}s"] if stall_s is not None and "-timeout" not in given else []
        added += ["-failfast"] if stop and "-failfast" not in given else []
        if (
            reach_of.endswith(".go")
            and not reach_of.startswith("..")
            and not given & {"-cover", "-coverpkg", "-coverprofile"}
        ):
            added += [f"-coverpkg=./{posixpath.dirname(reach_of)}"]
        return [*argv[:at], *added, *argv[at:]]
    if runner == "cargo" and only:
        # The name of an example holds the line that it stands at, which moves: all examples of its item run.
        names = [name.partition(" (example ")[0] for name in only]
        exact = ("--exact",) if names == list(only) else ()
        return [*argv, *(() if "--" in argv else ("--",)), *exact, *dict.fromkeys(names)]
    return list(argv)


def go_test(name: str) -> str:
    """`TestX/case` of `example.com/m/p.TestX/case`: a package's path may hold dots, the name of a test begins with Test."""
    found = re.search(r"\.((?:Test|Example|Fuzz|Benchmark).*)$", name)
    return found[1] if found else name.rpartition(".")[2]


PLAIN = "--assert=plain"
"""The option of pytest that leaves modules as they are: an assertion that fails says less, and the start takes half the time."""


def pytest_prefix(argv: Sequence[str]) -> tuple[str, ...]:
    """The part of a test command that starts pytest; `python -m pytest` for a command that starts something else."""
    if runner_of(argv) == "pytest":
        return tuple(argv[: program_index(argv) + 1])
    return ("python", "-m", "pytest")
