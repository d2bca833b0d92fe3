"""What Neovim tells of runs, settings and consents: logs, status, `:checkhealth`, `:Ralph trust`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.neovim.session import Neovim
from tests.support.scripted_server import ScriptedServer

pytestmark = pytest.mark.e2e


def test_log_status_and_health(editor: Neovim, model: ScriptedServer) -> None:
    editor.keys(":Ralph log<CR>")
    editor.wait("a word about the log that is empty", lambda: "the log is empty" in editor.messages())
    editor.keys(":Ralph status<CR>")
    editor.wait("the status in a window", lambda: "nothing runs, nothing waits" in editor.screen())
    editor.picture("status")
    editor.keys("j")
    editor.cursor(8, 4)
    editor.keys(":Ralph preview<CR>")
    editor.wait("what would be sent", lambda: "127.0.0.1" in editor.text() and "def slug" in editor.text(), 60)
    assert not model.requests
    editor.keys(":Ralph runs<CR>")
    editor.wait("the list of runs", lambda: editor.nvim.current.buffer.name.endswith("runs.txt"))
    editor.keys(":Ralph doctor<CR>")
    editor.wait("the doctor's report", lambda: "artisan:" in editor.text(), 60)
    editor.picture("doctor")

    editor.keys(":half of a command")  # a prompt is open: what is told waits
    editor.nvim.api.exec_lua("vim.schedule(function() require('ralphd.messages').say('Ralph: told later') end)", [])
    editor.wait("the prompt", lambda: editor.nvim.api.get_mode()["mode"] == "c")
    assert "told later" not in editor.messages()
    editor.keys("<Esc>")
    editor.wait("it is told", lambda: "Ralph: told later" in editor.messages())

    editor.keys(":checkhealth ralphd<CR>")
    text = editor.wait_lua(
        "a health report",
        "return vim.bo.filetype == 'checkhealth' and table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')",
        90,
    )
    assert "running for" in text and "a run can begin" in text and "ERROR" not in text, text
    assert "tests are run by: python -m pytest -q" in text, text
    editor.picture("health")


def test_what_stops_a_run_is_an_error_with_its_line(editor: Neovim, project: Path) -> None:
    (project / "ralph.config.yaml").write_text("budget: {usd_per_run: a lot}\n")
    editor.keys(":checkhealth ralphd<CR>")
    text = editor.wait_lua(
        "a health report",
        "return vim.bo.filetype == 'checkhealth' and table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')",
        90,
    )
    assert "ERROR" in text and "usd_per_run" in text and "config check" in text, text


def test_consents_are_listed_and_changed(editor: Neovim, project: Path, tmp_path: Path) -> None:
    config = tmp_path / "person" / "config" / "ralphd" / "config.yaml"
    config.write_text(config.read_text().replace("command: python -m pytest -q, ", ""))
    (project / "ralph.config.yaml").write_text("testing: {command: [python, -m, pytest, -q]}\n")
    editor.cursor(8, 4)
    editor.choose(":Ralph implement<CR>", "Never")
    assert editor.run_ended()["outcome"] == "untrusted"
    (line,) = editor.choose(":Ralph trust<CR>", "never", stays=True)
    assert "python -m pytest -q" in line
    editor.choose("", "Forget it: ask again")
    editor.wait("it is forgotten", lambda: "Ralph: forgotten" in editor.messages())

    editor.keys(":Ralph setup<CR>")
    editor.wait("it runs in a terminal", lambda: "You have a configuration already" in editor.screen(), 60)
