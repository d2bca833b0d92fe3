"""A real Neovim with a screen of its own, driven by keys. Knows the editor; what the server does, it only looks at."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pynvim  # type: ignore[import-untyped]
from tests.e2e.editor_installs import environment_in
from tests.e2e.neovim.picture import Screen
from tests.support.patience import seconds

HERE = Path(__file__).parent
PROJECT = HERE.parents[2]
SERVER: list[str] = [sys.executable, "-m", "ralphd", "serve"]
T = TypeVar("T")

# Records what is offered and shown; the original functions run all the same.
INIT = """
vim.g.loaded_python3_provider = 0   -- looking for it costs seconds
vim.opt.swapfile = false
vim.opt.runtimepath:prepend(vim.env.RALPHD_PLUGIN)
local select = vim.ui.select
vim.ui.select = function(items, opts, on_choice)
  local titles = vim.tbl_map(function(item) return (opts.format_item or tostring)(item) end, items)
  vim.fn.writefile({ vim.json.encode(titles) }, vim.env.RALPHD_OFFERED)
  return select(items, opts, on_choice)
end
_G.seen = { progress = {}, ended = {}, notified = {} }
local notify = vim.notify
vim.notify = function(text, ...)
  table.insert(_G.seen.notified, text)
  return notify(text, ...)
end
vim.api.nvim_create_autocmd('LspProgress', { callback = function(event)
  local value = event.data.params.value
  table.insert(_G.seen.progress, { value.kind, value.message or value.title or '', vim.lsp.status() })
end })
vim.api.nvim_create_autocmd('User', { pattern = 'RalphRunEnded', callback = function(event)
  table.insert(_G.seen.ended, event.data)
end })
vim.lsp.config('ralphd', { cmd = vim.json.decode(vim.env.RALPHD_COMMAND) })
vim.lsp.enable('ralphd')
"""


class Neovim:
    """One editor on one file. `state` is a scratch folder for everything that is not the project."""

    def __init__(self, program: Path, file: Path, state: Path, env: Mapping[str, str]) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self.offered_file = state / "offered.json"
        self._pictures = Path(os.environ.get("RALPHD_E2E_SHOTS") or state.parent / "screenshots") / "neovim"
        self._painted = Screen()
        init = state / "init.lua"
        init.write_text(INIT)
        whole = {
            **environment_in(state),
            "RALPHD_PLUGIN": str(PROJECT / "neovim"),
            "RALPHD_OFFERED": str(self.offered_file),
            "RALPHD_COMMAND": json.dumps(SERVER),
            **env,
        }
        for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
            Path(whole[name]).mkdir(parents=True, exist_ok=True)
        variables = [f"{key}={value}" for key, value in whole.items()]
        argv = ["/usr/bin/env", "-i", *variables, str(program), "--clean", "-u", str(init), "--embed"]
        here = Path.cwd()
        os.chdir(file.parent)  # pynvim has no argument for it, and people start the editor in their project
        try:
            self.nvim = pynvim.attach("child", argv=argv)
        finally:
            os.chdir(here)
        # With a screen, prompts block as they do for a person; without one Neovim answers them itself.
        self.nvim.ui_attach(100, 30, rgb=True, ext_linegrid=True)
        self.nvim.command(f"edit {file.name}")

    def lua(self, code: str, *arguments: Any) -> Any:
        self._assert_free()
        return self.nvim.exec_lua(code, *arguments)

    def _assert_free(self) -> None:
        """Anything but a few calls would wait for ever behind a prompt, so say what is wrong instead."""
        mode = self.nvim.api.get_mode()
        if mode["blocking"]:
            self.nvim.input("<CR>")
            raise AssertionError(f"Neovim waits for a key: {mode}\nmessages: {self.nvim.command_output('messages')}")

    def keys(self, keys: str) -> None:
        self.nvim.input(keys)

    def wait(self, what: str, ask: Callable[[], T | None], timeout: float = 20) -> T:
        """Poll `ask` until it is truthy."""
        end = time.monotonic() + seconds(timeout)
        while True:
            if found := ask():
                return found
            if time.monotonic() > end:
                raise AssertionError(f"not within {timeout} s: {what}\n{self.report()}")
            time.sleep(0.05)

    def wait_lua(self, what: str, code: str, timeout: float = 20) -> Any:
        return self.wait(what, lambda: self.lua(code), timeout)

    def run_ended(self) -> dict[str, Any]:
        """Wait for the first run that was not forgotten; what the plugin's event said of its end."""
        result: dict[str, Any] = self.wait_lua("a run ends", "return _G.seen.ended[1]", 120)
        return result

    def attached(self) -> str:
        """Wait for the server; its name."""
        name: str = self.wait_lua(
            "ralphd is attached and initialized",
            "local c = vim.lsp.get_clients({name='ralphd', bufnr=0})[1] return c and c.initialized and c.name",
            30,
        )
        return name

    def text(self) -> str:
        return "\n".join(self.nvim.current.buffer[:]) + "\n"

    def cursor(self, line: int, column: int = 0) -> None:
        """`line` from 1, as Neovim counts."""
        self._assert_free()
        self.nvim.current.window.cursor = (line, column)

    def choose(self, keys: str, title: str, *, stays: bool = False) -> list[str]:
        """`keys` that open a menu (`gra`: code actions), then the number of the entry with this title.

        `stays`: another menu follows, for which the keys are then empty. Answers all the titles that were offered.
        """
        if keys:
            self.offered_file.unlink(missing_ok=True)
            self.keys(keys)
        titles: list[str] = self.wait("a menu", self._offered)
        matches = [i for i, offered in enumerate(titles, 1) if offered.startswith(title)]
        assert len(matches) == 1, f"{title!r} fits {len(matches)} of {titles}"
        self.wait("the menu's prompt", lambda: self.nvim.api.get_mode()["mode"] == "c")
        self.offered_file.unlink()
        self.keys(f"{matches[0]}<CR>")
        if stays:
            return titles
        self.wait("the menu is gone", lambda: self.nvim.api.get_mode()["mode"] == "n")
        return titles

    def _offered(self) -> list[str] | None:
        try:
            titles: list[str] = json.loads(self.offered_file.read_text())
        except (OSError, ValueError):
            return None
        return titles

    def changes(self) -> list[Any]:
        """The changes that wait: [line from 1, new text, name of a new file or ""], in the order of `:Ralph next`."""
        code = """
        local out = {}
        for _, group in ipairs(require('ralphd.review').groups()) do
          for _, hunk in ipairs(group) do
            local name = hunk.creates and vim.fs.basename(vim.uri_to_fname(hunk.uri)) or ''
            table.insert(out, { hunk.range.start.line + 1, hunk.newText, name })
          end
        end
        return out
        """
        found: list[Any] = self.lua(code)
        return found

    def screen(self) -> str:
        """What is painted, virtual lines among it; line ends without their blanks."""
        code = """
        local rows = {}
        for row = 1, vim.o.lines do
          local cells = {}
          for column = 1, vim.o.columns do cells[column] = vim.fn.screenstring(row, column) end
          rows[row] = table.concat(cells):gsub('%s+$', '')
        end
        return rows
        """
        return "\n".join(self.lua(code))

    def picture(self, name: str) -> None:
        """Keep what is on the screen now as NAME.svg, for a person to look at."""
        self.lua("vim.cmd.redraw() vim.rpcnotify(vim.api.nvim_list_uis()[1].chan, 'painted')")
        while (message := self.nvim.next_message())[1] != "painted":
            if message[1] == "redraw":
                self._painted.follow(message[2])
        self._pictures.mkdir(parents=True, exist_ok=True)
        (self._pictures / f"{name}.svg").write_text(self._painted.svg(), encoding="utf-8")

    def messages(self) -> str:
        return str(self.nvim.command_output("messages"))

    def report(self) -> str:
        """For a failure: what is on the screen's last lines, in the messages, in the log of the client."""
        mode = self.nvim.api.get_mode()
        if mode["blocking"]:
            return f"Neovim waits for a key: {mode}"
        messages = self.nvim.command_output("messages")
        log = self.nvim.exec_lua(
            "return vim.lsp.log.get_filename and vim.lsp.log.get_filename() or vim.lsp.get_log_path()"
        )
        tail = Path(log).read_text()[-3000:] if Path(log).exists() else ""
        return f"messages: {messages}\nseen: {self.nvim.exec_lua('return vim.inspect(_G.seen)')}\nlog: {tail}"

    def quit(self) -> None:
        """`:qa!` as a person would, then the process must be gone."""
        try:
            self.nvim.input("<C-\\><C-n>")
            self.nvim.command("qa!", async_=True)
            end = time.monotonic() + 10
            while time.monotonic() < end:
                self.nvim.api.get_mode()
                time.sleep(0.05)
        except (OSError, EOFError, pynvim.NvimError):
            pass  # the pipe closes when it goes
        finally:
            self.nvim.close()
