"""What waits outlives the server: a killed one's reviews are offered again where they fit, and its run is told."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.lsp.conftest import RIGHT, Start
from tests.lsp.test_configuration import cursor
from tests.support.fake_editor import FakeEditor
from tests.support.patience import seconds

UNTESTED: dict[str, Any] = {"testing": {}}
"""No test command: what is looked at here comes after the tests."""


async def offered(editor: FakeEditor, review_id: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = await editor.rpc.wait_notification(
        "ralph/event",
        lambda p: p["type"] == "hunksChanged" and p["runId"] is None and review_id in (None, p["reviewId"]),
        60,
    )
    return found


def kept(kind: str) -> list[Path]:
    return sorted(Path(os.environ["XDG_STATE_HOME"], "ralphd", "workspaces").glob(f"*/{kind}/*.json"))


async def until(there: Callable[[], bool], what: str) -> None:
    """Files make no noise: look again and again."""
    for _ in range(int(seconds(60) * 20)):
        if there():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(what)


async def test_a_review_outlives_its_server(start: Start, project: Path) -> None:
    """Killed with a change waiting: the next server offers the same review, moved with the text; a text that no longer
    fits is not touched; what is settled is forgotten."""
    editor = await start(user=UNTESTED, artisan=[RIGHT])
    uri = await editor.open(project / "slug.py")
    await editor.act(uri, "Ralph: implement", cursor(editor, uri))
    result = await editor.run_ended()
    review_id, text = result["reviewId"], editor.text(uri)
    assert review_id and result["hunks"], result["reason"]
    await until(lambda: bool(kept("reviews")), "the review is written down")
    (path,) = kept("reviews")
    assert path.stat().st_mode & 0o777 == 0o600 and not kept("at_work")
    await editor.rpc.kill()

    editor = await start(user=UNTESTED)
    uri = await editor.open(project / "slug.py", text.replace("def slug(", "# typed meanwhile\ndef slug("))
    found = await offered(editor, review_id)
    assert {hunk["state"] for hunk in found["hunks"]} == {"pending"}
    beside = await start(user=UNTESTED)  # another window takes nothing that belongs to a server that lives
    await beside.rpc.result("workspace/executeCommand", {"command": "ralph.server.status"})
    await editor.act(uri, "Ralph: accept all changes")
    assert "# typed meanwhile\ndef slug(" in editor.text(uri) and 're.sub(r"[^a-z0-9]+"' in editor.text(uri)
    await until(lambda: not kept("reviews"), "the settled review is forgotten")
    assert not [one for one in beside.events if one["type"] == "hunksChanged"]


async def test_a_review_that_no_longer_fits_is_not_offered(start: Start, project: Path, tmp_path: Path) -> None:
    editor = await start(user=UNTESTED, artisan=[RIGHT])
    uri = await editor.open(project / "slug.py")
    await editor.act(uri, "Ralph: implement", cursor(editor, uri))
    assert (await editor.run_ended())["reviewId"]
    await until(lambda: bool(kept("reviews")), "the review is written down")
    await editor.rpc.kill()
    editor = await start(user=UNTESTED)
    await editor.open(project / "slug.py", 'def slug(text):\n    return "rewritten"\n')
    await until(lambda: not kept("reviews"), "it is forgotten")
    assert "is not offered again: its text changed" in (tmp_path / "stderr.log").read_text()
    assert not editor.events


async def test_a_run_that_was_cut_short_is_told(start: Start, project: Path) -> None:
    """With what it had cost and a way to run it again; once."""
    editor = await start(user=UNTESTED, artisan=[{"text": RIGHT, "delay_s": 600}])
    uri = await editor.open(project / "slug.py")
    where = cursor(editor, uri)
    run_id = (await editor.command("ralph.server.implement", {"uri": uri, "range": where}))["runId"]
    await editor.rpc.wait_notification("ralph/event", lambda p: p["type"] == "modelChosen", 60)
    assert len(kept("at_work")) == 1
    await editor.rpc.kill()
    editor = await start(user=UNTESTED, artisan=[RIGHT])
    await editor.open(project / "slug.py")
    told = await editor.run_ended(run_id)
    assert told["outcome"] == "cancelled" and "was cut short when its server ended" in told["reason"]
    assert told["cost"]["usd"] > 0 and "at most $" in told["reason"] and not kept("at_work")
    (again,) = told["actions"]
    assert again["kind"] == "tryAgain"
    started = await editor.command(again["command"], *again["arguments"])
    assert (await editor.run_ended(started["runId"]))["hunks"]
