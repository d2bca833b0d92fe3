"""How a run that was stopped can go on: its actions are commands of the server that every client can run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.lsp.conftest import RIGHT, Start
from tests.support.patience import seconds


async def test_a_setting_is_opened_where_it_stands(start: Start, project: Path) -> None:
    own = project / "ralph.config.yaml"
    own.write_text("loop:\n  max_iterations: 3\nbudget:\n  usd_per_run: a lot\n")
    editor = await start(artisan=[])
    uri = await editor.open(project / "slug.py")
    await editor.command("ralph.server.implement", {"uri": uri})
    ended = await editor.run_ended()
    assert ended["outcome"] == "misconfigured"
    action = ended["actions"][0]
    assert (action["kind"], action["title"]) == ("openSetting", "Open budget.usd_per_run")
    place = await editor.command(action["command"], *action["arguments"])
    assert place == {"path": str(own), "line": 3, "set": True}
    await editor.rpc.wait_for(lambda: bool(editor.shown), seconds(30), "the file at the setting")
    (shown,) = editor.shown
    assert shown["uri"] == own.as_uri() and shown["selection"]["start"]["line"] == 3


async def test_a_budget_is_raised_in_a_file_that_is_not_there(start: Start, project: Path) -> None:
    """A call that may cost more than the budget: the real figures, and where to raise it."""
    editor = await start(artisan=["never sent"], user={"budget": {"usd_per_run": 0.00001}})
    uri = await editor.open(project / "slug.py")
    await editor.command("ralph.server.critique", {"uri": uri})
    ended = await editor.run_ended()
    assert ended["outcome"] == "budget_exceeded" and "$0.00001" in ended["reason"] and "$0.00 " not in ended["reason"]
    raising = next(action for action in ended["actions"] if action["kind"] == "raiseBudget")
    assert raising["title"] == "Raise budget.usd_per_run"
    said: list[str] = []
    editor.rpc.listeners.append(
        lambda method, params: said.append(str(params)) if method == "window/showMessage" else None
    )
    silent = await editor.command(raising["command"], {**raising["arguments"][0], "onlySet": True})
    assert silent["path"].endswith("config.yaml") and silent["set"] is False, "the editor's own page is where it is set"
    assert not said and not Path(silent["path"]).exists()
    assert await editor.command(raising["command"], *raising["arguments"]) == silent
    await editor.rpc.wait_for(lambda: any("ralphd setup" in text for text in said), seconds(30), "where to set it")
    assert len(said) == 1, said


PLAIN = {"events": False, "stream": False}
"""A client that knows LSP and nothing of ours."""


@pytest.mark.parametrize("profile", ["helix", "eglot"])
async def test_an_ending_is_a_message_with_buttons_that_do_what_they_say(
    start: Start, project: Path, profile: str
) -> None:
    own = project / "ralph.config.yaml"
    own.write_text("budget:\n  usd_per_run: a lot\n")
    editor = await start(artisan=[RIGHT], profile=profile, **PLAIN)
    uri = await editor.open(project / "slug.py")
    editor.choices = ["Open budget.usd_per_run", "Try again", "Show run"]
    await editor.command("ralph.server.implement", {"uri": uri})
    await editor.rpc.wait_for(lambda: len(editor.asked) >= 1, seconds(60), "the first ending")
    first = editor.asked[0]
    assert "usd_per_run" in first["message"] and "`ralphd setup`" in first["message"], first
    assert [button["title"] for button in first["actions"]] == [
        "Open budget.usd_per_run",
        "Try again",
        "Show run",
    ]
    if editor.profile.capabilities.startswith("helix"):
        await editor.rpc.wait_for(lambda: len(editor.shown) == 1, seconds(30), "the file at the setting")
        assert editor.shown[0]["uri"] == own.as_uri() and editor.shown[0]["selection"]["start"]["line"] == 1

    await editor.command("ralph.server.implement", {"uri": uri})  # the second button starts the third run
    await editor.rpc.wait_for(lambda: len(editor.asked) == 3, seconds(60), "the ending of the run that was tried again")
    await editor.rpc.wait_for(lambda: editor.choices == [], seconds(30), "the last button")


async def test_a_button_that_can_do_nothing_any_more_says_so(start: Start, project: Path) -> None:
    (project / "ralph.config.yaml").write_text("budget:\n  usd_per_run: a lot\n")
    editor = await start(artisan=[RIGHT], profile="helix", **PLAIN)
    said: list[str] = []
    editor.rpc.listeners.append(
        lambda method, params: said.append(params["message"]) if method == "window/showMessage" else None
    )

    def gone(params: Any) -> dict[str, str]:
        (project / "other.py").unlink()
        return {"title": "Try again"}

    other = await editor.open(project / "other.py", "x = 1\n")
    await editor.rpc.notify("textDocument/didClose", {"textDocument": {"uri": other}})
    (project / "other.py").write_text("x = 1\n")
    editor.rpc.answers["window/showMessageRequest"] = gone
    await editor.command("ralph.server.implement", {"uri": other})
    await editor.rpc.wait_for(lambda: bool(said), seconds(60), "why it cannot be tried again")
    assert "cannot be read" in said[0]


async def test_a_first_party_client_is_given_the_program_that_sets_up(start: Start, project: Path) -> None:
    (project / "ralph.config.yaml").write_text("budget:\n  usd_per_run: a lot\n")
    editor = await start(artisan=[])
    uri = await editor.open(project / "slug.py")
    await editor.command("ralph.server.implement", {"uri": uri})
    ended = await editor.run_ended()
    setup = next(action for action in ended["actions"] if action["kind"] == "setup")
    given = await editor.command(setup["command"], *setup["arguments"])
    assert given["argv"][1:] == ["-P", "-m", "ralphd", "setup"] and given["folder"] == str(project)
    assert not [one for one in editor.asked if "usd_per_run" in one["message"]], "it shows the ending itself"


async def test_the_projects_own_test_command_is_taken_by_a_button(start: Start, project: Path) -> None:
    """A plain client: nothing was verified, as no test command is set; the button writes it, the next run asks."""
    editor = await start(artisan=[RIGHT], profile="helix", user={"testing": {"adversarial_tests": False}}, **PLAIN)
    uri = await editor.open(project / "slug.py")
    editor.choices = ["Use `python -m pytest -q`"]
    cursor = {"line": 1, "character": 4}
    target = {"uri": uri, "range": {"start": cursor, "end": cursor}}
    await editor.command("ralph.server.implement", target)
    own = project / "ralph.config.yaml"
    await editor.rpc.wait_for(own.exists, seconds(60), "the project's file")
    assert [button["title"] for button in editor.asked[0]["actions"]] == ["Use `python -m pytest -q`"]
    assert own.read_text() == 'testing:\n  command: ["python", "-m", "pytest", "-q"]\n'
    again = await editor.command("ralph.server.useTestCommand", {"uri": uri, "command": ["make", "test"]})
    assert again == {"path": str(own), "written": False} and "make" not in own.read_text()

    editor.asked.clear()
    editor.choices = ["Never"]
    await editor.command("ralph.server.implement", target)
    await editor.rpc.wait_for(lambda: bool(editor.asked), seconds(60), "consent to the command")
    assert "python -m pytest -q" in editor.asked[0]["message"]
    installing = await editor.command("ralph.server.installIsolation", {"argv": ["sudo", "apt-get", "install", "x"]})
    assert installing == {"argv": ["sudo", "apt-get", "install", "x"], "folder": ""}
