"""How a run that was stopped can go on: its actions are commands of the server that every client can run."""

from __future__ import annotations

from pathlib import Path

from tests.lsp.conftest import Start
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
    assert place == {"path": str(own), "line": 3}
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
    place = await editor.command(raising["command"], *raising["arguments"])
    assert place["path"].endswith("config.yaml") and not Path(place["path"]).exists()
    await editor.rpc.wait_for(lambda: any("ralphd setup" in text for text in said), seconds(30), "where to set it")
