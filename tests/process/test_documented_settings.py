"""Every block of YAML and every provider's row that README.md and docs/ print works as it is printed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ralphd.settings.load import Layer, resolve
from tests.support.product import person_file, ralphd
from tests.support.projects import DOUBLE, write
from tests.support.providers import Provider, Reply, Wire

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SERVERS: dict[str, tuple[Wire, str, str]] = {
    "openai": ("openai", "OPENAI_BASE_URL", "OPENAI_API_KEY"),
    "anthropic": ("anthropic", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"),
    "gemini": ("gemini", "GEMINI_API_BASE", "GEMINI_API_KEY"),
    "azure": ("azure", "AZURE_API_BASE", "AZURE_API_KEY"),
    "mistral": ("mistral", "MISTRAL_BASE_URL", "MISTRAL_API_KEY"),
    "deepseek": ("deepseek", "DEEPSEEK_BASE_URL", "DEEPSEEK_API_KEY"),
    "openrouter": ("openrouter", "OPENROUTER_BASE_URL", "OPENROUTER_API_KEY"),
    "groq": ("openai", "GROQ_BASE_URL", "GROQ_API_KEY"),
    "xai": ("openai", "XAI_BASE_URL", "XAI_API_KEY"),
    "ollama": ("ollama", "OLLAMA_API_BASE", "OLLAMA_API_KEY"),
}
"""By the provider in a model's name: what its server speaks, and the variables that say where it is and hold its key."""
KEY = "sk-of-the-team-0123456789"
NOT_RUN = {
    "bedrock": "its requests are signed for hosts of AWS",
    "local": "the embedded model has tests of its own (tests/e2e)",
}


def blocks() -> list[str]:
    return [block for page in PAGES for block in re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)]


def rows() -> list[str]:
    """Each provider's row of README.md as a whole file: the setting of the default model as it is printed."""
    table = (ROOT / "README.md").read_text("utf-8").split("| provider | a line of configuration | key |")[1]
    found = []
    for line in table.splitlines()[2:]:
        if not line.startswith("|"):
            break
        for printed in re.findall(r"`([^`]+)`", line.split(" | ")[1]):
            if printed.startswith("models:"):
                found.append(printed)
            elif printed.startswith("{"):
                found.append(f"models:\n  default: {printed}")
            elif printed.startswith("model:"):
                found.append(f"models:\n  default:\n    {printed}")
    return found


def test_what_is_printed_is_found() -> None:
    assert len(blocks()) >= 4 and len(rows()) >= 9
    for page in PAGES:
        assert page.read_text("utf-8").count("```yaml") == len(
            re.findall(r"```yaml\n.*?```", page.read_text("utf-8"), re.DOTALL)
        )


@pytest.mark.parametrize("text", [*blocks(), *rows()])
def test_it_is_read_without_a_problem(text: str) -> None:
    configuration = resolve([Layer("user", text=text, path="config.yaml")], {})
    assert [str(problem) for problem in configuration.problems] == []


def asked_by(text: str) -> tuple[str, str]:
    """(provider, model) of the artisan under these settings; ("", "") where the text names no model for it."""
    artisan = resolve([Layer("user", text=text, path="config.yaml")], {}).settings.models.artisan
    if artisan.model is None:
        return "", ""
    head, _, _ = artisan.model.partition("/")
    return ("anthropic" if head.startswith("claude") else head), artisan.model


RUN = [text for text in [*blocks(), *rows()] if asked_by(text)[0]]
SAMPLE = {next(text for text in RUN if asked_by(text)[0] == provider) for provider in ("openai",)}


@pytest.mark.parametrize(
    "text", [pytest.param(text, marks=pytest.mark.slow if text in SAMPLE else pytest.mark.full) for text in RUN]
)
def test_a_run_with_it_reaches_its_provider(text: str, tmp_path: Path) -> None:
    provider, model = asked_by(text)
    if provider in NOT_RUN:
        pytest.skip(NOT_RUN[provider])
    wire, base, key = SERVERS[provider]
    project = tmp_path / "project"
    write(project, DOUBLE)
    answer = Reply(pieces=("```python\ndef double(x):\n", "    return 2 * x\n```\n"))
    with Provider(wire, default=answer) as server:
        # Addresses of the text itself lead to the server; so does the person's own variable where it names none.
        printed = re.sub(r"https?://[A-Za-z0-9.:-]+", server.origin, text)
        result, told = run(project, printed, {base: server.api_base, key: KEY, "MY_KEY": KEY, "TEAM_KEY": KEY})
        requests = server.requests
    assert result["outcome"] == ("proposed" if "command:" in text else "proposed_unverified"), told
    assert requests and "2 * x" in str(result["edits"])
    sent = json.dumps([[request.path, request.query, request.headers, request.body] for request in requests])
    assert model.split("/", 1)[-1] in sent
    assert KEY in sent or provider == "ollama"
    if "api_version" in text:
        assert "2024-10-21" in sent


def run(project: Path, settings: str, environment: dict[str, str]) -> tuple[dict[str, Any], str]:
    """One run with the text as the person's own file."""
    person_file(settings)
    done = ralphd(project, "run", "implement", "double.py:2", "--json", environment=environment)
    return json.loads(done.stdout), done.stderr
