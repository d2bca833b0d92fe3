"""The files of `editors/` that no editor here loads are what their editors' formats ask for."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import tree_sitter_rust
import yaml
from tree_sitter import Language, Parser

from ralphd import __version__

EDITORS = Path(__file__).resolve().parents[2] / "editors"
LANGUAGES = {"python", "javascript", "typescript", "go", "rust"}
SERVER = ["ralphd", "serve"]


SUBLIME_CLIENT = frozenset(
    "enabled command selector schemes env settings initializationOptions experimental_capabilities disabled_capabilities "
    "priority_selector auto_complete_selector diagnostics_mode path_maps file_watcher semantic_tokens tcp_port".split()
)
"""Keys of a client, by the schema in the package LSP; it refuses others."""
KATE_SERVER = frozenset(
    "command commandDebug path root rootIndicationFileNames rootIndicationFilePatterns url highlightingModeRegex use "
    "documentLanguageId initializationOptions settings".split()
)
"""Keys of a server in Kate's own list, which a person's is laid over."""
MASON = frozenset(
    "name description homepage licenses languages categories deprecation source schemas bin share opt ci_skip neovim".split()
)
"""Keys of a package, by Mason's schema; it refuses others. It asks for `homepage` too, which this project does not have."""


def text(name: str) -> str:
    return (EDITORS / name).read_text(encoding="utf-8")


def test_helix_keeps_its_own_servers() -> None:
    given = tomllib.loads(text("helix/languages.toml"))
    assert [given["language-server"]["ralphd"][key] for key in ("command", "args")] == ["ralphd", ["serve"]]
    lists = {language["name"]: language["language-servers"] for language in given["language"]}
    assert lists.keys() >= LANGUAGES
    assert all(servers[-1] == "ralphd" and len(servers) > 1 for servers in lists.values())


def test_sublime_text_and_kate() -> None:
    without_comments = re.sub(r"^\s*//.*$", "", text("sublime/LSP.sublime-settings"), flags=re.MULTILINE)
    sublime = json.loads(without_comments)
    client = sublime["clients"]["ralphd"]
    assert client["command"] == SERVER and client["enabled"] is True
    assert client.keys() <= SUBLIME_CLIENT and sublime["show_code_lens"] in ("annotation", "phantom", "")
    servers = json.loads(text("kate/settings.json"))["servers"]
    assert servers.keys() >= {"python", "javascript", "go", "rust"}
    for given in servers.values():
        assert given.keys() <= KATE_SERVER
        command = given["command"]
        assert command[:2] == ["rass", "--"] and command[-3:] == ["--", *SERVER]
        assert command.count("--") == 2, "the language's own server stays"
        re.compile(given["highlightingModeRegex"])


def test_jetbrains() -> None:
    template: dict[str, Any] = json.loads(text("jetbrains/template.json"))
    assert template["programArgs"]["default"].split() == SERVER
    assert {mapping["languageId"] for mapping in template["fileTypeMappings"]} >= LANGUAGES
    installer = json.loads(text("jetbrains/installer.json"))
    assert (installer["id"], installer["check"]["exec"]["command"]) == (template["id"], "ralphd --version")


def test_zed() -> None:
    manifest, crate = (tomllib.loads(text(f"zed/{name}.toml")) for name in ("extension", "Cargo"))
    assert manifest["version"] == crate["package"]["version"] == __version__
    assert {name.lower() for name in manifest["language_servers"]["ralphd"]["languages"]} >= LANGUAGES
    source = text("zed/" + crate["lib"]["path"])
    assert not Parser(Language(tree_sitter_rust.language())).parse(source.encode()).root_node.has_error
    assert '.which("ralphd")' in source and '"serve"' in source


def test_mason_and_nvim_lspconfig() -> None:
    package = yaml.safe_load(text("mason/package.yaml"))
    assert {"name", "description", "licenses", "languages", "categories", "source"} <= package.keys() <= MASON
    assert set(package["categories"]) <= {"Compiler", "DAP", "Formatter", "LSP", "Linter", "Runtime"}
    assert package["source"]["id"] == f"pkg:pypi/ralphd@{__version__}"
    assert package["bin"]["ralphd"] == "pypi:ralphd" and package["neovim"]["lspconfig"] == "ralphd"
    ours = (EDITORS.parent / "neovim" / "lsp" / "ralphd.lua").read_text(encoding="utf-8")
    for line in text("nvim-lspconfig/ralphd.lua").splitlines():
        if line.startswith(("  cmd", "  root_markers")):
            assert line in ours.splitlines(), "the plugin starts it the same way"
