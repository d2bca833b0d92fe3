"""A Neovim without our plugin, by the entry for nvim-lspconfig: what any LSP client gets, endings with buttons too."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.editor_installs import install
from tests.e2e.neovim.session import Neovim
from tests.support.scripted_server import Reply, ScriptedServer

pytestmark = pytest.mark.e2e

ENTRY = Path(__file__).resolve().parents[2] / "editors" / "nvim-lspconfig" / "ralphd.lua"


@pytest.fixture
def model() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


def test_an_ending_has_buttons(model: ScriptedServer, tmp_path: Path) -> None:
    folder, state = tmp_path / "project", tmp_path / "person"
    plugin = tmp_path / "entry" / "lsp"
    for made in (folder, plugin):
        made.mkdir(parents=True)
    (folder / "a.py").write_text("def f():\n    pass\n")
    (plugin / "ralphd.lua").write_text(ENTRY.read_text(encoding="utf-8"))
    config = state / "config" / "ralphd" / "config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text(
        f"models: {{default: {{model: openai/scripted, api_base: {model.base_url}, api_key: '${{SCRIPTED_KEY}}'}}}}\n"
    )
    command = json.dumps([sys.executable, "-m", "ralphd", "serve"])
    given = {"SCRIPTED_KEY": "sk-x", "RALPHD_PLUGIN": str(plugin.parent), "RALPHD_COMMAND": command}
    editor = Neovim(install("neovim-wheel"), folder / "a.py", state, given)
    try:
        assert editor.attached() == "ralphd"
        model.replies = [Reply("no access", status=403)]
        editor.cursor(2)
        editor.choose("gra", "Ralph: implement", stays=True)
        offered = editor.choose("", "Choose a model")
        assert offered[0] == "Set key" and "Show log" in offered, offered
        editor.wait("the person's own file, where models are set", lambda: editor.text() == config.read_text())
    finally:
        editor.quit()
