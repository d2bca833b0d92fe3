"""Every request to the host is answered exactly once: when its handler raises, when it cannot be read, when its address
is none; and the client waits for no answer for ever."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ralphd.errors import AuthenticationFailed, HostStopped, ModelError, TimedOut, Unreachable
from ralphd.model_host import client as client_module
from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from ralphd.model_host.wire import CallConfig, ConfiguredModel, Describe, Described
from ralphd.models.gateway import GatewayEvent, ModelChosen, Starting
from ralphd.settings.schema import KeyRef
from tests.support.providers import Provider, Reply
from tests.wire.conftest import Watch, config, deployment, request, until
from tests.wire.test_host_life import Make, make, variant

__all__ = ["make"]
pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("api_base", "said"),
    [
        ("http://localhost:99999/v1", "1 to 65535"),
        ("http://[::1:8000/v1", "brackets"),
        ("localhost:8000/v1", "http://"),
        ("http://", "no host"),
        ("http://a b/v1", "space"),
    ],
)
async def test_an_address_that_is_none(host: HostClient, api_base: str, said: str) -> None:
    gateway = HostGateway(host, config(ConfiguredModel(model="openai/x", api_base=api_base)))
    with pytest.raises(ModelError, match=said):
        await gateway.complete(request())
    assert said in ((await gateway.describe("artisan")).problem or "")
    (problem,) = await gateway.probe("artisan")
    assert problem is not None


@pytest.mark.full
async def test_a_handler_that_raises(make: Make, monkeypatch: pytest.MonkeyPatch, openai: Provider) -> None:
    variant(
        monkeypatch,
        """
        import ralphd.model_host.child.main as m, ralphd.model_host.child.requests as r
        async def broken(address):
            raise RuntimeError("of its own, with sk-proj-0123456789abcdefghij")
        r.listening = broken
        """,
    )
    gateway = HostGateway(make(), config(deployment(openai)))
    with pytest.raises(ModelError, match="RuntimeError: of its own") as caught:
        await gateway.probe("artisan")
    assert "sk-proj" not in str(caught.value)
    assert (await gateway.complete(request())).text == "Hello, world"


async def test_a_request_that_cannot_be_read(host: HostClient) -> None:
    with pytest.raises(ModelError, match="cannot read"):
        await host.ask(
            Described,
            lambda id: Describe.model_construct(id=id, config=CallConfig(), role="nobody"),  # type: ignore[arg-type]
            load=True,
        )
    assert await host.ping("still there") == "still there"


@pytest.mark.full
async def test_no_answer_is_not_waited_for_for_ever(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    variant(
        monkeypatch,
        """
        import ralphd.model_host.child.main as m
        receive = m.Host.receive
        def forgets(self, line):
            if b'"describe"' not in line and b'"complete"' not in line:
                receive(self, line)
        m.Host.receive = forgets
        """,
    )
    monkeypatch.setattr(client_module, "ASK_S", 0.5)
    monkeypatch.setattr(client_module, "SLACK_S", 0.5)
    monkeypatch.setattr(CallConfig, "longest_call_s", lambda self, role: 0.0)
    client = make()
    gateway = HostGateway(client, config(ConfiguredModel(model="openai/x")))
    assert "did not answer within" in ((await gateway.describe("artisan")).problem or "")
    with pytest.raises(TimedOut, match="did not answer within"):
        await gateway.complete(request())


@pytest.mark.slow
async def test_a_host_whose_loop_stands_still_is_dead(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    variant(
        monkeypatch,
        """
        import time, ralphd.model_host.child.main as m
        receive = m.Host.receive
        def stands(self, line):
            if b'"describe"' in line:
                time.sleep(600)
            receive(self, line)
        m.Host.receive = stands
        """,
    )
    gateway = HostGateway(make(silence_s=1.0), config(ConfiguredModel(model="openai/x")))
    async with asyncio.timeout(120):
        with pytest.raises(HostStopped, match="said nothing"):
            await gateway.describe("artisan")


@pytest.mark.full
async def test_a_slow_start_is_told_waited_for_and_can_be_cancelled(
    make: Make, monkeypatch: pytest.MonkeyPatch, openai: Provider, tmp_path: Path
) -> None:
    """An import that works for longer than the host may be silent is not killed; the call says what it waits for."""
    go = tmp_path / "go"
    variant(
        monkeypatch,
        f"""
        import time, os, ralphd.model_host.child.main as m, ralphd.model_host.child.loading as l
        l.BEAT_S = 0.1
        load = l.Loader._load
        def slow(self):
            while not os.path.exists({str(go)!r}):
                sum(range(100000))
            load(self)
        l.Loader._load = slow
        """,
    )
    client = make(silence_s=15.0)
    gateway = HostGateway(client, config(deployment(openai)))
    watch = Watch()
    first = asyncio.create_task(gateway.complete(request(), watch))
    await until(lambda: watch.of(Starting) and client.pid is not None, first)
    pid = client.pid
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert client.pid == pid and not openai.requests
    second = asyncio.create_task(gateway.complete(request(), watch))
    await asyncio.sleep(17.0)  # longer than it may be silent
    assert client.pid == pid and not second.done()
    go.touch()
    assert (await second).text == "Hello, world"
    assert client.loaded
    third: list[GatewayEvent] = []
    await gateway.complete(request(), third.append)
    assert isinstance(third[0], ModelChosen)


@pytest.mark.slow
async def test_a_start_that_stands_still_is_given_up(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    variant(
        monkeypatch,
        """
        import time, ralphd.model_host.child.main as m, ralphd.model_host.child.loading as l
        l.BEAT_S = 0.1
        l.Loader._load = lambda self: time.sleep(600)
        """,
    )
    gateway = HostGateway(make(silence_s=2.0), config(ConfiguredModel(model="openai/x")))
    async with asyncio.timeout(120):
        with pytest.raises(Unreachable, match="said nothing"):
            await gateway.complete(request())


async def test_gateways_over_one_host_do_not_touch_each_other(
    host: HostClient, openai: Provider, anthropic: Provider
) -> None:
    """The order of requests means nothing: each carries its own chain, key, price and limits."""
    bound = deployment(openai, api_key=KeyRef(env="RALPH_TEST_KEY"))
    one, two = HostGateway(host, config(bound)), HostGateway(host, config(deployment(anthropic)))
    answers = await asyncio.gather(*(gateway.complete(request(str(n))) for n in range(5) for gateway in (one, two)))
    assert [answer.model for answer in answers] == [one.first("artisan").model, two.first("artisan").model] * 5
    await two.close()
    assert (await one.complete(request("after"))).provider == "openai"
    assert len(openai.requests) == 6 and len(anthropic.requests) == 5


async def test_a_filter_is_no_refused_key(host: HostClient, openai: Provider) -> None:
    gateway = HostGateway(host, config(deployment(openai)))
    for words in (
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        "Your input was flagged by our content moderation.",
        "Content violates usage guidelines. Team: 1, API key ID: 2, Model: grok",
        "PROHIBITED_CONTENT",
    ):
        openai.default = Reply(status=403, error=words)
        with pytest.raises(ModelError) as caught:
            await gateway.complete(request())
        assert caught.value.code == "content_refused" and words in str(caught.value)
    openai.default = Reply(status=403, error="Your account may not use this model.")
    with pytest.raises(AuthenticationFailed):
        await gateway.complete(request())
