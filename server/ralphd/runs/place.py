"""Where a run works: the folder in which the test command runs, the environment it finds there, and both in one line."""

from __future__ import annotations

import os
import posixpath
import shlex
from collections.abc import Mapping, Sequence

from ralphd.core.run import RunRequest
from ralphd.judging.commands import program_index, program_name, runner_of
from ralphd.sandbox.programs import installed_packages, program_at, virtual_environments
from ralphd.settings.project import package_folder

_MANAGERS = frozenset("npm pnpm yarn bun uv cargo turbo lerna nx rush deno".split())
_WHOLE_WORKSPACE = frozenset(
    "-w --workspace --workspaces -ws -r --recursive --filter -F --all-packages --workspace-root --all".split()
)
"""Options of the programs that manage a workspace which choose among its members. To a test runner that one of them starts
they mean something else: `mocha --recursive`, `jest -w 2`."""
_STARTS_ANOTHER = frozenset({"exec", "dlx", "x", "--"})
_FOLDER_OPTIONS = frozenset(
    "--prefix -C --cwd --dir --directory --chdir --manifest-path --project --rootdir --rootDir --config --file".split()
)
"""Options whose value is a path, also where it is one word."""
_PATHS_AFTER = frozenset({"pytest", "unittest", "go"})
"""Runners whose plain arguments are paths; elsewhere a word such as `test` is a script or a target."""


def run_folder(root: str, path: str, argv: Sequence[str]) -> str:
    """Where the command `argv` runs for the file `path`, relative to `root`: the folder of the file's package. A command
    that names paths which only the root has, or members of the workspace, runs in the root."""
    folder = package_folder(root, path)
    if not folder or _chooses_members(argv):
        return ""
    plain = runner_of(argv) in _PATHS_AFTER
    for at, word in enumerate(argv):
        name = word.split("=", 1)[-1] if word.startswith("-") else word.split("::", 1)[0]
        option = word.split("=", 1)[0] if "=" in word else argv[at - 1] if at else ""
        named = "/" in name or option in _FOLDER_OPTIONS or (plain and at > program_index(argv))
        if not name or os.path.isabs(name) or not named:
            continue
        if os.path.exists(os.path.join(root, name)) and not os.path.exists(os.path.join(root, folder, name)):
            return ""
    return folder


def _chooses_members(argv: Sequence[str]) -> bool:
    start = next((at for at, word in enumerate(argv) if program_name(word) in _MANAGERS), None)
    if start is None or runner_of(argv) == "pytest":
        return False
    own = argv[start : max(start + 1, program_index(argv))] if program_index(argv) > start else argv[start:]
    end = next((at for at, word in enumerate(own) if word in _STARTS_ANOTHER), len(own))
    return any(word.split("=", 1)[0] in _WHOLE_WORKSPACE for word in own[:end])


def in_words(request: RunRequest, argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """The first line of a run: its root, its environment and its command."""
    where = f", in its folder {request.folder}" if request.folder else ""
    tests = f"`{shlex.join(argv)}`" if argv else "no test command is set"
    return f"Project {request.root}{where}; environment: {environment(request, environ)}; tests: {tests}."


def environment(request: RunRequest, environ: Mapping[str, str]) -> str:
    """What the tests are run with, in words: relative to the workspace where it lies in it."""
    root, folder = request.root, request.folder
    suffix = posixpath.splitext(request.path)[1]
    own = virtual_environments(root, folder)[:1]
    if suffix in (".py", ".pyi", ".pyx"):
        active = environ.get("VIRTUAL_ENV") or environ.get("CONDA_PREFIX")
        there = (program_at(root, folder, name, environ) for name in ("python", "python3"))
        found = next(filter(None, (*own, active, *there)), "")
    else:
        found = next(filter(None, (installed_packages(root, folder), *own)), "")
    return found or "none of its own"
