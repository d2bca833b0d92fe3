"""What Neovim draws of a review, on its own screen and without a server: colours, tints, places."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.editor_installs import install
from tests.e2e.neovim.session import Neovim

pytestmark = pytest.mark.e2e

LUA = "local M = {}\n\n--- A name.\nfunction M.slug(text)\n  return text\nend\n\nreturn M\n"
NEW = "  local lower = text:lower() -- \u202e\n  return s.slug(lower)\n"


@pytest.fixture(params=["neovim", "neovim-wheel"])
def editor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Neovim]:
    file = tmp_path / "project" / "a.lua"
    file.parent.mkdir()
    file.write_text(LUA)
    neovim = Neovim(install(request.param), file, tmp_path / "person", {"RALPHD_COMMAND": '["sleep", "600"]'})
    try:
        yield neovim
    finally:
        neovim.quit()


def hunk(uri: str, number: int, place: tuple[int, int], new: str, old: str, **more: Any) -> dict[str, Any]:
    first, last = ({"line": line, "character": 0} for line in place)
    given = {"hunkId": f"h{number}", "uri": uri, "range": {"start": first, "end": last}, "newText": new, "oldText": old}
    return {**given, "state": "pending", "outsideTarget": False, "creates": False, **more}


def show(editor: Neovim, *hunks: dict[str, Any], **proof: Any) -> None:
    said = {"state": "verified", "sentence": "x", "evidence": "4 tests passed", "needs": [], "action": None, **proof}
    event = {"reviewId": "r1", "home": hunks[0]["uri"], "proof": said, "hunks": list(hunks)}
    editor.lua("require('ralphd.colours').define() require('ralphd.review').update(...)", event)


def drawn(editor: Neovim) -> list[Any]:
    """All chunks of virtual lines, and the marks on lines of the text."""
    code = """
    local ns = vim.api.nvim_get_namespaces()['ralphd.review']
    local out = {}
    for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, ns, 0, -1, { details = true })) do
      local d = mark[4]
      if d.hl_group then table.insert(out, { 'text', mark[2], mark[3], d.end_row, d.end_col, d.hl_group }) end
      for _, line in ipairs(d.virt_lines or {}) do
        for _, chunk in ipairs(line) do table.insert(out, { 'new', chunk[1], chunk[2] }) end
      end
    end
    return out
    """
    found: list[Any] = editor.lua(code)
    return found


def test_colours_tints_and_hidden_characters(editor: Neovim) -> None:
    uri = editor.lua("return vim.uri_from_bufnr(0)")
    show(editor, hunk(uri, 1, (4, 5), NEW, "  return text\n"))
    chunks = [one for one in drawn(editor) if one[0] == "new"]
    groups = {text.strip(): names for _, text, names in chunks if isinstance(names, list)}
    assert groups["local"][0] == "RalphNew" and groups["local"][1].startswith("@keyword"), groups
    assert groups["return"][1].startswith("@keyword")
    assert "RalphNewWord" in groups["lower"], "changed words are marked"
    assert any("\\u{202e}" in text for _, text, _ in chunks) and not any("\u202e" in text for _, text, _ in chunks)
    blanks = [text for _, text, names in chunks if names == "RalphNew" and text.strip() == ""]
    assert [len(text) for text in blanks if len(text) > 2] == [100, 100], "the tint goes to the window's end"
    assert ["text", 4, 0, 5, 0, "RalphOld"] in drawn(editor)
    editor.picture("colours")
    screen = editor.screen()
    assert screen.index("  return text\n") < screen.index("Ralph: change 1 of 1 · 4 tests passed")
    assert screen.index("local lower") < screen.index("\nend")


def test_places_and_states(editor: Neovim) -> None:
    uri = editor.lua("return vim.uri_from_bufnr(0)")
    above = hunk(uri, 1, (0, 0), 'local s = require("s")\n', "", outsideTarget=True)
    goes, stale = hunk(uri, 2, (2, 3), "", "--- A name.\n"), hunk(uri, 3, (7, 8), "x\n", "return M\n", state="stale")
    show(editor, above, goes, stale, state="unverified", sentence="No test command is set.")
    editor.picture("places")
    screen = editor.screen()
    assert screen.index('local s = require("s")') < screen.index("local M = {}"), "it stands above the first line"
    assert "outside what you asked for" in screen and "NOT verified: No test command is set." in screen
    assert "these lines go" in screen and "no longer fits" in screen
    assert screen.count("]r next") == 1, "the keys stand at the first change only"

    editor.keys("gg]r")
    editor.wait("the next one", lambda: tuple(editor.nvim.current.window.cursor) == (3, 0))
    assert editor.lua("return require('ralphd').status()") == "Ralph 2/3"
    gone = {**above, "state": "rejected"}, {**goes, "state": "rejected"}, {**stale, "state": "rejected"}
    show(editor, *gone)
    assert drawn(editor) == [] and editor.lua("return vim.fn.maparg(']r', 'n')") == ""


def test_the_persons_own_keys_count(editor: Neovim) -> None:
    uri = editor.lua("return vim.uri_from_bufnr(0)")
    editor.nvim.command("nmap gy <Plug>(RalphAccept)")
    editor.nvim.command("nnoremap <buffer> ]r :echo 'mine'<CR>")
    show(editor, hunk(uri, 1, (4, 5), NEW, "  return text\n"))
    assert "gy accept" in editor.screen() and "\\a accept" not in editor.screen()
    assert "mine" in editor.lua("return vim.fn.maparg(']r', 'n')")
    show(editor, hunk(uri, 1, (4, 5), NEW, "  return text\n", state="rejected"))
    assert "mine" in editor.lua("return vim.fn.maparg(']r', 'n')")
    editor.lua("vim.g.ralphd_keys = false")
    show(editor, hunk(uri, 1, (4, 5), NEW, "  return text\n"))
    assert editor.lua("return vim.fn.maparg('[r', 'n')") == ""
