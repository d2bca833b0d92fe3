"""Where a run works: the folder in which the test command runs, the environment it finds there, and both in one line."""

from __future__ import annotations

import os
import posixpath
import shlex
from collections.abc import Mapping, Sequence

from ralphd.core.run import RunRequest
from ralphd.judging.commands import program_index, runner_of
from ralphd.sandbox.programs import installed_packages, program_at, virtual_environments
from ralphd.settings.project import package_folder

_WHOLE_WORKSPACE = frozenset(
    "-w --workspace --workspaces -r --recursive --filter -F --all-packages --workspace-root".split()
)
"""Options of npm, pnpm, uv and cargo that choose among the members of a workspace."""
_PATHS_AFTER = frozenset({"pytest", "unittest", "go"})
"""Runners whose plain arguments are paths; elsewhere a word such as `test` is a script or a target."""


def run_folder(root: str, path: str, argv: Sequence[str]) -> str:
    """Where the command `argv` runs for the file `path`, relative to `root`: the folder of the file's package. A command
    that names paths which only the root has, or members of the workspace, runs in the root."""
    folder = package_folder(root, path)
    if not folder:
        return ""
    options = {word.split("=", 1)[0] for word in argv}
    if options & _WHOLE_WORKSPACE and runner_of(argv) != "pytest":
        return ""
    plain = runner_of(argv) in _PATHS_AFTER
    for at, word in enumerate(argv):
        name = word.split("=", 1)[-1] if word.startswith("-") else word.split("::", 1)[0]
        if not name or os.path.isabs(name) or not ("/" in name or (plain and at > program_index(argv))):
            continue
        if os.path.exists(os.path.join(root, name)) and not os.path.exists(os.path.join(root, folder, name)):
            return ""
    return folder


def in_words(request: RunRequest, argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """The first line of a run: its root, its environment and its command."""
    where = f", in its folder {request.folder}" if request.folder else ""
    tests = f"`{shlex.join(argv)}`" if argv else "no test command is set"
    return f"Project {request.root}{where}; environment: {environment(request, environ)}; tests: {tests}."


def environment(request: RunRequest, environ: Mapping[str, str]) -> str:
    """What the tests are run with, in words: relative to the workspace where it lies in it."""
    root, folder = request.root, request.folder
    suffix = posixpath.splitext(request.path)[1]
    found = virtual_environments(root, folder)[:1]
    packages = installed_packages(root, folder)
    if packages and (suffix not in (".py", ".pyi", ".pyx") or not found):
        found = [packages]
    if found:
        return found[0]
    if suffix in (".py", ".pyi", ".pyx"):
        active = environ.get("VIRTUAL_ENV") or environ.get("CONDA_PREFIX")
        return active or program_at(root, folder, "python", environ) or program_at(root, folder, "python3", environ)
    return "none of its own"
