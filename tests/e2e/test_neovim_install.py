"""The README's own lines for Neovim, as a person's init: the commands, the configuration and the help are there."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.editor_installs import install
from tests.support.patience import seconds

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"```lua\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
LOOK = """
vim.cmd('help ralphd')
local help = vim.api.nvim_buf_get_name(0)
vim.cmd('help :Ralph-implement')
local seen = {
  help = help,
  command = vim.fn.exists(':Ralph'),
  enabled = vim.lsp.is_enabled == nil or vim.lsp.is_enabled('ralphd'),
  program = vim.lsp.config.ralphd.cmd[1],
}
vim.fn.writefile({ vim.json.encode(seen) }, vim.env.SEEN)
vim.cmd('qa!')
"""


def started_with(program: Path, init: str, folder: Path) -> dict[str, object]:
    (folder / "init.lua").write_text(init.replace("/path/to/ralphd", str(ROOT)))
    (folder / "look.lua").write_text(LOOK)
    seen = folder / "seen.json"
    homes = {f"XDG_{name}_HOME": str(folder / name) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    done = subprocess.run(
        [str(program), "--clean", "--headless", "-u", str(folder / "init.lua"), "-c", f"luafile {folder / 'look.lua'}"],
        env={**homes, "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "SEEN": str(seen), "TERM": "dumb"},
        capture_output=True,
        text=True,
        timeout=seconds(120),
        check=False,
    )
    assert seen.exists(), done.stderr
    found: dict[str, object] = json.loads(seen.read_text())
    return found


@pytest.mark.parametrize(("kind", "block"), [("neovim", 0), ("neovim-wheel", 0), ("neovim", 1)])
def test_the_readmes_lines_are_enough(kind: str, block: int, tmp_path: Path) -> None:
    assert ("vim.pack.add" in BLOCKS[block]) == (block == 1)
    seen = started_with(install(kind), BLOCKS[block], tmp_path)
    assert str(seen["help"]).endswith("doc/ralphd.txt")
    assert seen == {"help": seen["help"], "command": 2, "enabled": True, "program": "ralphd"}


def test_what_lazy_nvim_does_with_the_readmes_table_is_enough(tmp_path: Path) -> None:
    """lazy.nvim itself is not in any registry that the tests use. For a `dir` that is not lazy it puts the folder on the
    runtime path, sources its plugin files and calls `config`."""
    table = re.search(r"lazy\.nvim: `(\{.*\})`", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert table is not None
    init = (
        f"local plugin = {table[1]}\nassert(plugin.lazy == false)\nvim.opt.runtimepath:prepend(plugin.dir)\n"
        "for _, file in ipairs(vim.fn.glob(plugin.dir .. '/plugin/*.lua', true, true)) do vim.cmd.source(file) end\n"
        "plugin.config()\n"
    )
    assert started_with(install("neovim-wheel"), init, tmp_path)["command"] == 2


def test_the_help_has_all_its_tags() -> None:
    """`doc/tags` is part of the plugin: a folder on the runtime path gets none made."""
    text = (ROOT / "neovim" / "doc" / "ralphd.txt").read_text(encoding="utf-8")
    stars = set(re.findall(r"(?<![^\s])\*(\S+?)\*(?=\s|$)", text, re.MULTILINE))
    tags = {line.split("\t")[0] for line in (ROOT / "neovim" / "doc" / "tags").read_text(encoding="utf-8").splitlines()}
    assert stars == tags
