"""A question that Neovim shows for longer than the server waits: the late answer is told and counts for the next run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.e2e.neovim.session import Neovim
from tests.e2e.slug_project import BODY, answers
from tests.support.scripted_server import ScriptedServer

pytestmark = pytest.mark.e2e

WAITS_A_SECOND = (
    "import sys; from ralphd.lsp import outbox; outbox.ASK_TIMEOUT_S = 1.0; "
    "from ralphd.cli import main; sys.exit(main(['serve']))"
)


@pytest.fixture
def command() -> list[str]:
    return [sys.executable, "-c", WAITS_A_SECOND]


@pytest.mark.parametrize(("decision", "then"), [("Always for this command", "proposed"), ("Never", "untrusted")])
def test_a_late_answer_counts_from_the_next_run_on(
    editor: Neovim, model: ScriptedServer, project: Path, tmp_path: Path, decision: str, then: str
) -> None:
    config = tmp_path / "person" / "config" / "ralphd" / "config.yaml"
    config.write_text(config.read_text().replace("command: python -m pytest -q, ", ""))
    (project / "ralph.config.yaml").write_text("testing: {command: [python, -m, pytest, -q]}\n")
    editor.cursor(8, 4)
    editor.keys(":Ralph implement<CR>")
    editor.wait("the question", lambda: editor.nvim.api.get_mode()["mode"] == "c")
    editor.wait("the run ended without an answer", lambda: editor.nvim.exec_lua("return _G.seen.ended[1]"), 60)
    assert not model.requests
    editor.choose("", decision)
    editor.wait("it is told", lambda: "The run had ended before you answered." in editor.messages())
    if decision == "Never":
        (line,) = editor.choose(":Ralph trust<CR>", "never", stays=True)
        assert "python -m pytest -q" in line
        editor.wait("what may be done about it", lambda: editor.nvim.api.get_mode()["mode"] == "c")
        editor.keys("<Esc>")  # it stays
        editor.wait("the menu is gone", lambda: editor.nvim.api.get_mode()["mode"] == "n")
    editor.lua("_G.seen.ended = {}")
    model.replies = answers(BODY)
    editor.keys(":Ralph implement<CR>")  # asks no more
    assert editor.run_ended()["outcome"] == then
