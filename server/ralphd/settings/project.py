"""Which folder is the project of a file, which folder in it is the file's own package, and what its configuration is called.

The one rule, for the command line and for editors. The root: the workspace folder where an editor gives one, else
`--root`, else `project_root`. Inside the root, `package_folder` says where the file's tests run. Reads the disk: a few
look-ups and at most three small files for each folder. Imports nothing that takes time.
"""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from ralphd.core import foreign_json, foreign_toml
from ralphd.core.paths import within
from ralphd.core.regular_files import read_regular

CONFIG_NAME = "ralph.config.yaml"
_WORKSPACE_FILES = ("pnpm-workspace.yaml", "go.work", "lerna.json", "nx.json", "rush.json")
"""Files that only the root of a workspace of several packages has."""
_PYTHON = ("pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "noxfile.py", "pytest.ini", "manage.py")
_OTHERS = ("go.mod", "Cargo.toml", "pom.xml", "build.gradle", "build.gradle.kts", "composer.json", "Gemfile")
_BESIDE_TESTS = ("Makefile", "makefile", "GNUmakefile", "requirements.txt", "Pipfile", "justfile")
"""Files that many folders have: one marks a package only where tests lie beside it."""
_TEST_FOLDERS = ("tests", "test", "spec", "__tests__")
_SCRIPTS = frozenset("js mjs cjs jsx ts mts cts tsx vue svelte".split())
_MAX_BYTES = 1 << 20
"""A bigger manifest is taken to say nothing."""


def project_root(path: str) -> str | None:
    """The root of the project that the file at `path` (absolute) belongs to; None where there is none.

    Upwards, the first folder that is a repository or the root of a workspace of uv, npm, pnpm, cargo or go. Without any,
    the outermost folder that is marked as a package. The person's home, what is above it, and folders that everybody
    may write to are never a project.
    """
    home, outermost = os.path.realpath(os.path.expanduser("~")), None
    for folder in _upwards(os.path.dirname(path)):
        if within(home, os.path.realpath(folder)) or _everybodys(folder):
            break
        if os.path.lexists(os.path.join(folder, ".git")) or _is_workspace(folder):
            return folder
        if _is_package(folder, ""):
            outermost = folder
    return outermost


def package_folder(root: str, path: str) -> str:
    """Where the tests of the file `path` run, relative to `root` as `path` is: the nearest folder that is a package of
    the file's language or holds a configuration file; "" for the root."""
    folder = PurePosixPath(path).parent
    while folder.parts:
        if _is_package(os.path.join(root, folder), PurePosixPath(path).suffix.removeprefix(".").lower()):
            return folder.as_posix()
        folder = folder.parent
    return ""


def _upwards(folder: str) -> Iterator[str]:
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def _everybodys(folder: str) -> bool:
    """Such as /tmp: what lies there may be anybody's."""
    try:
        mode = os.stat(folder).st_mode
    except OSError:
        return False
    return bool(mode & stat.S_ISVTX and mode & stat.S_IWOTH)


def _is_workspace(folder: str) -> bool:
    if any(os.path.isfile(os.path.join(folder, name)) for name in _WORKSPACE_FILES):
        return True
    if "workspaces" in _json(os.path.join(folder, "package.json")):
        return True
    if "workspace" in _json(os.path.join(folder, "deno.json")):
        return True
    if "workspace" in _toml(os.path.join(folder, "Cargo.toml")):
        return True
    tools = _toml(os.path.join(folder, "pyproject.toml")).get("tool")
    managers = [tools.get(name) for name in ("uv", "rye", "hatch")] if isinstance(tools, dict) else []
    return any(isinstance(one, dict) and "workspace" in one for one in managers)


def _is_package(folder: str, suffix: str) -> bool:
    """`suffix`: of the file that is asked about, without its dot; "" for any."""
    if _has(folder, CONFIG_NAME):
        return True
    python = suffix in ("py", "pyi", "pyx", "pxd", "pxi")
    if suffix in _SCRIPTS:
        return _is_npm_package(folder)
    if suffix == "go":
        return _has(folder, "go.mod")
    if suffix == "rs":
        return _has(folder, "Cargo.toml")
    if any(_has(folder, name) for name in _PYTHON) and (not suffix or python):
        return True
    if not suffix and (_is_npm_package(folder) or any(_has(folder, name) for name in _OTHERS)):
        return True
    return any(_has(folder, name) for name in _BESIDE_TESTS) and _has_tests(folder)


def _is_npm_package(folder: str) -> bool:
    """A package.json may also do no more than say how the files of a folder are to be loaded (`{"type": "module"}`)."""
    return bool({"name", "scripts", "workspaces"} & _json(os.path.join(folder, "package.json")).keys())


def _has(folder: str, name: str) -> bool:
    return os.path.isfile(os.path.join(folder, name))


def _has_tests(folder: str) -> bool:
    if any(os.path.isdir(os.path.join(folder, name)) for name in _TEST_FOLDERS):
        return True
    try:
        return any(name.startswith("test_") or name.endswith("_test.py") for name in os.listdir(folder))
    except OSError:
        return False


def _json(path: str) -> dict[str, Any]:
    try:
        found = foreign_json.parse(_read(path).removeprefix(codecs.BOM_UTF8))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _toml(path: str) -> dict[str, Any]:
    try:
        return foreign_toml.parse(_read(path).decode("utf-8-sig"))
    except ValueError:
        return {}


def _read(path: str) -> bytes:
    """Nothing where there is no such regular file, or a bigger one than is read."""
    data = read_regular(path, _MAX_BYTES + 1)
    return data if data is not None and len(data) <= _MAX_BYTES else b""
