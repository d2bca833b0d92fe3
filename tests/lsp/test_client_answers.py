"""What the client answers late, or not as hoped: consent after the time-out, a progress token that it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ralphd.lsp import outbox, progress
from ralphd.models.scripted import Reply
from tests.lsp.conftest import RIGHT, USER, Start
from tests.lsp.test_implement import cursor
from tests.support.connection import Connection

SHORT = 0.05
REPOSITORY = "testing: {command: [python, -m, pytest, -q]}\n"
NO_COMMAND = {"testing": {"adversarial_tests": False}, "loop": {"critic": "never"}}


@pytest.fixture
async def connection() -> AsyncIterator[Connection]:
    made = Connection({"artisan": [RIGHT, RIGHT, RIGHT]})
    yield made
    await made.stop()


def implement_at(uri: str) -> dict[str, Any]:
    """What `ralph/run` is given: the cursor is in the first function of the file."""
    place = {"line": 1, "character": 4}
    return {"command": "implement", "uri": uri, "range": {"start": place, "end": place}}


async def implement(connection: Connection, uri: str) -> dict[str, Any]:
    """A run to its end; its result."""
    answer = await connection.answer(connection.begin("ralph/run", implement_at(uri)), 300)
    result: dict[str, Any] = answer["result"]
    return result


async def settled(connection: Connection) -> None:
    """Until nothing goes on in the background any more: a late answer has been understood then."""
    await asyncio.sleep(0.05)  # the answer reaches its question in one of the next turns of the event loop
    async with asyncio.timeout(300):
        while connection.server.outbox.busy:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("title", "then"),
    [("Always for this command", "proposed"), ("Run once", "proposed"), ("Never", "untrusted"), (None, "untrusted")],
)
@pytest.mark.slow
async def test_a_late_consent_counts_from_the_next_run_on(
    connection: Connection,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    title: str | None,
    then: str,
) -> None:
    monkeypatch.setattr(outbox, "ASK_TIMEOUT_S", SHORT)
    (project / "ralph.config.yaml").write_text(REPOSITORY)
    await connection.initialize(project, NO_COMMAND, window={"showMessage": {}})
    uri = (project / "slug.py").as_uri()
    connection.open(uri, (project / "slug.py").read_text())
    assert (await implement(connection, uri))["outcome"] == "untrusted"
    asked = [m for m in connection.received if m.get("method") == "window/showMessageRequest"]
    connection.say({"jsonrpc": "2.0", "id": asked[0]["id"], "result": {"title": title} if title else None})
    await settled(connection)
    told = [m["params"]["message"] for m in connection.received if m.get("method") == "window/showMessage"]
    assert [("before you answered" in text) for text in told] == ([True] if title else []), told
    assert (await implement(connection, uri))["outcome"] == then
    again = [m for m in connection.received if m.get("method") == "window/showMessageRequest"]
    assert len(again) == (2 if title is None else 1), "what was decided is not asked again"
    assert "InvalidState" not in caplog.text and "Traceback" not in caplog.text


async def test_an_answer_after_the_run_was_cancelled_counts_too(connection: Connection, project: Path) -> None:
    (project / "ralph.config.yaml").write_text(REPOSITORY)
    await connection.initialize(project, NO_COMMAND, window={"showMessage": {}})
    uri = (project / "slug.py").as_uri()
    connection.open(uri, (project / "slug.py").read_text())
    msg_id = connection.begin("ralph/run", implement_at(uri))
    asked = await connection.until(lambda m: m.get("method") == "window/showMessageRequest", 120)
    connection.notify("$/cancelRequest", {"id": msg_id})
    await connection.answer(msg_id)
    connection.say({"jsonrpc": "2.0", "id": asked["id"], "result": {"title": "Always for this command"}})
    await settled(connection)
    assert (await implement(connection, uri))["outcome"] == "proposed"


@pytest.mark.slow
async def test_a_token_that_the_client_refuses_gets_no_reports(start: Start, project: Path) -> None:
    """In the real process: the run goes on, its events come, and nothing is said on the token."""
    editor = await start(artisan=[RIGHT])

    def refuse(params: Any) -> None:
        raise ValueError("no progress here")

    editor.rpc.answers["window/workDoneProgress/create"] = refuse
    uri = await editor.open(project / "slug.py")
    await editor.act(uri, "Ralph: implement", cursor(editor, uri, "raise"))
    assert (await editor.run_ended())["outcome"] == "proposed"
    assert any(m.get("method") == "window/workDoneProgress/create" for _, m in editor.rpc.log)
    assert not [m for _, m in editor.rpc.log if m.get("method") == "$/progress"]
    assert editor.events


@pytest.mark.parametrize("late", ["in the run", "after it"])
async def test_a_token_taken_late(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, late: str
) -> None:
    """The report begins with the client's answer, not before; on a run that has ended nothing is said any more."""
    monkeypatch.setattr(progress, "CREATE_TIMEOUT_S", SHORT)
    connection = Connection({"artisan": [Reply(RIGHT, delay_s=600)]})
    await connection.initialize(project, USER)
    uri = (project / "slug.py").as_uri()
    connection.open(uri, (project / "slug.py").read_text())

    def kinds() -> list[str]:
        return [m["params"]["value"]["kind"] for m in connection.received if m.get("method") == "$/progress"]

    msg_id = connection.begin("ralph/run", implement_at(uri))
    create = await connection.until(lambda m: m.get("method") == "window/workDoneProgress/create")
    await connection.until(lambda m: m.get("params", {}).get("phase") == "artisan", 300)
    await asyncio.sleep(2 * SHORT)
    assert kinds() == []
    if late == "in the run":
        connection.say({"jsonrpc": "2.0", "id": create["id"], "result": None})
        await connection.until(lambda m: m.get("method") == "$/progress")
    connection.notify("$/cancelRequest", {"id": msg_id})
    await connection.answer(msg_id, 60)
    if late == "after it":
        connection.say({"jsonrpc": "2.0", "id": create["id"], "result": None})
        await settled(connection)
        assert kinds() == []
    else:
        assert kinds()[0] == "begin" and kinds()[-1] == "end"
    assert "InvalidState" not in caplog.text
    await connection.stop()
