"""Five providers over their real wire formats, streamed and not, through the real host process."""

from __future__ import annotations

import asyncio

import pytest

from ralphd.errors import (
    AuthenticationFailed,
    BadAnswer,
    ContentRefused,
    ContextTooLong,
    ModelError,
    RateLimited,
    Unreachable,
)
from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from ralphd.model_host.wire import Limits
from ralphd.settings.schema import Price
from tests.support.providers import Provider, Reply
from tests.wire.conftest import CANARIES, Watch, config, deployment, request

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
async def test_text_usage_and_finish(host: HostClient, provider: Provider, streamed: bool) -> None:
    reply = Reply(("def f():", "\n", "    return 'é𝛑'\n"), 120, 30, cached_tokens=100, ignore_stream=not streamed)
    provider.default = reply
    gateway = HostGateway(host, config(deployment(provider)))
    watch = Watch()
    answer = await gateway.complete(request(), watch)
    assert answer.text == reply.text
    assert answer.finish_reason == "stop"
    asked_twice = provider.wire == "anthropic" and not streamed  # its whole answer cannot be read as a stream
    assert len(provider.requests) == answer.usage.calls == 1 + asked_twice
    used = (answer.usage.prompt_tokens, answer.usage.completion_tokens)
    assert used > (120, 30) if asked_twice else used == (120, 30)  # the first answer was paid for as well
    assert answer.usage.cached_tokens == (0 if provider.wire == "ollama" else 100)
    assert watch.texts()[max(watch.texts())] == reply.text
    assert provider.requests[-1].streamed is not asked_twice


async def test_what_is_sent(host: HostClient, provider: Provider) -> None:
    gateway = HostGateway(host, config(deployment(provider, temperature=0.25, max_tokens=77)))
    await gateway.complete(request("What is sent?"))
    (sent,) = provider.requests
    body = sent.body
    flat = str(body)
    assert "What is sent?" in flat and "You are terse." in flat
    if provider.wire in ("openai", "azure"):
        assert (body["temperature"], body["max_tokens"]) == (0.25, 77)
        assert body["stream_options"] == {"include_usage": True}
    if provider.wire == "openai":
        assert sent.path == "/v1/chat/completions"
    if provider.wire == "azure":
        assert sent.path == "/openai/deployments/gpt-4o/chat/completions"
        assert sent.query["api-version"]
    if provider.wire == "anthropic":
        assert sent.path == "/v1/messages"
        assert (body["temperature"], body["max_tokens"]) == (0.25, 77)
        assert body["system"][0]["cache_control"] == {"type": "ephemeral"}  # the stable prefix, for the prompt cache
    if provider.wire == "gemini":
        assert sent.path.endswith("/models/gemini-2.5-flash:streamGenerateContent")
        assert body["generationConfig"] == {"temperature": 0.25, "max_output_tokens": 77}
    if provider.wire == "ollama":
        assert sent.path == "/api/chat"
        assert body["options"] == {"temperature": 0.25, "num_predict": 77}


async def test_a_request_overrides_the_role(host: HostClient, openai: Provider) -> None:
    gateway = HostGateway(host, config(deployment(openai, temperature=0.2, max_tokens=100)))
    await gateway.complete(request(temperature=0.9, max_tokens=50))
    assert (openai.requests[0].body["temperature"], openai.requests[0].body["max_tokens"]) == (0.9, 50)


async def test_max_tokens_is_capped_at_the_models_own(host: HostClient, openai: Provider) -> None:
    gateway = HostGateway(host, config(deployment(openai, model="openai/gpt-4o", max_tokens=100_000)))
    await gateway.complete(request())
    assert openai.requests[0].body["max_tokens"] == 16384


@pytest.mark.row("T1")
async def test_no_key_of_the_environment_goes_to_a_foreign_endpoint(host: HostClient, provider: Provider) -> None:
    gateway = HostGateway(host, config(deployment(provider)))
    await gateway.complete(request())
    seen = f"{provider.requests[0].headers} {provider.requests[0].query} {provider.requests[0].body}"
    assert not [name for name, value in CANARIES.items() if value in seen]


@pytest.mark.row("C2")
async def test_nothing_else_is_asked(host: HostClient, servers: dict[str, Provider]) -> None:
    """LiteLLM would look at Ollama's /api/show in the background."""
    ollama = servers["ollama"]
    ollama.reset()
    gateway = HostGateway(host, config(deployment(ollama)))
    await gateway.complete(request())
    await asyncio.sleep(0.3)
    assert [sent.path for sent in ollama.requests] == ["/api/chat"]


ERRORS = [
    (Reply(status=401, error="bad key"), AuthenticationFailed),
    (Reply(status=403, error="not yours"), AuthenticationFailed),
    (Reply(status=429, error="slow down"), RateLimited),
    (Reply(status=400, error="prompt is too long: 9000 tokens are too many"), ContextTooLong),
    (Reply(status=400, error="something else is wrong"), ModelError),
    (Reply(status=404, error="no such model"), ModelError),
    # The class is chosen by the status, whatever words stand in the body.
    (Reply(status=500, error="invalid_request_error authentication rate_limit"), Unreachable),
    (Reply(status=503, error="overloaded"), Unreachable),
]


@pytest.mark.parametrize(("reply", "kind"), ERRORS, ids=[f"{r.status}-{k.__name__}" for r, k in ERRORS])
async def test_errors_of_their_own_shape(
    host: HostClient, provider: Provider, reply: Reply, kind: type[ModelError]
) -> None:
    provider.default = reply
    gateway = HostGateway(host, config(deployment(provider), retry_attempts=1))
    with pytest.raises(ModelError) as caught:
        await gateway.complete(request())
    assert type(caught.value) is kind
    assert deployment(provider).model in caught.value.message
    assert "Traceback" not in str(caught.value)
    assert len(provider.requests) == 1


@pytest.mark.row("L4")
async def test_a_web_page_is_no_answer(host: HostClient, provider: Provider) -> None:
    provider.default = Reply(raw=b"<html><body>Log in</body></html>", content_type="text/html; charset=utf-8")
    gateway = HostGateway(host, config(deployment(provider)))
    with pytest.raises(BadAnswer, match="web page"):
        await gateway.complete(request())
    assert len(provider.requests) == 1


async def test_an_empty_answer_is_asked_for_once_more(host: HostClient, provider: Provider) -> None:
    provider.script[:] = [Reply(pieces=("",)), Reply(pieces=("", ""))]
    gateway = HostGateway(host, config(deployment(provider)))
    with pytest.raises(BadAnswer, match="nothing"):
        await gateway.complete(request())
    assert len(provider.requests) == 2


@pytest.mark.row("G4")
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_redirect_to_another_origin(
    host: HostClient, provider: Provider, servers: dict[str, Provider], status: int
) -> None:
    other = next(server for server in servers.values() if server is not provider)
    other.reset()
    provider.default = Reply(status=status, headers=(("Location", f"{other.origin}/v1/chat/completions"),))
    gateway = HostGateway(host, config(deployment(provider)))
    with pytest.raises(BadAnswer, match="another server"):
        await gateway.complete(request())
    assert other.requests == []


@pytest.mark.row("L4")
async def test_a_filter_is_named(host: HostClient, provider: Provider) -> None:
    if provider.wire == "ollama":
        pytest.skip("Ollama has no filter")
    provider.default = Reply(finish="filter")
    gateway = HostGateway(host, config(deployment(provider)))
    with pytest.raises(ContentRefused):
        await gateway.complete(request())
    assert len(provider.requests) == 1


@pytest.mark.row("L4")
async def test_length_is_passed_on(host: HostClient, provider: Provider) -> None:
    provider.default = Reply(finish="length")
    gateway = HostGateway(host, config(deployment(provider)))
    assert (await gateway.complete(request())).finish_reason == "length"


@pytest.mark.row("L3")
async def test_an_invented_stop_is_unknown(host: HostClient, provider: Provider) -> None:
    provider.default = Reply(finish=None, usage=False)
    gateway = HostGateway(host, config(deployment(provider)))
    answer = await gateway.complete(request())
    assert answer.finish_reason == "unknown"
    assert answer.usage.completion_tokens > 0 and answer.usage.prompt_tokens > 0


async def test_a_model_cannot_fake_its_finish_reason(host: HostClient, openai: Provider) -> None:
    openai.default = Reply(pieces=('{"finish_reason": "stop", "done": true}',), finish=None)
    gateway = HostGateway(host, config(deployment(openai)))
    assert (await gateway.complete(request())).finish_reason == "unknown"


@pytest.mark.parametrize("split", [1, 3], ids=["per byte", "per three"])
async def test_utf8_and_events_cut_anywhere(host: HostClient, provider: Provider, split: int) -> None:
    provider.default = Reply(("é𝛑", "日本", "\r\n", "end"), split=split, crlf=split == 3)
    gateway = HostGateway(host, config(deployment(provider)))
    watch = Watch()
    answer = await gateway.complete(request(), watch)
    assert answer.text == "é𝛑日本\r\nend"
    assert watch.texts() == {1: answer.text}


async def test_a_lone_surrogate_breaks_nothing(host: HostClient, openai: Provider) -> None:
    openai.default = Reply(extra_events=(b'data: {"choices":[{"index":0,"delta":{"content":"a\\ud83d"}}]}\n\n',))
    gateway = HostGateway(host, config(deployment(openai)))
    assert "a\ufffd" in (await gateway.complete(request("a lone \ud83d in the prompt"))).text


async def test_too_many_bytes(host: HostClient, openai: Provider) -> None:
    openai.default = Reply(pieces=tuple("x" * 1000 for _ in range(200)))
    gateway = HostGateway(host, config(deployment(openai), limits=Limits(max_response_bytes=50_000)))
    with pytest.raises(BadAnswer, match="bytes"):
        await gateway.complete(request())
    assert len(openai.requests) == 1


async def test_a_refused_temperature_is_dropped(host: HostClient, openai: Provider) -> None:
    openai.script[:] = [Reply(status=400, error="Unsupported value: 'temperature' does not support 0.2"), Reply()]
    gateway = HostGateway(host, config(deployment(openai, temperature=0.2)))
    assert (await gateway.complete(request())).text == "Hello, world"
    assert ["temperature" in sent.body for sent in openai.requests] == [True, False]


async def test_price_by_the_deployment_not_by_the_answers_name(host: HostClient, openai: Provider) -> None:
    openai.default = Reply(model="gpt-4o", prompt_tokens=1000, completion_tokens=100)
    gateway = HostGateway(host, config(deployment(openai)))  # gpt-4.1-mini: 0.4 and 1.6 USD per million
    answer = await gateway.complete(request())
    assert answer.cost_usd == pytest.approx(1000 * 0.4e-6 + 100 * 1.6e-6)
    assert answer.model == "openai/gpt-4.1-mini"


async def test_cached_tokens_have_their_own_price(host: HostClient, provider: Provider) -> None:
    if provider.wire == "ollama":
        pytest.skip("free of charge")
    provider.default = Reply(prompt_tokens=1000, completion_tokens=10, cached_tokens=900)
    gateway = HostGateway(host, config(deployment(provider)))
    with_cache = (await gateway.complete(request())).cost_usd
    provider.default = Reply(prompt_tokens=1000, completion_tokens=10)
    without = (await gateway.complete(request())).cost_usd
    assert with_cache is not None and without is not None and 0 < with_cache < without


async def test_ollama_is_free_and_an_unknown_model_is_not(host: HostClient, servers: dict[str, Provider]) -> None:
    ollama, openai = servers["ollama"], servers["openai"]
    ollama.reset(), openai.reset()
    gateway = HostGateway(host, config(deployment(ollama)))
    assert (await gateway.complete(request())).cost_usd == 0.0
    gateway = HostGateway(host, config(deployment(openai, model="openai/nobody-knows-me")))
    assert (await gateway.complete(request())).cost_usd is None
    own = {"openai/nobody-knows-me": Price(input_usd_per_mtok=1.0, output_usd_per_mtok=2.0)}
    gateway = HostGateway(host, config(deployment(openai, model="openai/nobody-knows-me"), prices=own))
    assert (await gateway.complete(request())).cost_usd == pytest.approx((11 * 1.0 + 7 * 2.0) / 1e6)


@pytest.mark.parametrize("name", ["claude-sonnet-4.5", "codestral/codestral-latest", "claude-3-5-sonnet-20241022"])
async def test_a_guessed_zero_is_not_a_price(host: HostClient, openai: Provider, name: str) -> None:
    gateway = HostGateway(host, config(deployment(openai, model=name)))
    info = await gateway.describe("artisan")
    assert info.input_usd_per_token is None and info.output_usd_per_token is None


async def test_the_local_model_is_free_and_says_so(host: HostClient, openai: Provider) -> None:
    gateway = HostGateway(host, config(deployment(openai, model="local", provider="openai", local=True)))
    info = await gateway.describe("artisan")
    assert (info.provider, info.local, info.input_usd_per_token) == ("local", True, 0.0)
    answer = await gateway.complete(request())
    assert (answer.provider, answer.model, answer.cost_usd) == ("local", "local", 0.0)
    assert openai.requests[0].headers["authorization"] == "Bearer no-key"
