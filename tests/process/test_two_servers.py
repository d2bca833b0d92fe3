"""Two windows, one budget: two whole servers, each with its own model host, share the person's book."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_editor import FakeEditor
from tests.support.scripted_server import Reply, Request, ScriptedServer

EACH = 25
REVIEW = '{"verdict": "pass", "findings": []}'


async def window(root: Path, model: ScriptedServer) -> FakeEditor:
    role = {"model": "openai/scripted", "api_base": model.base_url, "max_tokens": 1000}
    settings: dict[str, Any] = {
        "models": {"default": role, "critic": role, "librarian": role},
        # An answer may cost up to $1; the prompt, hardly anything.
        "prices": {"openai/scripted": {"input_usd_per_mtok": 0.001, "output_usd_per_mtok": 1000}},
        "budget": {"usd_per_run": 5, "usd_per_day": 3.5},
    }
    return await FakeEditor.start([sys.executable, "-m", "ralphd", "serve", "--stdio"], root, user_settings=settings)


async def critique_all(editor: FakeEditor) -> list[dict[str, Any]]:
    for number in range(EACH):
        uri = f"untitled:Untitled-{number}"
        text = f"def f_{number}(x):\n    return x + {number}\n"
        document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        await editor.rpc.notify("textDocument/didOpen", {"textDocument": document})
    begun = [editor.command("ralph.server.critique", {"uri": f"untitled:Untitled-{n}"}) for n in range(EACH)]
    runs = [started["runId"] for started in await asyncio.gather(*begun)]
    return list(await asyncio.gather(*(editor.run_ended(run, timeout=60) for run in runs)))


@pytest.mark.row("B1")
@pytest.mark.slow
async def test_fifty_runs_from_two_servers_under_a_budget_for_three(tmp_path: Path) -> None:
    refused = threading.Event()

    def answer(request: Request) -> Reply:
        refused.wait(60)  # nobody's answer frees budget before all have asked
        return Reply(REVIEW)

    with ScriptedServer([answer] * 10) as model:
        windows = [await window(tmp_path, model) for _ in range(2)]
        try:
            ended: list[str] = []
            for editor in windows:
                editor.rpc.listeners.append(
                    lambda method, _: ended.append(method) if method == "ralph/runEnded" else None
                )
            runs = [asyncio.create_task(critique_all(editor)) for editor in windows]
            async with asyncio.timeout(60):
                while len(ended) < 2 * EACH - 3:
                    await asyncio.sleep(0.05)
            asked = len(model.requests)
            refused.set()
            results = [result for run in runs for result in await run]
        finally:
            for editor in windows:
                await editor.stop()
    outcomes = sorted(result["outcome"] for result in results)
    assert outcomes == ["budget_exceeded"] * (2 * EACH - 3) + ["reviewed"] * 3, {r["reason"] for r in results}
    assert asked == len(model.requests) == 3
    over = next(result["reason"] for result in results if result["outcome"] == "budget_exceeded")
    assert "$3.500 for today" in over and "usd_per_day" in over
