"""What the model host costs: a stream through it beside the same stream read directly, deltas a second, memory.

Most of what a delta costs is the provider library's own; the rows against it in a plain script say how much is ours.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from unittest import mock

from bench.measuring import Row, cpu_s, median, memory_mb, scratch
from bench.paced_model import Answer, paced_model, prose

from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from ralphd.model_host.wire import CallConfig, ConfiguredModel
from ralphd.models.gateway import CompletionRequest, Delta, GatewayEvent, Message

PACED_ROUNDS, FLOOD_ROUNDS = 5, 3
PACED = Answer(prose(200), first_s=0.3, per_s=200.0)
FLOOD = Answer(prose(2000))
SHORT = Answer(prose(20))
FEW, MANY = 5, 500
SIDE_BY_SIDE = 4
Times = tuple[float, float]
"""Seconds to the first text, and to the end."""
LITELLM = """
import asyncio, os, sys, time
os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_MODE="PRODUCTION")
import litellm

async def ask():
    messages = [{"role": "user", "content": "hi"}]
    began, cpu = time.perf_counter(), time.process_time()
    options = {"api_base": sys.argv[1], "api_key": "none", "stream": True}
    async for part in await litellm.acompletion(model="openai/scripted", messages=messages, **options):
        pass
    print(time.perf_counter() - began, time.process_time() - cpu, flush=True)

async def main():
    for _ in range(int(sys.argv[2])):
        await ask()

asyncio.run(main())
"""


async def measure_all() -> list[Row]:
    paced, flood = 2 * PACED_ROUNDS, 2 * FLOOD_ROUNDS
    with (
        scratch() as (base, env),
        paced_model(
            [SHORT] * FEW + [PACED] * paced + [FLOOD] * flood + [SHORT] + [FLOOD] * FLOOD_ROUNDS + [SHORT]
        ) as model,
    ):
        role = ConfiguredModel(model="openai/scripted", api_base=model.base_url, timeout_s=60.0)
        with mock.patch.dict(os.environ, env, clear=True):
            client = HostClient(work_dir=base / "host")
            gateway = HostGateway(client, CallConfig(roles={"artisan": (role,)}))
            await gateway.describe("artisan")  # has loaded
        try:
            for _ in range(FEW):
                await _through_host(gateway)
            assert client.pid
            early = memory_mb(client.pid)
            pace = await _in_turn(gateway, model.port, PACED_ROUNDS, len(PACED.text))
            before = cpu_s(client.pid)
            full = await _in_turn(gateway, model.port, FLOOD_ROUNDS, len(FLOOD.text))
            host_cpu = (cpu_s(client.pid) - before) / FLOOD_ROUNDS
            alone = await asyncio.to_thread(_litellm, env, model.base_url)
            left = iter(range(MANY - FEW - PACED_ROUNDS - FLOOD_ROUNDS))

            async def some() -> None:
                for _ in left:
                    await _through_host(gateway)

            await asyncio.gather(*(some() for _ in range(SIDE_BY_SIDE)))
            late = memory_mb(client.pid)
        finally:
            await client.close()
    deltas = len(FLOOD.text) / FLOOD.chunk
    plain = "litellm in a plain script"
    direct = "the same stream read directly"
    return [
        Row(
            "host: time to first text (300 ms model)",
            median([h[0] for h, _ in pace]),
            median([d[0] for _, d in pace]),
            "s",
            direct,
        ),
        Row(
            "host: whole answer, 200 tok/s",
            median([h[1] for h, _ in pace]),
            median([d[1] for _, d in pace]),
            "s",
            direct,
        ),
        Row(
            "host: whole answer, as fast as it comes",
            median([h[1] for h, _ in full]),
            median([d[1] for _, d in full]),
            "s",
            direct,
        ),
        Row(
            "host: whole answer, as fast as it comes",
            median([h[1] for h, _ in full]),
            median([a[0] for a in alone]),
            "s",
            plain,
        ),
        Row(
            "host: CPU of a delta", host_cpu / deltas * 1000, median([a[1] for a in alone]) / deltas * 1000, "ms", plain
        ),
        Row(
            "host: deltas relayed a second",
            deltas / median([h[1] for h, _ in full]),
            deltas / median([d[1] for _, d in full]),
            "/s",
            direct,
        ),
        Row(f"host: memory after {MANY} calls", late, early, "MB", f"after {FEW} calls"),
    ]


async def _in_turn(gateway: HostGateway, port: int, rounds: int, characters: int) -> list[tuple[Times, Times]]:
    found = []
    for _ in range(rounds):
        pair = []
        ways: tuple[Callable[[], Awaitable[tuple[float, float, int]]], ...] = (
            lambda: _through_host(gateway),
            lambda: asyncio.to_thread(_directly, port),
        )
        for way in ways:
            first, total, length = await way()
            assert length == characters, f"{length} of {characters} characters came"
            pair.append((first, total))
        found.append((pair[0], pair[1]))
    return found


async def _through_host(gateway: HostGateway) -> tuple[float, float, int]:
    began, first, text = time.perf_counter(), 0.0, []

    def on_event(event: GatewayEvent) -> None:
        nonlocal first
        if isinstance(event, Delta):
            first = first or time.perf_counter()
            text.append(event.text)

    request = CompletionRequest(role="artisan", messages=(Message(role="user", content="hi"),))
    answer = await gateway.complete(request, on_event)
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


def _litellm(env: dict[str, str], base_url: str) -> list[Times]:
    """(Wall, CPU) seconds of the flood, read by a script that does nothing else; its first call loads what loads late."""
    argv = [sys.executable, "-c", LITELLM, base_url, str(1 + FLOOD_ROUNDS)]
    told = subprocess.run(argv, env=env, capture_output=True, check=True, text=True).stdout
    wall_cpu = [tuple(map(float, line.split())) for line in told.splitlines()]
    return [(wall, cpu) for wall, cpu in wall_cpu[1:]]


def measure() -> list[Row]:
    return asyncio.run(measure_all())
