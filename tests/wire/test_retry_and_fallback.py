"""When the same model is asked again, when the next has its turn, and what is told meanwhile."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from ralphd.errors import AuthenticationFailed, ContextTooLong, ModelError, RateLimited, Unreachable
from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from ralphd.model_host.wire import ConfiguredModel, Limits
from ralphd.models.gateway import FellBack, ModelChosen, Retrying, spent_by
from ralphd.settings.schema import KeyRef
from tests.support.patience import seconds
from tests.support.providers import Provider, Reply, broken
from tests.wire.conftest import CANARIES, Watch, config, deployment, request, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.row("L5")
async def test_a_rate_limit_waits_as_asked_and_tells(host: HostClient, openai: Provider) -> None:
    openai.script[:] = [Reply(status=429, headers=(("Retry-After", "1"),)), Reply()]
    gateway = HostGateway(host, config(deployment(openai)))
    watch, started = Watch(), time.monotonic()
    assert (await gateway.complete(request(), watch)).text == "Hello, world"
    assert time.monotonic() - started >= 1.0
    (retrying,) = watch.of(Retrying)
    assert isinstance(retrying, Retrying)
    assert (retrying.wait_ms, retrying.attempt, retrying.model) == (1000, 2, "openai/gpt-4.1-mini")
    assert "429" in retrying.why


@pytest.mark.row("L5")
async def test_waits_grow_and_requests_have_an_end(host: HostClient, openai: Provider) -> None:
    openai.default = Reply(status=500)
    gateway = HostGateway(host, config(deployment(openai), retry_attempts=3, retry_delay_ms=20))
    watch = Watch()
    with pytest.raises(Unreachable):
        await gateway.complete(request(), watch)
    assert len(openai.requests) == 3  # requests per model in all
    assert [event.wait_ms for event in watch.of(Retrying) if isinstance(event, Retrying)] == [20, 40]


@pytest.mark.parametrize("header", ["3600", "Wed, 21 Oct 2099 07:28:00 GMT"])
async def test_a_wait_beyond_the_limit_is_passed_over(host: HostClient, openai: Provider, header: str) -> None:
    openai.default = Reply(status=429, headers=(("Retry-After", header),))
    gateway = HostGateway(host, config(deployment(openai)))
    with pytest.raises(RateLimited) as caught:
        await gateway.complete(request())
    assert caught.value.retry_after_s is not None and caught.value.retry_after_s >= 3600
    assert len(openai.requests) == 1


@pytest.mark.row("L5")
async def test_a_wait_is_cancelled_at_once(host: HostClient, openai: Provider) -> None:
    openai.default = Reply(status=429, headers=(("Retry-After", "30"),))
    gateway = HostGateway(host, config(deployment(openai)))
    watch = Watch()
    call = asyncio.create_task(gateway.complete(request(), watch))
    await until(lambda: watch.of(Retrying), call)
    started, pid = time.monotonic(), host.pid
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert time.monotonic() - started < seconds(10)  # the wait was for 30
    assert host.pid == pid  # it answered; it did not have to be killed
    assert len(openai.requests) == 1


async def test_authentication_goes_on_at_once(host: HostClient, openai: Provider, anthropic: Provider) -> None:
    openai.default = Reply(status=401)
    gateway = HostGateway(host, config(deployment(openai), deployment(anthropic)))
    watch = Watch()
    answer = await gateway.complete(request(), watch)
    assert answer.model == "anthropic/claude-sonnet-4-5"
    assert len(openai.requests) == 1 and not watch.of(Retrying)
    (fell,) = watch.of(FellBack)
    assert isinstance(fell, FellBack)
    assert (fell.from_model, fell.to_model) == ("openai/gpt-4.1-mini", "anthropic/claude-sonnet-4-5")
    assert [event.model for event in watch.of(ModelChosen) if isinstance(event, ModelChosen)] == [
        "openai/gpt-4.1-mini",
        "anthropic/claude-sonnet-4-5",
    ]


@pytest.mark.row("L6")
async def test_fallback_after_partial_text_starts_anew(host: HostClient, openai: Provider, anthropic: Provider) -> None:
    openai.default = broken(Reply(pieces=("first ", "words ", "lost")), "eof", events=3)
    anthropic.default = Reply(pieces=("all ", "of it"))
    gateway = HostGateway(host, config(deployment(openai), deployment(anthropic)))
    watch = Watch()
    answer = await gateway.complete(request(), watch)
    assert answer.text == "all of it" and watch.texts()[3] == "all of it"
    assert len(openai.requests) == 2  # once more whole, then the next
    assert answer.usage.calls == 3 and answer.usage.completion_tokens > 7
    assert answer.cost_usd is not None and answer.cost_usd > 11 * 3e-6 + 7 * 15e-6  # the broken ones are booked too


async def test_a_missing_key_is_named_before_any_call(host: HostClient, openai: Provider) -> None:
    missing = ConfiguredModel(model="cohere/command-x", provider="cohere", api_key=KeyRef(env="NOBODY_SET_THIS"))
    gateway = HostGateway(host, config(missing))
    with pytest.raises(AuthenticationFailed, match="NOBODY_SET_THIS"):
        await gateway.complete(request())
    info = await gateway.describe("artisan")
    assert not info.key_present and info.problem is not None and "NOBODY_SET_THIS" in info.problem
    gateway = HostGateway(host, config(missing, deployment(openai)))
    assert (await gateway.complete(request())).model == "openai/gpt-4.1-mini"


async def test_context_first_goes_back_to_the_caller_then_to_the_next(
    host: HostClient, openai: Provider, anthropic: Provider
) -> None:
    openai.default = Reply(status=400, error="maximum context length is 10 tokens")
    gateway = HostGateway(host, config(deployment(openai), deployment(anthropic)))
    with pytest.raises(ContextTooLong):
        await gateway.complete(request("long", may_shorten=True))
    assert not anthropic.requests
    assert (await gateway.complete(request("shorter"))).model == "anthropic/claude-sonnet-4-5"
    with pytest.raises(ContextTooLong):  # and the next prompt begins at the beginning
        await gateway.complete(request("long again", may_shorten=True))


async def test_all_failed_names_each_with_its_reason(host: HostClient, servers: dict[str, Provider]) -> None:
    chain = []
    for wire, reply in (
        ("openai", Reply(status=401, error="revoked")),
        ("anthropic", Reply(status=429, headers=(("Retry-After", "7200"),))),
        ("gemini", Reply(status=404, error="no such model")),
    ):
        servers[wire].reset()
        servers[wire].default = reply
        chain.append(deployment(servers[wire]))
    gateway = HostGateway(host, config(*chain))
    with pytest.raises(ModelError) as caught:
        await gateway.complete(request())
    text = str(caught.value)
    for part in ("openai/gpt-4.1-mini", "401", "anthropic/claude-sonnet-4-5", "429", "gemini/gemini-2.5-flash", "404"):
        assert part in text


async def test_nobody_there(host: HostClient) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    gateway = HostGateway(
        host, config(ConfiguredModel(model="openai/x", api_base=f"http://127.0.0.1:{port}/v1"), retry_attempts=2)
    )
    with pytest.raises(Unreachable) as caught:
        await gateway.complete(request())
    spent = spent_by(caught.value)
    assert spent is not None and spent.usage.total_tokens == 0  # nothing arrived anywhere, so nothing is owed
    (problem,) = await gateway.probe("artisan")
    assert problem is not None and str(port) in problem


async def test_probe_finds_what_listens(host: HostClient, openai: Provider) -> None:
    gateway = HostGateway(host, config(deployment(openai)))
    assert await gateway.probe("artisan") == (None,)
    assert openai.requests == []


async def test_an_unknown_model_without_a_provider(host: HostClient) -> None:
    gateway = HostGateway(host, config(ConfiguredModel(model="nobody-knows-me")))
    with pytest.raises(ModelError, match="provider/model"):
        await gateway.complete(request())


@pytest.mark.row("G3")
async def test_keys_echoed_by_a_provider_are_masked(host: HostClient, openai: Provider) -> None:
    key = CANARIES["RALPH_TEST_KEY"]
    openai.default = Reply(
        status=401, error=f"Incorrect API key provided: {key}. Or sk-abcdefghijklmnopqrstuvwxyz123456"
    )
    gateway = HostGateway(host, config(deployment(openai, api_key=KeyRef(env="RALPH_TEST_KEY"))))
    with pytest.raises(AuthenticationFailed) as caught:
        await gateway.complete(request())
    assert openai.requests[0].headers["authorization"] == f"Bearer {key}"
    assert key not in str(caught.value) and "sk-abcdef" not in str(caught.value)


async def test_limits_of_a_wait_are_a_setting(host: HostClient, openai: Provider) -> None:
    openai.default = Reply(status=429, headers=(("Retry-After", "2"),))
    gateway = HostGateway(host, config(deployment(openai), limits=Limits(retry_after_s=1.0)))
    with pytest.raises(RateLimited):
        await gateway.complete(request())
    assert len(openai.requests) == 1
