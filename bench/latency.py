"""How long an editor waits for code actions: idle, while a run streams, while the host and the engine are being loaded.

Each phase asks the bare server in turn with ours, so that what the machine does to one it does to the other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.editor import host_pid, idle, implement, session, until, used
from bench.measuring import BARE, Json, Row, memory_mb, percentile, scratch, user_settings, write_project
from bench.paced_model import Answer, Model, paced_model, prose
from tests.support.fake_editor import FakeEditor
from tests.support.raw_rpc import RawClient, load_capabilities

SAMPLES = 300
STEP_S = 0.005
TOKENS_PER_S = 2000
P99_S = 0.010
TIMES_IDLE = 5.0
STREAM_S = 20
"""Longer than it takes: the run is cancelled when enough was asked."""
HOST_QUIET_S = 0.5


@dataclass
class Asked:
    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)


async def measure_all() -> list[Row]:
    answers = [Answer(prose(STREAM_S * TOKENS_PER_S), per_s=TOKENS_PER_S)]
    with scratch() as (base, env), paced_model(answers) as model:
        file = write_project(base / "project")
        bare = await RawClient.spawn(BARE, env=env)
        await bare.initialize(load_capabilities("neovim-0.12"), str(base))
        bare_uri = file.as_uri()
        item = {"uri": bare_uri, "languageId": "python", "version": 1, "text": file.read_text()}
        await bare.notify("textDocument/didOpen", {"textDocument": item})
        try:
            async with session(file.parent, env, user_settings(model.base_url)) as editor:
                return await _phases(editor, bare, file, model)
        finally:
            await bare.kill()


async def _phases(editor: FakeEditor, bare: RawClient, file: Path, model: Model) -> list[Row]:
    uri = await editor.open(file)
    engine, loading, streaming, resting = Asked(), Asked(), Asked(), Asked()
    ask = asker(editor.rpc, bare, uri)

    spawned = asyncio.create_task(host_pid(editor.rpc.pid))
    while not spawned.done():  # the server imports its engine in this time
        await ask(engine)
    host = await spawned
    quiet, last = time.monotonic(), 0.0
    while time.monotonic() - quiet < HOST_QUIET_S:
        await ask(loading)
        now = used({host})
        quiet, last = (time.monotonic(), now) if now - last > 0.001 else (quiet, last)
    memory = memory_mb(editor.rpc.pid), memory_mb(host)
    await idle(editor.rpc.pid)
    for _ in range(SAMPLES):
        await ask(resting)

    run, _ = await implement(editor, uri)
    await until(lambda: bool(editor.streams), 60, "the stream")
    began = time.monotonic()
    before = model.seen()[0].deltas
    while len(streaming.ours) < SAMPLES:
        await ask(streaming)
    assert len(model.seen()) == 1, "the stream broke off, and the model was asked again"
    rate = (model.seen()[0].deltas - before) / (time.monotonic() - began)
    await editor.command("ralph.server.cancel", {"runId": run})
    await editor.run_ended(run)

    rows = compare("idle", resting, resting)
    rows += compare(f"model sends {rate:,.0f} deltas/s", streaming, resting)
    rows += compare("host imports litellm", loading, resting)
    rows += compare("engine being imported", engine, resting)
    rows.append(Row("memory of the model host, loaded", memory[1], memory[0], "MB", "the server beside it"))
    return rows


def compare(when: str, asked: Asked, resting: Asked) -> list[Row]:
    """Where the bare server passes 10 ms as well the machine is not quiet, and that aim says nothing."""
    ours, bare, idle_ms = (percentile(times, 99) * 1000 for times in (asked.ours, asked.bare, resting.ours))
    ceiling = P99_S * 1000 if bare <= P99_S * 1000 else None
    same, p50 = "bare server, same moments", percentile(asked.ours, 50) * 1000
    rows = [
        Row(f"code action p50, {when}", p50, percentile(asked.bare, 50) * 1000, "ms", same),
        Row(f"code action p99, {when}", ours, bare, "ms", same, ceiling=ceiling),
    ]
    if asked is not resting:
        rows.append(Row(f"code action p99, {when}", ours, idle_ms, "ms", "our own p99 when idle", aim=TIMES_IDLE))
    return rows


def asker(ours: RawClient, bare: RawClient, uri: str) -> Callable[[Asked], Awaitable[None]]:
    where: Json = {"start": {"line": 2, "character": 4}, "end": {"line": 2, "character": 4}}
    params = {"textDocument": {"uri": uri}, "range": where, "context": {"diagnostics": [], "triggerKind": 2}}

    async def ask(into: Asked) -> None:
        for client, times in ((ours, into.ours), (bare, into.bare)):
            began = time.perf_counter()
            found = await client.result("textDocument/codeAction", params, timeout=30)
            times.append(time.perf_counter() - began)
            assert found, "no code action was offered"
        await asyncio.sleep(STEP_S)

    return ask


def measure() -> list[Row]:
    return asyncio.run(measure_all())
