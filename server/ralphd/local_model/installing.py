"""How the embedded model's server gets into the environment that runs this program: by whatever made that environment.

`pip install` would change another environment where uv or pipx made this one. Both leave a file in it that says so:
`uv-receipt.toml` (with what was asked for, such as the path of a wheel) and `pipx_metadata.json`.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shlex
import sys
from pathlib import Path
from typing import Any

from ralphd.core import foreign_toml

_EXTRA, _PACKAGE = "local", "xllamacpp"


def install_line() -> str:
    """The command to type. Reads one or two small files of the environment."""
    needed, prefix = _needed(), Path(sys.prefix)
    receipt = prefix / "uv-receipt.toml"
    if receipt.is_file():
        program, others = _asked_for(receipt)
        also = [word for requirement in (*others, *needed) for word in ("--with", requirement)]
        return shlex.join(["uv", "tool", "install", *also, program])
    if (prefix / "pipx_metadata.json").is_file():
        return shlex.join(["pipx", "inject", prefix.name, *needed])
    if importlib.util.find_spec("pip") is None:
        return shlex.join(["uv", "pip", "install", "--python", sys.executable, *needed])
    return shlex.join([sys.executable, "-m", "pip", "install", *needed])


def _needed() -> list[str]:
    """The requirements of the extra, as this installation names them: `xllamacpp==2026.10.11549`."""
    try:
        listed = importlib.metadata.requires("ralphd") or []
    except importlib.metadata.PackageNotFoundError:
        listed = []
    pairs = [requirement.split(";", 1) for requirement in listed]
    extra = f'"{_EXTRA}"'
    return [pair[0].strip() for pair in pairs if len(pair) == 2 and extra in pair[1].replace("'", '"')] or [_PACKAGE]


def _asked_for(receipt: Path) -> tuple[str, list[str]]:
    """What `uv tool install` was given for ralphd, and what it was to install with it, which it forgets when it is not
    said again."""
    try:
        told: Any = foreign_toml.parse(receipt.read_text(encoding="utf-8"))
        spelled = {str(one["name"]): _spelled(one) for one in told["tool"]["requirements"]}
    except (OSError, ValueError, KeyError, TypeError):
        spelled = {}
    return spelled.pop("ralphd", "ralphd"), list(spelled.values())


def _spelled(requirement: dict[str, Any]) -> str:
    """A requirement of a receipt as a word of the command line: a path, an address, or a name with its versions."""
    source = next((requirement[key] for key in ("path", "directory", "editable", "url") if key in requirement), None)
    return str(source or f"{requirement['name']}{requirement.get('specifier', '')}")
