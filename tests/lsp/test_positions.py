"""Columns are counted in the unit that the client speaks: UTF-8 bytes, UTF-16 halves or whole characters."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lsp.conftest import Start
from tests.support.editor_buffers import offset_at
from tests.support.fake_editor import FakeEditor

LINE = '{"x": "🙂🙂 é", "budgett": {"usd_per_run": 1}}  # 🙂\n'
"""What is wrong in it stands behind characters that each unit counts in its own way."""
PROFILES = {"vscode": "utf-16", "neovim-0.12": "utf-8", "eglot": "utf-32"}


async def wrong(editor: FakeEditor, uri: str, names: set[str]) -> None:
    """Until the texts under the problems of the document, in the editor's own text, are `names`."""

    def told() -> set[str]:
        text, found = editor.text(uri), editor.diagnostics.get(uri, [])
        ends = [[offset_at(text, one["range"][end], editor.encoding) for end in ("start", "end")] for one in found]
        return {text[start:end].strip("\"'") for start, end in ends}

    await editor.rpc.wait_for(lambda: told() == names, 20, f"{names}, not {told()}")


@pytest.mark.row("P6")
@pytest.mark.parametrize("profile", PROFILES)
async def test_both_ways(start: Start, project: Path, profile: str) -> None:
    """What the server tells stands where it says; what the person types behind such characters lands there."""
    (project / "ralph.config.yaml").write_text("{}\n")
    editor = await start(profile=profile)
    assert editor.encoding == PROFILES[profile]
    uri = await editor.open(project / "ralph.config.yaml")
    await editor.change(uri, 0, len(editor.text(uri)), LINE)
    await wrong(editor, uri, {"x", "budgett"})
    await editor.replace(uri, "budgett", "budget")
    await wrong(editor, uri, {"x"})
    await editor.replace(uri, "usd_per_run", "usd_per_rune")
    await wrong(editor, uri, {"x", "usd_per_rune"})
    await editor.replace(uri, "}}  # 🙂", '}, "yy": 1}  # 🙂')
    await wrong(editor, uri, {"x", "usd_per_rune", "yy"})
