"""From a kill to the last process gone while tests run that leave processes behind, on a machine with busy loops.

`RALPHD_BENCH_BUSY`: how many busy loops for each core (10). `RALPHD_BENCH_KILLS`: how often each is killed (20).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.cancel import PROCESSES, STUBBORN, _killed
from bench.editor import implement, session, until
from bench.measuring import RIGHT, Row, alive, descendants, median, scratch, user_settings, write_project
from bench.paced_model import Answer, paced_model
from tests.support.fake_editor import FakeEditor
from tests.support.processes import command_of

BUSY = int(os.environ.get("RALPHD_BENCH_BUSY", "10"))
KILLS = int(os.environ.get("RALPHD_BENCH_KILLS", "20"))
AIM_MS = 1000.0
LONG_S = 600.0


@contextmanager
def busy() -> Iterator[None]:
    """`BUSY` processes for each core that do nothing but compute."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


async def _gone(pids: set[int], sent: float) -> float:
    """Milliseconds from `sent` until none of the processes lives. Says which was the last."""
    commands, left = {pid: command_of(pid) for pid in pids}, set(pids)

    def none_is_left() -> bool:
        living = {pid for pid in pids if alive(pid)}
        left.intersection_update(living or left)
        return not living

    await until(none_is_left, LONG_S, "the end of the processes", step_s=0.002)
    took = (time.monotonic() - sent) * 1000
    last = ", ".join(commands[pid][-70:] for pid in left)
    print(f"  {len(pids)} processes gone after {took:.0f} ms; last: {last}", file=sys.stderr, flush=True)
    return took


async def _cancelled(editor: FakeEditor, uri: str) -> float:
    """Of a run that is cancelled: the model host may stay."""
    run_id, _ = await implement(editor, uri)
    await until(lambda: _tests_run(editor.rpc.pid), LONG_S, "the tests' processes")
    below = {pid for pid in descendants(editor.rpc.pid) if not _is_ours(pid)}
    sent = time.monotonic()
    await editor.command("ralph.server.cancel", {"runId": run_id})
    took = await _gone(below, sent)
    assert (await editor.run_ended(run_id, LONG_S))["outcome"] == "cancelled"
    return took


async def _server(slow: Path, env: Mapping[str, str], model_url: str) -> float:
    """Of a whole server, with its model host and the tests of a run."""
    async with session(slow.parent, env, user_settings(model_url)) as editor:
        uri = await editor.open(slow)
        await implement(editor, uri)
        await until(lambda: _tests_run(editor.rpc.pid), LONG_S, "the tests' processes")
        below = descendants(editor.rpc.pid)
        sent = time.monotonic()
        os.kill(editor.rpc.pid, signal.SIGKILL)
        return await _gone(below, sent)


async def _run(slow: Path, env: Mapping[str, str], model_url: str) -> float:
    """Of `ralphd run`."""
    configuration = Path(env["XDG_CONFIG_HOME"], "ralphd", "config.yaml")
    configuration.parent.mkdir(parents=True, exist_ok=True)
    configuration.write_text(json.dumps(user_settings(model_url)))  # YAML has JSON in it
    words = [sys.executable, "-m", "ralphd", "run", "implement", f"{slow.name}:3"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(words, cwd=slow.parent, env=dict(env), stdin=quiet, stdout=quiet, stderr=quiet)
    await until(lambda: _tests_run(process.pid), LONG_S, "the tests' processes")
    below = {process.pid, *descendants(process.pid)}
    sent = time.monotonic()
    process.kill()
    took = await _gone(below, sent)
    process.wait()
    return took


def _is_ours(pid: int) -> bool:
    """Whether it is the model host or the builder of the index, which no run ends."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"ralphd.model_host" in words or b"ralphd.judging.index_builder" in words


def _tests_run(pid: int) -> bool:
    """Whether the stubborn test has started all of its children."""
    sleeping = 0
    for one in descendants(pid):
        try:
            sleeping += b"time.sleep(600)\0" in Path(f"/proc/{one}/cmdline").read_bytes()
        except OSError:
            continue
    return sleeping >= PROCESSES - 1


async def measure_all() -> list[Row]:
    with scratch() as (base, env), paced_model([Answer(RIGHT * 100, per_s=50.0)]) as model, busy():
        slow = write_project(base / "slow", STUBBORN)
        async with session(slow.parent, env, user_settings(model.base_url)) as editor:
            uri = await editor.open(slow)
            cancelled = [await _cancelled(editor, uri) for _ in range(KILLS)]
        servers = [await _server(slow, env, model.base_url) for _ in range(KILLS)]
        runs = [await _run(slow, env, model.base_url) for _ in range(KILLS)]
        floor = [await _killed() for _ in range(KILLS)]
    against = f"SIGKILL to a group of 4, {BUSY} busy loops a core"
    rows = []
    for name, took in (("cancel of a run", cancelled), ("SIGKILL of the server", servers), ("of ralphd run", runs)):
        for which, of in (("median", median), ("longest", max)):
            title = f"{name} to last process gone, {which} of {KILLS}"
            rows.append(Row(title, of(took), of(floor), "ms", against, ceiling=AIM_MS))
    return rows


def measure() -> list[Row]:
    return asyncio.run(measure_all())
