"""The main job in a real Neovim, by keyboard, with a scripted model on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.e2e.neovim.session import Neovim
from tests.e2e.slug_project import BODY, STUB, WRONG, answers, region
from tests.support.scripted_server import Reply, ScriptedServer

pytestmark = pytest.mark.e2e

WORDS = 'def words(title: str) -> list[str]:\n    return "".join(c if c.isalnum() else " " for c in title.lower()).split()\n'
NEW_FILE = f"""\
words.py
<<<<<<< SEARCH
=======
{WORDS}>>>>>>> REPLACE

slug.py
<<<<<<< SEARCH
import re
=======
from words import words
>>>>>>> REPLACE

slug.py
<<<<<<< SEARCH
    pass
=======
    return "-".join(words(title))
>>>>>>> REPLACE
END OF EDITS
"""
FINDING = {
    "path": "slug.py",
    "quote": "    return title.upper()",
    "kind": "edge-case",
    "severity": "warning",
    "message": "A space at the end is shouted too.",
    "scenario": "shout('a ') -> 'A '",
    "test": "def test_space():\n    from slug import shout\n    assert shout('a ') == 'A'\n",
}


SHOUTED = """\
```python
def shout(title: str) -> str:
    return title.strip().upper()
```
"""


def pytest_passes(folder: Path) -> bool:
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(argv, cwd=folder, capture_output=True, check=False).returncode == 0


def kill_server(editor: Neovim) -> None:
    """Kill the server that Neovim started, and answer Neovim's own message about it, which is longer than the screen."""
    processes = psutil.Process(editor.lua("return vim.uv.os_getpid()")).children()
    (server,) = [child for child in processes if "ralphd" in " ".join(child.cmdline())]
    before = editor.messages().count("quit with exit code")
    server.kill()

    def told() -> bool:
        if editor.nvim.api.get_mode()["blocking"]:
            editor.keys("<CR>")
            return False
        return editor.messages().count("quit with exit code") > before

    editor.wait("Neovim's own message", told, 60)


def assert_painted(editor: Neovim) -> None:
    """The screen shows what drawing it anew shows: nothing was left over or lost."""
    painted = editor.screen()
    editor.nvim.command("redraw!")
    assert painted == editor.screen()


def test_implement_by_keyboard(editor: Neovim, model: ScriptedServer, project: Path) -> None:
    model.replies = answers(WRONG, BODY)
    assert not pytest_passes(project)

    editor.cursor(8, 4)  # in the function's body
    offered = editor.choose("gra", "Ralph: implement")
    assert any(title.startswith("Ralph: critique") for title in offered)
    result = editor.run_ended()
    assert (result["outcome"], result["iterations"]) == ("proposed", 2), result

    seen = editor.lua("return _G.seen.progress")
    kinds = [kind for kind, _, _ in seen]
    assert kinds[0] == "begin" and kinds[-1] == "end" and kinds.count("end") == 1, seen
    assert any("Artisan" in message for _, message, _ in seen), seen
    assert any("Artisan" in status for _, _, status in seen), seen

    assert editor.text() == STUB  # nothing is in the buffer before it is accepted
    ((line, new, _),) = editor.wait("a change to review", editor.changes)
    assert (line, new) == (8, BODY + "\n")
    screen = editor.screen()
    assert "Ralph: change 1 of 1 · 3 tests passed" in screen and "]r next" in screen and BODY in screen, screen
    assert "\\a accept" in screen and "not verified" not in screen.lower(), screen
    assert editor.lua("return require('ralphd').status()") == "Ralph 1/1"
    editor.picture("review")

    editor.cursor(3)
    editor.keys("]r")
    editor.wait("the cursor is at the change", lambda: tuple(editor.nvim.current.window.cursor) == (8, 0))
    editor.keys("\\a")
    editor.wait("the change is in the buffer", lambda: BODY in editor.text())
    assert editor.text() == STUB.replace("    pass", BODY)
    editor.wait("the review is over", lambda: not editor.changes())
    assert "Ralph: change" not in editor.screen()
    assert_painted(editor)
    assert editor.lua("return vim.fn.maparg(']r', 'n')") == ""  # keys only while something waits
    assert (project / "slug.py").read_text() == STUB  # saving is the person's

    editor.keys(":w<CR>")
    editor.wait("the file is saved", lambda: (project / "slug.py").read_text() == editor.text())
    assert pytest_passes(project)

    editor.keys("u")
    editor.wait("one undo takes it back", lambda: editor.text() == STUB)
    editor.wait("the change waits again", editor.changes)
    editor.wait("and is shown", lambda: "Ralph: change 1 of 1" in editor.screen())
    editor.keys("<C-r>")
    editor.wait("redo takes it", lambda: BODY in editor.text() and not editor.changes())
    editor.keys(":Ralph undo<CR>")
    editor.wait("the whole set is taken back", lambda: editor.text() == STUB and editor.changes())
    assert_painted(editor)
    assert model.requests[0].headers["authorization"] == "Bearer sk-scripted"


def test_commands_accept_and_reject(editor: Neovim, model: ScriptedServer, project: Path) -> None:
    model.replies = answers(BODY)
    editor.keys("/def slug<CR>:Ralph implement keep it short<CR>")
    assert editor.run_ended()["outcome"] == "proposed"
    assert "keep it short" in model.requests[0].prompt
    editor.wait("a change to review", editor.changes)

    editor.keys(":Ralph accept<CR>")  # the cursor is on another line
    editor.wait("a word about it", lambda: "no change is pending on this line" in editor.messages())
    assert editor.text() == STUB

    editor.keys("]r\\Xtoo clever<CR>")
    editor.wait("the review is over", lambda: not editor.changes())
    assert editor.text() == STUB
    marks = "return #vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_get_namespaces()['ralphd.review'], 0, -1, {})"
    assert editor.lua(marks) == 0
    model.replies = answers(BODY)
    editor.keys(":Ralph implement<CR>")
    editor.wait("a run that is told the reason", lambda: "too clever" in model.requests[-1].prompt, 60)


def test_accept_by_code_action(editor: Neovim, model: ScriptedServer) -> None:
    model.replies = answers(BODY)
    editor.cursor(8, 4)
    editor.keys(":Ralph implement<CR>")
    assert editor.run_ended()["outcome"] == "proposed"
    editor.wait("a change to review", editor.changes)
    editor.keys(":Ralph diff<CR>")
    editor.wait("both sides", lambda: "return re.sub" in editor.screen() and "    pass" in editor.screen())
    editor.picture("diff")
    assert "Ralph: change" not in editor.screen() and editor.lua("return vim.wo.diff")
    editor.keys(":tabclose<CR>")
    editor.wait("the review is back in the text", lambda: "Ralph: change" in editor.screen())
    assert not editor.lua("return vim.wo.diff")
    editor.cursor(8)
    editor.choose("gra", "Ralph: accept change")
    editor.wait("the change is in the buffer", lambda: editor.text() == STUB.replace("    pass", BODY))


def test_new_file(editor: Neovim, model: ScriptedServer, project: Path) -> None:
    model.replies = [NEW_FILE, *answers()]
    editor.cursor(8, 4)
    editor.keys(":Ralph implement<CR>")
    result = editor.run_ended()
    assert (result["outcome"], result["hunks"]) == ("proposed", 3), result
    editor.wait("three changes to review", lambda: len(editor.changes()) == 3)
    assert [(line, name) for line, _, name in editor.changes()] == [(3, ""), (8, ""), (1, "words.py")]
    assert "new file words.py" in editor.screen()

    editor.keys(":Ralph changes<CR>")
    editor.wait("all changes of all files in a list", lambda: "new file: def words" in editor.screen())
    editor.picture("all-changes")
    editor.keys(":cclose<CR>")
    editor.cursor(8)
    editor.keys("]r")
    editor.wait("the new file to read", lambda: editor.text() == WORDS and "Ralph: change" in editor.screen())
    editor.picture("new-file")
    assert not (project / "words.py").exists() and not editor.lua("return vim.bo.modifiable")
    editor.keys("\\a")
    editor.wait("the new file is accepted", lambda: len(editor.changes()) == 2)
    editor.wait("back in the document of the run", lambda: editor.nvim.current.buffer.name.endswith("slug.py"))
    editor.keys(":Ralph accept all<CR>")
    editor.wait("the review is over", lambda: not editor.changes())
    saved = project / "words.py"
    assert not saved.exists() or not saved.read_text()  # saving is the person's
    editor.keys(":wall<CR>")
    editor.wait("it is saved", lambda: saved.exists() and saved.read_text() == WORDS)
    assert pytest_passes(project)
    editor.keys(":Ralph undo<CR>")
    editor.wait("the lines wait again", lambda: len(editor.changes()) == 2 and editor.text() == STUB)
    editor.wait("what stays is told", lambda: "words.py is a new file and stays" in editor.messages())


def test_critique_and_dismiss(editor: Neovim, model: ScriptedServer) -> None:
    answer = json.dumps({"verdict": "revise", "findings": [FINDING]})
    model.replies = [answer, answer]
    editor.keys(":%s/^    pass$/\\=" + json.dumps(BODY) + "/<CR>:w<CR>")
    editor.cursor(12, 4)
    editor.keys(":Ralph critique<CR>")
    result = editor.run_ended()
    assert (result["outcome"], result["findings"]) == ("reviewed", 1), result
    findings = (
        "return vim.tbl_map(function(d) return { d.lnum + 1, d.severity, d.message } end,"
        " vim.tbl_filter(function(d) return d.code == 'ralph.critic.edge-case' end, vim.diagnostic.get(0)))"
    )
    ((line, severity, message),) = editor.wait_lua("a finding", findings)
    editor.picture("finding")
    assert (line, severity) == (12, 1)  # an error, as a run confirmed it
    assert FINDING["message"] in message and FINDING["scenario"] in message

    offered = editor.choose("gra", "Ralph: dismiss finding")
    assert any(title.startswith("Ralph: fix: ") for title in offered), offered
    editor.wait("it is gone", lambda: not editor.lua(findings))
    editor.keys(":Ralph critique<CR>")
    again = editor.wait_lua("the second run ends", "return _G.seen.ended[2]", 90)
    assert (again["outcome"], again["findings"]) == ("reviewed", 0), again
    assert not editor.lua(findings)

    editor.choose(":Ralph dismissed<CR>", "slug.py: A space at the end")
    editor.wait("it is taken back", lambda: "the next run may show it again" in editor.messages())
    editor.keys(":Ralph critique<CR>")
    editor.wait_lua("the third run ends", "return _G.seen.ended[3]", 90)
    editor.wait_lua("a finding again", findings)
    model.replies = [SHOUTED, *answers()]
    editor.cursor(12)
    editor.keys(":Ralph fix<CR>")
    editor.wait("its change", editor.changes, 90)
    assert any(FINDING["message"] in asked.prompt for asked in model.requests[1:])
    model.replies = [SHOUTED, *answers()]
    editor.keys(":Ralph retry keep it on one line<CR>")
    editor.wait("the model is told why", lambda: "keep it on one line" in model.requests[-1].prompt, 90)


def test_an_ending_has_ways_on(editor: Neovim, model: ScriptedServer, tmp_path: Path) -> None:
    refusal = Reply("this account has no access to the model, says its owner at length. " * 6, status=403)
    model.replies = [refusal]
    editor.cursor(8, 4)
    editor.keys(":Ralph implement<CR>")
    result = editor.run_ended()
    assert result["outcome"] == "provider_failed"
    editor.wait("the message, whole", lambda: str(result["reason"]) in editor.messages().replace("\n", ""))
    editor.keys("ix<Esc>")  # nothing asks for Enter
    editor.wait("typing goes on", lambda: "    xpass" in editor.text())
    screen = editor.screen()
    editor.picture("ending")
    assert "1  Set key" in screen and "2  Choose a model" in screen and ":Ralph act 1…" in screen, screen

    editor.keys(":Ralph act 1<CR>")
    editor.wait("who the key is of", lambda: "Provider of the key" in editor.screen())
    editor.keys("<C-u>openai<CR>sk-typed-by-hand<CR>")
    editor.wait("the key is set", lambda: "the key for openai is set for this session" in editor.messages())
    logged = [path for path in (tmp_path / "person").rglob("*") if path.is_file()]
    assert not any(b"sk-typed-by-hand" in path.read_bytes() for path in logged), "a key is nowhere on the disk"

    editor.lua("_G.seen.ended = {}")
    model.replies = [refusal]
    editor.choose(":Ralph act<CR>", "Try again")
    assert editor.run_ended()["outcome"] == "provider_failed"
    editor.choose(":Ralph act<CR>", "Show run")
    editor.wait("the record of the run", lambda: "**provider failed**" in editor.text())
    editor.picture("record")


def test_cancel_while_the_model_writes(editor: Neovim, model: ScriptedServer, project: Path) -> None:
    model.replies = [Reply(region(BODY), delay_s=0.05, hang=True)]
    editor.cursor(8, 4)
    editor.keys(":Ralph implement<CR>")
    editor.wait("the model is asked", lambda: model.requests, 60)
    editor.wait_lua(
        "its work is shown",
        "return vim.iter(_G.seen.progress):any(function(p) return p[2]:find('Artisan') ~= nil end)",
    )
    editor.keys(":Ralph cancel<CR>")
    assert editor.run_ended()["outcome"] == "cancelled"
    assert editor.text() == STUB
    editor.wait("the connection is closed", lambda: model.disconnected == 1)


def test_a_server_that_dies_is_told_and_started_again(editor: Neovim, model: ScriptedServer, project: Path) -> None:
    """In the middle of a run, whose text is read as it comes; and while a review waits, which the next server offers again."""
    model.replies = [Reply(region(BODY), delay_s=0.05, hang=True)]
    editor.cursor(8, 4)
    editor.keys(":Ralph implement<CR>")
    editor.wait("the model is asked", lambda: model.requests, 60)
    editor.keys(":Ralph stream<CR>")
    editor.wait("what it writes", lambda: "re.sub" in editor.screen() and "artisan · 1.1" in editor.screen(), 60)
    editor.picture("stream")
    editor.keys(":close<CR>")
    kill_server(editor)
    assert "The run that was at work" in editor.messages()
    assert editor.lua("return require('ralphd').status()") == ""
    model.replies = answers(BODY)
    editor.choose(":Ralph act<CR>", "Start it again")
    lost = editor.run_ended()
    assert lost["outcome"] == "cancelled" and "cut short" in str(lost["reason"]), lost
    editor.lua("_G.seen.ended = {}")
    editor.choose(":Ralph act<CR>", "Run it again")
    assert editor.run_ended()["outcome"] == "proposed"
    editor.wait("a change to review", editor.changes)

    kill_server(editor)
    editor.wait("the review is taken from the text", lambda: not editor.changes(), 60)
    editor.keys(":Ralph restart<CR>")
    editor.wait("the review is offered again", editor.changes, 90)
    editor.keys(":Ralph accept all<CR>")
    editor.wait("it can be accepted", lambda: editor.text() == STUB.replace("    pass", BODY))
