"""Second opinions in a real Neovim, by keyboard: the votes in the message, the versions to read, the input as a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.neovim.session import Neovim
from tests.loop.test_opinions import ASKS_FIRST, CATCHES, SHARES, TEST, WITHOUT_IF
from tests.support.projects import write
from tests.support.scripted_server import ScriptedServer

pytestmark = pytest.mark.e2e


@pytest.fixture
def document(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    write(project, {"shares.py": SHARES, "tests/test_shares.py": TEST, "conftest.py": "", ".git/HEAD": ""})
    return project / "shares.py"


def test_votes_versions_and_a_pinned_test(editor: Neovim, model: ScriptedServer, document: Path) -> None:
    model.replies = [ASKS_FIRST, WITHOUT_IF, CATCHES]
    editor.keys("/whole != 0<CR>:Ralph opinions<CR>")
    ended = editor.run_ended()
    assert (ended["outcome"], ended["findings"]) == ("reviewed", 1), ended
    assert all("100.0 * part" not in asked.prompt for asked in model.requests), "nobody is shown the body"

    editor.keys("gg]d")
    editor.wait("the cursor is at the finding", lambda: editor.nvim.current.window.cursor[0] == 1)
    editor.keys(":lua vim.diagnostic.open_float()<CR>")
    editor.wait("the votes", lambda: "3 of 3 independent versions written from" in editor.screen())
    assert ", 0)` gives None" in editor.screen()
    editor.picture("votes")
    editor.keys("<Esc>0")

    editor.keys(":Ralph versions<CR>")
    editor.wait("the versions", lambda: "except ZeroDivisionError" in editor.text() and "# gives 0" in editor.text())
    assert editor.lua("return vim.bo.filetype") == "python", "in its language's colours"
    editor.picture("versions")
    editor.keys(":bdelete<CR>")

    editor.wait("back in the file", lambda: editor.nvim.current.buffer.name.endswith("shares.py"))
    editor.cursor(1)
    editor.keys(":Ralph pin<CR>")
    editor.wait("a new file waits", lambda: [name for _, _, name in editor.changes()] == ["test_shares_opinion.py"])
    assert "new file test_shares_opinion.py (change 1 of 1) · :Ralph next shows it" in editor.screen()
    editor.picture("pinned")
    editor.keys(":Ralph accept all<CR>")
    editor.wait("it is accepted", lambda: not editor.changes())
    editor.keys(":wall<CR>")
    pinned = document.parent / "tests" / "test_shares_opinion.py"
    editor.wait("it is saved", lambda: pinned.exists() and ", 0) == 0" in pinned.read_text())
