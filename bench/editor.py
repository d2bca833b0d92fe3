"""A real server with an editor at its pipes, for the rows that need a session rather than a handshake."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.measuring import SERVER, Json, cpu_s, descendants
from tests.support.fake_editor import FakeEditor

QUIET_S = 0.4


@asynccontextmanager
async def session(root: Path, env: Mapping[str, str], settings: Json, **given: Any) -> AsyncIterator[FakeEditor]:
    editor = await FakeEditor.start(
        SERVER,
        root,
        profile="neovim-0.12",
        env=env,
        user_settings=settings,
        stderr_path=root.parent / "stderr.log",
        **given,
    )
    try:
        yield editor
    finally:
        await editor.rpc.kill()


async def until(condition: Callable[[], bool], limit_s: float, what: str, step_s: float = 0.02) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come in {limit_s:g} s")
        await asyncio.sleep(step_s)


def used(pids: set[int]) -> float:
    total = 0.0
    for pid in pids:
        try:
            total += cpu_s(pid)
        except OSError:
            continue  # gone meanwhile
    return total


async def idle(pid: int, limit_s: float = 90.0) -> None:
    """Until the server and all below it use no CPU to speak of any more: it has loaded what it loads by itself."""
    end, quiet, last = time.monotonic() + limit_s, 0.0, 0.0
    while quiet < QUIET_S:
        if time.monotonic() > end:
            raise TimeoutError(f"the server is still busy after {limit_s:g} s")
        await asyncio.sleep(0.1)
        now = used({pid, *descendants(pid)})
        quiet = quiet + 0.1 if now - last < 0.002 else 0.0
        last = now


async def host_pid(server: int, limit_s: float = 60.0) -> int:
    """The model host's process, once there is one. The server is not asked: its answer would wait for its engine."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        for pid in descendants(server):
            with contextlib.suppress(OSError):
                if b"ralphd.model_host.child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        await asyncio.sleep(0.05)
    raise TimeoutError(f"no model host in {limit_s:g} s")


async def implement(editor: FakeEditor, uri: str) -> tuple[str, float]:
    """Sends the command as a code action's click does; (run id, when it was sent)."""
    sent = time.monotonic()
    answer = await editor.command(
        "ralph.server.implement", {"uri": uri, "range": editor.range_of(uri, "raise NotImplementedError")}
    )
    return str(answer["runId"]), sent
