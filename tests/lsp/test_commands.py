"""Commands of a palette, through the real server: doctor, runs, consents, fix all; and what a rejection tells the next run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.conftest import RIGHT, SLUG, Start
from tests.lsp.test_critique import CONFIRMED, QUOTED, answer, critique
from tests.lsp.test_implement import run_implement
from tests.support.patience import seconds
from tests.support.projects import write


async def shown(editor: Any, command: str) -> str:
    """The text of what a command opens."""
    before = len(editor.shown)
    await editor.command(f"ralph.server.{command}")
    for _ in range(int(seconds(120) * 20)):
        if len(editor.shown) > before:
            break
        await asyncio.sleep(0.05)
    path = Path(editor.shown[-1]["uri"].removeprefix("file://"))
    assert path.stat().st_mode & 0o777 == 0o600
    return path.read_text(encoding="utf-8")


@pytest.mark.slow
async def test_a_reason_reaches_the_next_run_and_runs_are_listed(start: Start, project: Path) -> None:
    """Not only a retry: the person rejects with a reason, and starts anew on the file."""
    editor = await start(artisan=[RIGHT, "I do not know.", "Nor now."])
    uri = await editor.open(project / "slug.py")
    first = await run_implement(editor, uri)
    await editor.command("ralph.server.reject", {"reviewId": first["reviewId"], "reason": "use no regex"})
    second = await run_implement(editor, uri)
    prompts = Path(second["journal"]).read_text(encoding="utf-8")
    assert "Tried before, and what came of it" in prompts and "Rejected by the author: use no regex" in prompts
    assert "slug.py\\n- " in prompts.split("use no regex", 1)[1], "what was rejected stands below the reason"
    assert second["outcome"] == "stuck" and "The last one: " in second["reason"], second["reason"]
    assert "Answer with" in second["reason"], "it says what is wrong with the answer"
    listed = await shown(editor, "showRuns")
    assert first["runId"] in listed and f"{second['runId']}  implement  stuck" in listed
    told = await shown(editor, "doctor")
    assert told.startswith("ralphd ") and "artisan:" in told and "tests:" in told


async def test_fix_all(start: Start, project: Path) -> None:
    editor = await start(critic=[answer(QUOTED, CONFIRMED)], artisan=[RIGHT])
    uri = await editor.open(project / "slug.py")
    refused = await editor.rpc.request(
        "workspace/executeCommand", {"command": "ralph.server.fix", "arguments": [{"uri": uri}]}
    )
    assert "no finding" in refused["error"]["message"]
    assert (await critique(editor, uri))["findings"] == 2
    await editor.act(uri, "Ralph: fix all 2 findings in this file", editor.range_of(uri, "raise"))
    result = await editor.run_ended()
    told = Path(result["journal"]).read_text(encoding="utf-8")
    assert result["command"] == "fix" and "It only raises." in told and "It should say else." in told


async def test_consents_are_listed_given_and_taken_back(start: Start, project: Path) -> None:
    write(project, {**SLUG, "ralph.config.yaml": "testing: {command: [python, -m, pytest, -q]}\n"})
    editor = await start(user={"testing": {}})
    uri = await editor.open(project / "slug.py")

    async def states() -> dict[str, str]:
        found = await editor.command("ralph.server.consents", {"uri": uri})
        assert all("python -m pytest -q" in one["text"] for one in found["consents"])
        return {one["digest"]: one["state"] for one in found["consents"]}

    [(digest, state)] = (await states()).items()
    assert state == "asked"
    for decision, then in (("always", "always"), ("never", "never"), ("revoke", "asked")):
        await editor.command("ralph.server.trust", {"digest": digest, "decision": decision})
        assert await states() == {digest: then}
