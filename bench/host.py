"""What the model host costs: a stream through it beside the same stream read directly, deltas a second, memory."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from unittest import mock

from bench.measuring import Row, median, memory_mb, scratch
from bench.paced_model import Answer, paced_model, prose
from ralphd.models.gateway import CompletionRequest, Delta, GatewayEvent, Message
from ralphd.models.host_client import HostClient
from ralphd.models.wire import Deployment, HostConfig

PACED_ROUNDS, FLOOD_ROUNDS = 5, 3
PACED = Answer(prose(200), first_s=0.3, per_s=200.0)
FLOOD = Answer(prose(4000))
SHORT = Answer(prose(20))
FEW, MANY = 5, 500
SIDE_BY_SIDE = 4
Times = tuple[float, float]
"""Seconds to the first text, and to the end."""


async def measure_all() -> list[Row]:
    paced, flood = 2 * PACED_ROUNDS, 2 * FLOOD_ROUNDS
    with scratch() as (base, env), paced_model([SHORT] * FEW + [PACED] * paced + [FLOOD] * flood + [SHORT]) as model:
        role = Deployment(model="openai/scripted", api_base=model.base_url, timeout_s=60.0)
        with mock.patch.dict(os.environ, env, clear=True):
            client = HostClient(HostConfig(roles={"artisan": (role,)}), work_dir=base / "host")
            await client.describe("artisan")  # has loaded
        try:
            for _ in range(FEW):
                await _through_host(client)
            assert client.pid
            early = memory_mb(client.pid)
            pace = await _in_turn(client, model.port, PACED_ROUNDS, len(PACED.text))
            full = await _in_turn(client, model.port, FLOOD_ROUNDS, len(FLOOD.text))
            left = iter(range(MANY - FEW - PACED_ROUNDS - FLOOD_ROUNDS))

            async def some() -> None:
                for _ in left:
                    await _through_host(client)

            await asyncio.gather(*(some() for _ in range(SIDE_BY_SIDE)))
            late = memory_mb(client.pid)
        finally:
            await client.close()
    deltas = len(FLOOD.text) / FLOOD.chunk
    direct = "the same stream read directly"
    return [
        Row("host: time to first text (300 ms model)", median([h[0] for h, _ in pace]), median([d[0] for _, d in pace]), "s", direct),
        Row("host: whole answer, 200 tok/s", median([h[1] for h, _ in pace]), median([d[1] for _, d in pace]), "s", direct),
        Row("host: whole answer, as fast as it comes", median([h[1] for h, _ in full]), median([d[1] for _, d in full]), "s", direct),
        Row("host: deltas relayed a second", deltas / median([h[1] for h, _ in full]), deltas / median([d[1] for _, d in full]), "/s", direct),
        Row(f"host: memory after {MANY} calls", late, early, "MB", f"after {FEW} calls"),
    ]


async def _in_turn(client: HostClient, port: int, rounds: int, characters: int) -> list[tuple[Times, Times]]:
    found = []
    for _ in range(rounds):
        pair = []
        ways: tuple[Callable[[], Awaitable[tuple[float, float, int]]], ...] = (
            lambda: _through_host(client),
            lambda: asyncio.to_thread(_directly, port),
        )
        for way in ways:
            first, total, length = await way()
            assert length == characters, f"{length} of {characters} characters came"
            pair.append((first, total))
        found.append((pair[0], pair[1]))
    return found


async def _through_host(client: HostClient) -> tuple[float, float, int]:
    began, first, text = time.perf_counter(), 0.0, []

    def on_event(event: GatewayEvent) -> None:
        nonlocal first
        if isinstance(event, Delta):
            first = first or time.perf_counter()
            text.append(event.text)

    request = CompletionRequest(role="artisan", messages=(Message(role="user", content="hi"),))
    answer = await client.complete(request, on_event)
    ended = time.perf_counter()
    assert "".join(text) == answer.text, "the deltas are not the answer"
    return first - began, ended - began, len(answer.text)


def _directly(port: int) -> tuple[float, float, int]:
    """As plain as a reader can be: a line, its JSON, its text."""
    began, first, length = time.perf_counter(), 0.0, 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps({"model": "scripted", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
    connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    for line in connection.getresponse():
        if line.startswith(b"data: {"):
            text = json.loads(line[6:])["choices"][0]["delta"].get("content") or ""
            if text:
                first = first or time.perf_counter()
                length += len(text)
    connection.close()
    return first - began, time.perf_counter() - began, length


def measure() -> list[Row]:
    return asyncio.run(measure_all())
