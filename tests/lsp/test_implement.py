"""Implement, through the real server: nothing in the buffer before accept, tests green after."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lsp.conftest import RIGHT, WRONG, Start
from tests.support.client_profiles import PROFILES


def cursor(editor, uri: str, part: str) -> dict:  # type: ignore[no-untyped-def, type-arg]
    start = editor.range_of(uri, part)["start"]
    return {"start": start, "end": start}


async def run_implement(editor, uri: str, at: str = "raise") -> dict:  # type: ignore[no-untyped-def, type-arg]
    await editor.act(uri, "Ralph: implement", cursor(editor, uri, at))
    return await editor.run_ended()  # type: ignore[no-any-return]


@pytest.mark.row("L8")
@pytest.mark.parametrize(
    "profile", [pytest.param(p, marks=() if p == "vscode" else pytest.mark.slow) for p in sorted(PROFILES)]
)
async def test_every_client_accepts_all(start: Start, project: Path, profile: str) -> None:
    editor = await start(artisan=[WRONG, RIGHT], profile=profile)
    uri = await editor.open(project / "slug.py")
    before = editor.text(uri)
    result = await run_implement(editor, uri)
    assert (result["outcome"], result["iterations"], result["hunks"]) == ("proposed", 2, 2), result["reason"]
    assert editor.text(uri) == before and (project / "slug.py").read_text() == before
    found = await editor.wait_diagnostics(uri, 2, "ralph.change")
    assert {d["severity"] for d in found} == {3} and all(d["data"]["reviewId"] == result["reviewId"] for d in found)
    await editor.act(uri, "Ralph: accept all changes")
    await editor.wait_diagnostics(uri, 0, "ralph.change")
    await editor.save(uri)
    tests = subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=project, capture_output=True, check=False)
    assert tests.returncode == 0, tests.stdout
    assert editor.text(uri).startswith("# 🙂 a note\nimport re\n") or "import re" in editor.text(uri)
    progress = list(editor.progress.values())
    assert all(values[-1]["kind"] == "end" for values in progress)


async def test_hunk_by_hunk_with_typing_between(start: Start, project: Path) -> None:
    editor = await start(artisan=[RIGHT])
    uri = await editor.open(project / "slug.py")
    result = await run_implement(editor, uri)
    lenses = [lens["command"]["title"] for lens in await editor.lenses(uri)]
    assert lenses.count("✓ Accept") == 2 and lenses.count("✓ Accept all") == 1
    await editor.change(uri, 0, 0, "# typed above\n")
    await editor.act(uri, "Ralph: accept change", editor.range_of(uri, "raise"))
    await editor.wait_diagnostics(uri, 1, "ralph.change")
    text = editor.text(uri)
    assert (
        text.startswith("# typed above\n") and "raise NotImplementedError" not in text and "\nimport re\n" not in text
    )
    await editor.command("ralph.server.reject", {"reviewId": result["reviewId"]})
    await editor.wait_diagnostics(uri, 0, "ralph.change")
    assert editor.text(uri) == text


@pytest.mark.row("L8")
@pytest.mark.slow
async def test_a_touched_hunk_is_stale(start: Start, project: Path) -> None:
    editor = await start(artisan=[RIGHT])
    uri = await editor.open(project / "slug.py")
    result = await run_implement(editor, uri)
    await editor.replace(uri, "raise NotImplementedError", "raise ValueError")
    await editor.flush(uri)
    await editor.rpc.wait_for(
        lambda: any(h["state"] == "stale" for e in editor.events if e["type"] == "hunksChanged" for h in e["hunks"]),
        5,
        "stale",
    )
    event = next(e for e in reversed(editor.events) if e["type"] == "hunksChanged")
    states = {h["hunkId"]: h["state"] for h in event["hunks"]}
    assert sorted(states.values()) == ["pending", "stale"]
    stale = next(h for h, state in states.items() if state == "stale")
    error = await editor.rpc.request(
        "workspace/executeCommand",
        {"command": "ralph.server.accept", "arguments": [{"reviewId": result["reviewId"], "hunkId": stale}]},
    )
    assert error["error"]["code"] == -32801


@pytest.mark.row("L7")
async def test_typing_during_the_run(start: Start, project: Path) -> None:
    editor = await start(artisan=[{"text": RIGHT, "delay_s": 0.6}])
    uri = await editor.open(project / "slug.py")
    await editor.act(uri, "Ralph: implement", cursor(editor, uri, "raise"))
    await editor.change(uri, 0, 0, "# typed during the run\n")
    result = await editor.run_ended()
    assert result["outcome"] == "proposed"
    await editor.act(uri, "Ralph: accept all changes")
    await editor.wait_diagnostics(uri, 0, "ralph.change")
    assert editor.text(uri).startswith("# typed during the run\n") and "re.sub" in editor.text(uri)


@pytest.mark.row("L7")
async def test_typing_over_it_during_the_run_is_stale(start: Start, project: Path) -> None:
    editor = await start(
        artisan=[
            {"text": '```python\ndef slug(text):\n    return "-".join(text.lower().split())\n```\n', "delay_s": 0.6}
        ]
    )
    uri = await editor.open(project / "slug.py")
    await editor.act(uri, "Ralph: implement", cursor(editor, uri, "raise"))
    await editor.replace(uri, '"""Lower-case, runs', '"""Mine now, runs')
    await editor.replace(uri, "raise NotImplementedError", "return 'mine'")
    result = await editor.run_ended()
    assert (result["outcome"], result["reviewId"]) == ("stale", None)
    assert "return 'mine'" in editor.text(uri)


@pytest.mark.row("P3")
@pytest.mark.parametrize("route", ["command", "progress", "request", "shutdown"])
async def test_every_route_cancels(start: Start, project: Path, route: str) -> None:
    editor = await start(artisan=[{"text": RIGHT, "delay_s": 30}])
    uri = await editor.open(project / "slug.py")
    before = editor.text(uri)
    if route == "request":
        position = cursor(editor, uri, "raise")
        msg_id, answer = await editor.rpc.start_request(
            "ralph/run", {"command": "implement", "uri": uri, "range": position}
        )
        await editor.rpc.wait_for(
            lambda: any(e["type"] == "phaseStarted" and e["phase"] == "artisan" for e in editor.events), 20, "artisan"
        )
        await editor.rpc.cancel(msg_id)
        assert (await asyncio.wait_for(answer, 5))["error"]["code"] == -32800
    else:
        await editor.act(uri, "Ralph: implement", cursor(editor, uri, "raise"))
        await editor.rpc.wait_for(
            lambda: any(e["type"] == "phaseStarted" and e["phase"] == "artisan" for e in editor.events), 20, "artisan"
        )
        if route == "command":
            answer = await editor.command("ralph.server.cancel", {})
            assert len(answer["cancelled"]) == 1
        elif route == "progress":
            await editor.rpc.notify("window/workDoneProgress/cancel", {"token": next(iter(editor.progress))})
        else:
            await editor.rpc.request("shutdown", None)
    result = await editor.run_ended()
    assert result["outcome"] == "cancelled"
    assert editor.text(uri) == before
    ends = [v for values in editor.progress.values() for v in values if v["kind"] == "end"]
    assert len(ends) == 1


async def test_refusals(start: Start, project: Path, tmp_path: Path) -> None:
    editor = await start(artisan=[{"text": RIGHT, "delay_s": 30}])
    uri = await editor.open(project / "slug.py")

    async def error(command: str, argument: object) -> dict:  # type: ignore[type-arg]
        answer = await editor.rpc.request(
            "workspace/executeCommand", {"command": f"ralph.server.{command}", "arguments": [argument]}
        )
        return answer["error"]  # type: ignore[no-any-return]

    assert (await error("implement", {"uri": uri, "version": 99}))["code"] == -32801
    unknown = await error("implement", {"uri": uri, "speed": 9})
    assert unknown["code"] == -32602 and "speed" in unknown["message"]
    (tmp_path / "outside.py").write_text("x = 1\n")
    outside = await editor.open(tmp_path / "outside.py")
    assert (await error("implement", {"uri": outside}))["code"] == -32803
    started = await editor.command("ralph.server.implement", {"uri": uri, "range": cursor(editor, uri, "raise")})
    busy = await error("implement", {"uri": uri})
    assert (busy["code"], busy["data"]["runId"]) == (-32803, started["runId"])
    titles = [a["title"] for a in await editor.actions(uri, editor.range_of(uri, "raise"))]
    assert "Ralph: cancel run" in titles
    await editor.command("ralph.server.cancel", {"runId": started["runId"]})
    await editor.run_ended()


@pytest.mark.row("T3", "T5")
async def test_consent(start: Start, project: Path) -> None:
    (project / "ralph.config.yaml").write_text("testing: {command: [python, -m, pytest, -q]}\n")
    editor = await start(artisan=[RIGHT, RIGHT, RIGHT], user={"testing": {"adversarial_tests": False}})
    uri = await editor.open(project / "slug.py")
    editor.choices = [None]
    result = await run_implement(editor, uri)
    assert result["outcome"] == "untrusted"
    assert "python -m pytest -q" in editor.asked[0]["message"]
    assert [a["title"] for a in editor.asked[0]["actions"]] == ["Run once", "Always for this command", "Never"]
    editor.choices = ["Always for this command"]
    assert (await run_implement(editor, uri))["outcome"] == "proposed"
    assert (await run_implement(editor, uri))["outcome"] == "proposed"
    assert len(editor.asked) == 2
    (project / "ralph.config.yaml").write_text("testing: {command: [python, -m, pytest, -x]}\n")
    editor.choices = ["Never"]
    assert (await run_implement(editor, uri))["outcome"] == "untrusted"
    assert len(editor.asked) == 3


@pytest.mark.slow
async def test_apply_mode(start: Start, project: Path) -> None:
    editor = await start(artisan=[RIGHT], user={"review": "apply"})
    uri = await editor.open(project / "slug.py")
    result = await run_implement(editor, uri)
    assert (result["outcome"], result["reviewId"]) == ("proposed", None)
    assert "re.sub" in editor.text(uri) and "raise" in (project / "slug.py").read_text()


@pytest.mark.slow
@pytest.mark.row("E9")
async def test_crlf_and_bom_are_kept(start: Start, project: Path) -> None:
    text = "\ufeffdef slug(text):\r\n    raise NotImplementedError\r\n\r\nX = 1"
    (project / "slug.py").write_bytes(text.encode())
    editor = await start(artisan=[RIGHT])
    uri = await editor.open(project / "slug.py", text=text)
    await run_implement(editor, uri)
    await editor.act(uri, "Ralph: accept all changes")
    await editor.wait_diagnostics(uri, 0, "ralph.change")
    after = editor.text(uri)
    assert after.startswith("\ufeff") and "\n" not in after.replace("\r\n", "") and after.endswith("X = 1")


async def test_untitled(start: Start, project: Path) -> None:
    editor = await start(artisan=[RIGHT])
    uri = "untitled:Untitled-1"
    await editor.rpc.notify(
        "textDocument/didOpen",
        {"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": "def slug(text):\n    pass\n"}},
    )
    await editor.command("ralph.server.implement", {"uri": uri})
    result = await editor.run_ended()
    assert result["outcome"] == "proposed_unverified"


@pytest.mark.row("P5")
@pytest.mark.slow
async def test_closed_during_the_run(start: Start, project: Path) -> None:
    editor = await start(artisan=[{"text": RIGHT, "delay_s": 0.6}])
    uri = await editor.open(project / "slug.py")
    await editor.act(uri, "Ralph: implement", cursor(editor, uri, "raise"))
    await editor.close(uri)
    result = await editor.run_ended()
    assert result["outcome"] == "proposed" and result["hunks"] == 2
    uri = await editor.open(project / "slug.py")
    await editor.wait_diagnostics(uri, 2, "ralph.change")


@pytest.mark.slow
async def test_retry_and_status(start: Start, project: Path) -> None:
    editor = await start(artisan=[RIGHT, RIGHT])
    uri = await editor.open(project / "slug.py")
    first = await run_implement(editor, uri)
    await editor.command("ralph.server.retry", {"reviewId": first["reviewId"], "reason": "use no regex"})
    second = await editor.run_ended()
    assert second["outcome"] == "proposed" and second["reviewId"] != first["reviewId"]
    status = await editor.command("ralph.server.status")
    assert [r["reviewId"] for r in status["reviews"]] == [second["reviewId"]] and status["sandbox"]["kind"] == "bwrap"
