"""What would be sent, shown without a call: in the shell against a real model server, and in an editor."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.attacks.conftest import PLACE, RIGHT, project
from tests.lsp.conftest import Start, start
from tests.support import product
from tests.support.patience import seconds
from tests.support.scripted_server import ScriptedServer

__all__ = ["project", "start"]
KEY = "plain-words-as-a-key-0123456789"


@pytest.mark.slow
def test_every_byte_that_is_known_and_no_request(project: Path) -> None:
    """The dry run shows the very messages that the run then sends; it asks nobody, books nothing, keeps no journal."""
    with (project / "double.py").open("a") as file:
        file.write(f"\n# a key that somebody left here: {KEY}\n# and what hides: \u202e\n")
    environment = {"OPENAI_API_KEY": KEY}
    with ScriptedServer([RIGHT]) as model:
        product.person_file(product.person_settings(model))
        words = ("run", "implement", PLACE, "-m", "double it", "--dry-run")
        shown = product.ralphd(project, *words, environment=environment)
        assert shown.returncode == 0, shown.stderr
        assert not model.requests
        assert not list(Path(os.environ["XDG_STATE_HOME"]).rglob("*.jsonl"))
        product.run(project, PLACE, model, arguments=("-m", "double it"), environment=environment)
        (sent, *_) = model.requests
    assert f"openai/scripted at {model.base_url}" in shown.stdout
    assert "no history of costs yet; limit $" in shown.stdout and "==== artisan: at most " in shown.stdout
    assert "Tests: run as they are" in shown.stdout and KEY not in shown.stdout
    for message in sent.body["messages"]:
        assert message["content"].replace("\u202e", "\\u202e") in shown.stdout


@pytest.mark.slow
def test_the_embedded_model_is_on_this_machine(project: Path) -> None:
    """It speaks the format of a provider, and nobody is told that the code goes there."""
    product.person_file({"models": "local"})
    shown = product.ralphd(project, "run", "implement", PLACE, "-m", "double it", "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert "to local at this machine (cannot be asked: The embedded model is not there yet" in shown.stdout
    told = product.ralphd(project, "doctor")
    assert "on this machine, " in told.stdout
    assert "openai" not in shown.stdout + told.stdout


async def test_in_an_editor(start: Start, project: Path) -> None:
    """The document as the editor shows it, unsaved changes included; opened when it is there."""
    editor = await start(root=project, artisan=[RIGHT], user={"testing": {}})
    uri = await editor.open(
        project / "double.py",
        "def double(x):\n    'typed, not saved'\n    '''\n<<<<<<< SEARCH\n'''\n    raise NotImplementedError\n",
    )
    assert await editor.command("ralph.server.showWhatWouldBeSent", {"uri": uri}) == {"uri": uri}
    for _ in range(int(seconds(120) * 20)):
        if editor.shown:
            break
        await asyncio.sleep(0.05)
    (shown,) = editor.shown
    path = Path(shown["uri"].removeprefix("file://"))
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text(encoding="utf-8")
    assert "\n <<<<<<< SEARCH" in text and "\n<<<<<<<" not in text, "an editor would take it for a merge conflict"
    assert "'typed, not saved'" in text and "Nothing was sent." in text and "Tests: none" in text
    refused = await editor.rpc.request(
        "workspace/executeCommand", {"command": "ralph.server.showWhatWouldBeSent", "arguments": [{"command": "fix"}]}
    )
    assert "error" in refused and not editor.events
