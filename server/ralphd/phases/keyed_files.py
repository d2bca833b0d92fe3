"""Project files of which only some keys decide what tools do: scripts, the build, the runner. The others may be edited."""

from __future__ import annotations

import configparser
from collections.abc import Callable, Mapping
from typing import Any

from ralphd.core import foreign_json, foreign_toml
from ralphd.phases.control_files import fold

_PACKAGE_FREE = frozenset(
    "name version description keywords author contributors maintainers license licenses homepage repository bugs funding"
    " private dependencies peerDependencies peerDependenciesMeta browserslist prettier eslintConfig eslintIgnore".split()
)
_PROJECT_FREE = frozenset(
    "name version description readme keywords authors maintainers license license-files classifiers urls dependencies"
    " optional-dependencies requires-python".split()
)
_TOOLS_FREE = frozenset(
    "ruff black isort flake8 mypy pyright pylint bandit codespell yapf pydocstyle towncrier".split()
)
_LOADS_CODE = frozenset({"plugins", "load-plugins"})
"""Keys of such tools that name code to load."""
_RUNNERS = frozenset(
    "pytest tool:pytest pytest.ini_options jest vitest mocha ava tap nyc c8 coverage tox nox unittest nose2".split()
)


def is_keyed(path: str) -> bool:
    """Whether only some keys of the file are guarded."""
    return fold(path).rsplit("/", 1)[-1] in _READERS


def guarded_keys(path: str, before: str, after: str) -> tuple[str, ...]:
    """The guarded keys that differ, sorted; all of them as "(unreadable)" where a text cannot be read."""
    read = _READERS[fold(path).rsplit("/", 1)[-1]]
    try:
        old, new = read(before), read(after)
    except (ValueError, TypeError, RecursionError, configparser.Error):
        return ("(unreadable)",)
    return tuple(sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key)))


def belongs_to_runner(key: str) -> bool:
    """Whether a guarded key is the test runner's configuration, which is locked like the tests."""
    return any(part in _RUNNERS for part in (key, *key.split("."), key.removeprefix("tool.")))


def _package(text: str) -> Mapping[str, Any]:
    return {key: value for key, value in _table(foreign_json.parse(text)).items() if key not in _PACKAGE_FREE}


def _pyproject(text: str) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for key, value in foreign_toml.parse(text).items():
        if key == "project" and isinstance(value, dict):
            found |= {f"project.{inner}": one for inner, one in value.items() if inner not in _PROJECT_FREE}
        elif key == "tool" and isinstance(value, dict):
            for tool, table in value.items():
                found |= _of_tool(f"tool.{tool}", tool, table)
        else:
            found[key] = value
    return found


def _setup_cfg(text: str) -> Mapping[str, Any]:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    found: dict[str, Any] = {}
    for section in parser.sections():
        values = dict(parser.items(section))
        if section == "metadata":
            continue
        found |= _of_tool(section, section.split(":", 1)[0], values)
    return found


def _of_tool(name: str, tool: str, table: Any) -> dict[str, Any]:
    """What is guarded in the table of one tool."""
    if tool not in _TOOLS_FREE:
        return {name: table}
    inside = {key: value for key, value in table.items() if key in _LOADS_CODE} if isinstance(table, dict) else {}
    return {f"{name}.{key}": value for key, value in inside.items()}


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


_READERS: Mapping[str, Callable[[str], Mapping[str, Any]]] = {
    "package.json": _package,
    "pyproject.toml": _pyproject,
    "setup.cfg": _setup_cfg,
}
