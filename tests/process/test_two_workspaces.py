"""Two workspaces in one process, each with its own models: no run's code goes to the other's model, log or cache."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from ralphd.app import build_service
from ralphd.core.events import Event
from ralphd.core.run import RunRequest, RunResult
from ralphd.core.runner import Decision, Question
from ralphd.runs.service import RunService
from tests.support.providers import Provider, Recorded

MODELS = {"north": "openai/gpt-4.1", "south": "anthropic/claude-sonnet-4-5"}
PRICES = {"north": (2e-6, 8e-6), "south": (3e-6, 15e-6)}


@pytest.fixture
def roots(tmp_path: Path) -> dict[str, Path]:
    """Each root's own file names its model; both files are equal but for one word that tells whose they are."""
    found = {}
    for name, model in MODELS.items():
        root = found[name] = tmp_path / name
        root.mkdir()
        (root / "ralph.config.yaml").write_text(
            f"models: {{default: {{model: {model}}}}}\nlitellm: {{retry_attempts: 1}}\n"
        )
        (root / "code.py").write_text(f"def of_the_{name}(value):\n    return value + 1\n")
    return found


async def critique(service: RunService, root: Path, number: int) -> RunResult:
    async def ask(question: Question) -> Decision:
        return "always"  # each workspace's own file names its model

    def emit(event: Event) -> None:
        """Nobody watches."""

    path = root / "code.py"
    path.write_text(path.read_text() + f"\n\nNUMBER_{number} = {number}\n")  # a question that was not asked before
    return await service.run(
        RunRequest(f"{root.name}-{number}", "critique", str(root), "code.py", path.read_text()), emit, ask
    )


def told(requests: list[Recorded]) -> str:
    return json.dumps([sent.body for sent in requests])


async def test_each_to_its_own(roots: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with Provider("openai") as north, Provider("anthropic") as south:
        servers = {"north": north, "south": south}
        monkeypatch.setenv("OPENAI_BASE_URL", north.api_base)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-north-0123456789")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", south.api_base)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-of-the-south-0123456789")
        service = build_service(dict(os.environ))
        try:
            results: dict[str, list[RunResult]] = {"north": [], "south": []}
            for number in range(4):  # in turn: the last configuration is the other workspace's
                for name in results:
                    results[name].append(await critique(service, roots[name], number))
            for number in range(4, 8):  # side by side
                both = await asyncio.gather(*(critique(service, roots[name], number) for name in results))
                for name, result in zip(results, both, strict=True):
                    results[name].append(result)
            logs = {}
            for name, root in roots.items():
                editor = await service.editor_settings(str(root), str(root / "_"))
                logs[name] = Path(editor.request_log).read_text()
        finally:
            await service.close()
    other = {"north": "south", "south": "north"}
    for name, server in servers.items():
        assert len(server.requests) >= 8
        assert f"of_the_{name}" in told(server.requests) and f"of_the_{other[name]}" not in told(server.requests)
        assert f"of_the_{name}" in logs[name] and f"of_the_{other[name]}" not in logs[name]
        assert {json.loads(line)["model"] for line in logs[name].splitlines()} == {MODELS[name]}
        price_in, price_out = PRICES[name]
        for result in results[name]:
            calls = result.usage["calls"]
            assert calls and result.cost.usd == pytest.approx(calls * (11 * price_in + 7 * price_out))
            assert result.models["critic"]["model"] == MODELS[name]
