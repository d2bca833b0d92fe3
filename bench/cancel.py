"""From cancel to the last process gone: while the model streams, and while tests run that leave processes behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

from bench.editor import idle, implement, session, until
from bench.measuring import RIGHT, Row, alive, descendants, median, scratch, user_settings, write_project
from bench.paced_model import Answer, paced_model
from tests.support.fake_editor import FakeEditor

ROUNDS = 5
AIM_MS = 200.0
STUBBORN = """
import os, signal, subprocess, sys, time

def test_that_does_not_go():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    children = [subprocess.Popen(sleep, start_new_session=True) for _ in range(3)]
    time.sleep(600)
"""
TREE = """
import subprocess, sys, time
children = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) for _ in range(3)]
time.sleep(600)
"""
PROCESSES = 4
"""In both: the parent and its three children."""


async def measure_all() -> list[Row]:
    with scratch() as (base, env), paced_model([Answer(RIGHT * 100, per_s=50.0)]) as model:
        file = write_project(base / "project")
        slow = write_project(base / "slow", STUBBORN)
        async with session(file.parent, env, user_settings(model.base_url)) as editor:
            uri = await editor.open(file)
            await idle(editor.rpc.pid)
            streaming = [await _cancel(editor, uri, 0) for _ in range(ROUNDS)]
        async with session(slow.parent, env, user_settings(model.base_url)) as editor:
            uri = await editor.open(slow)
            await idle(editor.rpc.pid)
            testing = [await _cancel(editor, uri, PROCESSES) for _ in range(ROUNDS)]
        killed = [await _killed() for _ in range(ROUNDS)]
    against = "SIGKILL to a group of 4, until it is gone"
    return [
        Row(
            "cancel to last process gone, model streaming",
            median(streaming),
            median(killed),
            "ms",
            against,
            ceiling=AIM_MS,
        ),
        Row(
            "cancel to last process gone, tests running", median(testing), median(killed), "ms", against, ceiling=AIM_MS
        ),
    ]


async def _cancel(editor: FakeEditor, uri: str, processes: int) -> float:
    """Milliseconds until the run has ended and whatever lived below the server for it is gone; the host may stay."""
    server = editor.rpc.pid
    kept = descendants(server)
    editor.streams.clear()
    run_id, _ = await implement(editor, uri)
    if processes:
        await until(lambda: len(descendants(server) - kept) > processes, 60, "the tests' processes")
        await asyncio.sleep(0.5)  # the last child has just been forked: let it become what it is
    else:
        await until(lambda: bool(editor.streams), 60, "the stream")
    begun = descendants(server) - kept
    sent = time.monotonic()
    await editor.command("ralph.server.cancel", {"runId": run_id})
    ended = asyncio.create_task(editor.run_ended(run_id))
    await until(lambda: ended.done() and not any(alive(pid) for pid in begun), 10, "the end of the run", step_s=0.002)
    took = time.monotonic() - sent
    assert (await ended)["outcome"] == "cancelled"
    left = descendants(server) - kept
    assert not left, f"{len(left)} processes live on"
    return took * 1000


async def _killed() -> float:
    process = subprocess.Popen([sys.executable, "-c", TREE], start_new_session=True)
    await until(lambda: len(descendants(process.pid)) == PROCESSES - 1, 30, "the floor's processes")
    below = descendants(process.pid)
    sent = time.monotonic()
    os.killpg(process.pid, signal.SIGKILL)
    await until(lambda: not any(alive(pid) for pid in (process.pid, *below)), 10, "the end of the floor", step_s=0.002)
    took = time.monotonic() - sent
    process.wait()
    return took * 1000


def measure() -> list[Row]:
    return asyncio.run(measure_all())
