"""Every way a stream can break, at every boundary of a recorded one: one named error, never a part, never a hang."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

import pytest

from ralphd.errors import BadAnswer, ModelError, TimedOut, Unreachable
from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from ralphd.models.gateway import Completion
from tests.support.patience import seconds
from tests.support.providers import Break, Provider, Recorded, Reply, boundaries, broken
from tests.wire.conftest import MODELS, Watch, config, deployment, request

pytestmark = pytest.mark.asyncio(loop_scope="session")
REPLY = Reply(("def f():\n", "    return 1\n", "```\n", "END OF EDITS"))
BREAKS: tuple[Break, ...] = ("reset", "eof", "clean_eof", "stall", "keepalive")
LIMIT_S = 2.0  # a loaded machine must not time out what was meant to break


def offsets(provider: Provider) -> list[int]:
    """Every event boundary, and a place inside every event."""
    edges = boundaries(provider.wire, MODELS[provider.wire], REPLY)
    inside = [(a + b) // 2 for a, b in pairwise(edges)]
    return sorted({*edges, *inside})


async def ask(gateway: HostGateway, text: str, watch: Watch) -> Completion | ModelError:
    try:
        return await gateway.complete(request(text), watch)
    except ModelError as error:
        return error


def ways(kinds: tuple[Break, ...], *sample: tuple[str, Break]) -> pytest.MarkDecorator:
    """Each way to break on two wires; the ordinary run takes the sample."""
    rows = [(wire, kind) for wire in ("openai", "anthropic") for kind in kinds]
    return pytest.mark.parametrize(
        ("wire", "kind"), [pytest.param(*row, marks=() if row in sample else pytest.mark.full) for row in rows]
    )


@pytest.mark.row("L2", "L3")
@ways(
    BREAKS,
    ("openai", "reset"),
    ("anthropic", "clean_eof"),
)
async def test_broken_at_every_boundary_and_never_mended(
    host: HostClient, servers: dict[str, Provider], wire: str, kind: Break
) -> None:
    provider = servers[wire]
    provider.reset()
    provider.choose = lambda sent: broken(REPLY, kind, after=int(_asked(sent)))
    gateway = HostGateway(host, config(deployment(provider, timeout_s=LIMIT_S)))
    places = offsets(provider)
    started = time.monotonic()
    answers = await asyncio.gather(*(ask(gateway, str(place), Watch()) for place in places))
    assert time.monotonic() - started < seconds(2 * LIMIT_S + 8)  # two requests each, side by side
    for place, answer in zip(places, answers, strict=True):
        if isinstance(answer, ModelError):
            assert type(answer) in (Unreachable, TimedOut, BadAnswer), (place, answer)
            assert "Traceback" not in str(answer)
        elif answer.finish_reason == "stop":
            assert answer.text == REPLY.text, place
        else:
            assert answer.finish_reason == "unknown", place
            assert kind == "clean_eof" and REPLY.text.startswith(answer.text), place
    assert any(isinstance(answer, ModelError) for answer in answers)


@ways(("reset", "eof", "stall", "keepalive"), ("openai", "eof"), ("anthropic", "stall"))
async def test_the_part_is_thrown_away_and_the_answer_comes_whole(
    host: HostClient, servers: dict[str, Provider], wire: str, kind: Break
) -> None:
    provider = servers[wire]
    provider.reset()
    seen: set[str] = set()

    def first_breaks(sent: Recorded) -> Reply:
        asked = _asked(sent)
        if asked in seen:
            return REPLY
        seen.add(asked)
        return broken(REPLY, kind, after=int(asked))

    provider.choose = first_breaks
    gateway = HostGateway(host, config(deployment(provider, timeout_s=LIMIT_S)))
    edges = boundaries(provider.wire, MODELS[provider.wire], REPLY)[:-4]  # the text is not whole before these
    watches = [Watch() for _ in edges]
    answers = await asyncio.gather(*(ask(gateway, str(e), w) for e, w in zip(edges, watches, strict=True)))
    for edge, answer, watch in zip(edges, answers, watches, strict=True):
        assert isinstance(answer, Completion), (edge, answer)
        assert (answer.text, answer.finish_reason) == (REPLY.text, "stop")
        texts = watch.texts()
        assert texts[2] == REPLY.text, edge  # the second attempt alone is the answer
        assert REPLY.text.startswith(texts.get(1, ""))
        assert answer.usage.calls == 2


@pytest.mark.row("L2")
@pytest.mark.parametrize(
    "event",
    [
        b'data: {"error": {"message": "overloaded", "type": "server_error", "code": 500}}\n\n',
        b"data: {not json\n\n",
        b'data: {"choices": [{"index": 0, "del\n\n',
    ],
    ids=["error event", "malformed", "truncated"],
)
async def test_a_bad_event_in_the_stream(host: HostClient, openai: Provider, event: bytes) -> None:
    openai.script[:] = [Reply(extra_events=(event,)), Reply()]
    gateway = HostGateway(host, config(deployment(openai)))
    watch = Watch()
    answer = await gateway.complete(request(), watch)
    assert answer.text == "Hello, world"
    assert watch.texts()[2] == "Hello, world"


async def test_an_anthropic_error_event(host: HostClient, anthropic: Provider) -> None:
    event = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    anthropic.script[:] = [Reply(extra_events=(event,)), Reply()]
    gateway = HostGateway(host, config(deployment(anthropic)))
    assert (await gateway.complete(request())).text == "Hello, world"
    assert len(anthropic.requests) == 2


@pytest.mark.row("L1")
async def test_a_trickle_has_an_end(host: HostClient, openai: Provider) -> None:
    openai.default = Reply(pieces=tuple("a" for _ in range(1000)), pause_s=0.1)
    gateway = HostGateway(host, config(deployment(openai, timeout_s=0.3), retry_attempts=1))
    started = time.monotonic()
    with pytest.raises(TimedOut):
        await gateway.complete(request())
    assert time.monotonic() - started < seconds(4)


async def test_one_huge_line_does_not_stall_the_server(host: HostClient, openai: Provider) -> None:
    big = "x" * 2_000_000
    openai.default = Reply(pieces=(big,))
    gateway = HostGateway(host, config(deployment(openai)))
    slowest, at = 0.0, time.monotonic()

    async def heartbeat() -> None:
        nonlocal slowest, at
        while True:
            await asyncio.sleep(0.005)
            slowest, at = max(slowest, time.monotonic() - at), time.monotonic()

    beat = asyncio.create_task(heartbeat())
    try:
        assert (await gateway.complete(request())).text == big
    finally:
        beat.cancel()
    assert slowest < 0.5


def _asked(sent: Recorded) -> str:
    content = sent.body["messages"][-1]["content"]
    return content if isinstance(content, str) else str(content[0]["text"])
