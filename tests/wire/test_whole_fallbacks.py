"""Fallbacks as whole models, and what a role sends beside the usual: from a person's file over the real host to servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralphd.model_host.chains import Places, call_config
from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from ralphd.settings.load import resolve
from ralphd.settings.provenance import Configuration, Layer
from tests.support.providers import Provider, Reply
from tests.wire.conftest import CANARIES, request


def read(text: str, path: Path, scope: str = "user") -> Configuration:
    path.write_text(text)
    return resolve([Layer(scope, text=text, path=str(path))], {})  # type: ignore[arg-type]


@pytest.mark.asyncio(loop_scope="session")
async def test_each_with_its_own_address_key_and_fields(
    host: HostClient, openai: Provider, anthropic: Provider, tmp_path: Path
) -> None:
    found = read(
        f"""
models:
  artisan:
    model: openai/first
    api_base: {openai.api_base}
    api_key: ${{RALPH_TEST_KEY}}
    drop_params: [temperature]
    extra_body: {{reasoning_effort: low}}
    context_window: 9000
    fallback:
      - second
      - {{model: anthropic/claude-sonnet-4-5, api_base: "{anthropic.api_base}", api_key: key-of-the-file-0123456789,
         max_tokens: 77, headers: {{X-Team: "${{RALPH_TEST_KEY}}"}}}}
litellm: {{retry_attempts: 1, enable_caching: false}}
""",
        tmp_path / "config.yaml",
    )
    assert found.problems == ()
    gateway = HostGateway(host, call_config(found.settings, Places(tmp_path, tmp_path)))
    openai.default = Reply(status=500)
    answer = await gateway.complete(request())
    assert answer.model == "anthropic/claude-sonnet-4-5"
    first, second = openai.requests
    key = CANARIES["RALPH_TEST_KEY"]
    assert [sent.body["model"] for sent in (first, second)] == ["first", "second"]
    assert all(sent.headers["authorization"] == f"Bearer {key}" for sent in (first, second))
    assert "temperature" not in first.body and first.body["reasoning_effort"] == "low"
    (third,) = anthropic.requests
    assert third.headers["x-api-key"] == "key-of-the-file-0123456789" and third.headers["x-team"] == key
    assert third.body["max_tokens"] == 77
    assert key not in str(third.body) and "key-of-the-file" not in f"{first.headers}{second.headers}"
    described = await gateway.describe_chain("artisan")
    assert [model.address for model in described] == [openai.api_base, openai.api_base, anthropic.api_base]
    assert described[0].context_window == 9000


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("{api_base: 'http://127.0.0.1:1/v1'}", "names no model"),
        ("{model: a, api_base: 'http://localhost:99999/v1'}", "1 to 65535"),
        ("{model: a, apibase: 'http://127.0.0.1:1/v1'}", "Did you mean"),
        ("{model: a, max_tokens: many}", "max_tokens"),
        ("3.5", ""),
    ],
)
def test_what_cannot_be_read_is_left_out_whole(item: str, said: str, tmp_path: Path) -> None:
    found = read(f"models: {{artisan: {{model: openai/x, fallback: [{{model: b}}, {item}]}}}}\n", tmp_path / "c.yaml")
    models = [getattr(one, "model", one) for one in found.settings.models.artisan.fallback]
    assert models == (["b", "3.5"] if not said else ["b"])
    assert [said in problem.message for problem in found.problems] == ([True] if said else [])


def test_a_repository_cannot_write_one(tmp_path: Path) -> None:
    found = read(
        "models: {artisan: {fallback: [{model: a, api_base: 'https://evil.example/v1'}]}}\n",
        tmp_path / "ralph.config.yaml",
        "repository",
    )
    assert found.settings.models.artisan.fallback == ()
    assert "only your own settings" in found.problems[0].message
