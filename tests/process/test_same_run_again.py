"""Prompts are byte-stable: the same run again is answered from the cache, the Librarian's brief too, makes no request and costs
nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ralphd.app import build_service
from ralphd.core import events
from ralphd.core.run import RunRequest, RunResult
from ralphd.core.runner import Decision, Question
from tests.loop.test_implement import RIGHT, SLUG, WRONG
from tests.support.projects import PYTEST, write
from tests.support.scripted_server import ScriptedServer

BRIEF = "`slug` makes the part of an address that names a page."
REVIEW = '{"verdict": "pass", "findings": []}'


@pytest.mark.slow
async def test_no_request_the_second_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "project"
    write(root, SLUG)
    monkeypatch.setenv("SCRIPTED_KEY", "sk-test-0123456789abcdef")
    with ScriptedServer([BRIEF, WRONG, RIGHT, REVIEW]) as model:
        config = Path(os.environ["XDG_CONFIG_HOME"]) / "ralphd"
        config.mkdir(parents=True)
        (config / "config.yaml").write_text(
            f'models: {{default: {{model: openai/scripted, api_base: "{model.base_url}", api_key: "${{SCRIPTED_KEY}}"}}}}\n'
        )
        given = {"testing": {"command": list(PYTEST), "adversarial_tests": False}, "loop": {"librarian": "always"}}
        engine = build_service(dict(os.environ), command_line=given)

        async def never(question: Question) -> Decision:
            return "never"

        async def run(run_id: str) -> tuple[RunResult, list[events.Event]]:
            seen: list[events.Event] = []
            text = (root / "slug.py").read_text()
            request = RunRequest(run_id, "implement", str(root), "slug.py", text, (text.index("raise"),) * 2)
            return await engine.run(request, seen.append, never), seen

        try:
            first, _ = await run("run-a")
            asked = len(model.requests)
            again, seen = await run("run-b")
        finally:
            await engine.close()
    assert (first.outcome, first.iterations, asked) == ("proposed", 2, 4), first.reason
    assert (again.outcome, again.iterations, len(model.requests)) == ("proposed", 2, 4)
    assert dict(again.edits) == dict(first.edits)
    assert sum("answered from the cache" in e.text for e in seen if isinstance(e, events.Note)) == 4
    assert first.cost.usd is None and sum(again.cost.by_role.values()) == 0
