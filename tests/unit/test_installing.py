"""The command that brings the embedded model's server fits what made the environment."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from pathlib import Path

import pytest

from ralphd.local_model.installing import install_line

UV = '[tool]\nrequirements = [{ name = "rich", specifier = ">13" }, { name = "ralphd", %s }]\nentrypoints = [{ name = "ralphd" }]\n'


@pytest.mark.parametrize(
    ("leaves", "text", "words"),
    [
        (
            "uv-receipt.toml",
            UV % 'specifier = "==0.1.0"',
            ["uv", "tool", "install", "--with", "rich>13", "--with", "{server}", "ralphd==0.1.0"],
        ),
        (
            "uv-receipt.toml",
            UV % 'path = "/r/a b.whl"',
            ["uv", "tool", "install", "--with", "rich>13", "--with", "{server}", "/r/a b.whl"],
        ),
        ("uv-receipt.toml", "[tool", ["uv", "tool", "install", "--with", "{server}", "ralphd"]),
        ("pipx_metadata.json", "{}", ["pipx", "inject", "ralphd", "{server}"]),
        ("", "", [sys.executable, "-m", "pip", "install", "{server}"]),
    ],
    ids=["uv by name", "uv by a file", "uv, torn", "pipx", "pip"],
)
def test_how_it_was_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leaves: str, text: str, words: list[str]
) -> None:
    prefix = tmp_path / "ralphd"
    prefix.mkdir()
    if leaves:
        (prefix / leaves).write_text(text)
    monkeypatch.setattr(sys, "prefix", str(prefix))
    given = shlex.split(install_line())
    [server] = [word for word in given if word.startswith("xllamacpp==")]
    assert given == [word.format(server=server) for word in words]


def test_an_environment_without_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As uv makes one."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else find(name))
    assert install_line().startswith(f"uv pip install --python {shlex.quote(sys.executable)} xllamacpp==")
