"""Start-up, idle memory: the server against a bare pygls server with one code action, in turn."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.measuring import BARE, SERVER, Json, Row, cpu_s, median, memory_mb, scratch, user_settings, write_project
from tests.support.raw_rpc import frame, load_capabilities, split_frames

ROUNDS = 7
CPU_STEP_S = 0.01
SETTLED_S = 0.4


@dataclass(frozen=True)
class Start:
    wall_s: float
    cpu_s: float
    memory_mb: float


class Handshake:
    """A blocking client of few lines: nothing of it lies between the answer and the clock."""

    def __init__(self, argv: Sequence[str], root: Path, env: Mapping[str, str]) -> None:
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=root, env=dict(env)
        )

    def send(self, message: Json) -> None:
        assert self.process.stdin
        self.process.stdin.write(frame({"jsonrpc": "2.0", **message}))
        self.process.stdin.flush()

    def read(self) -> Json:
        assert self.process.stdout
        buffer = b""
        while chunk := self.process.stdout.read1(65536):  # type: ignore[attr-defined]
            messages, buffer = split_frames(buffer + chunk)
            if messages:
                return messages[0]
        raise ConnectionError(f"{self.process.args!r} left without an answer")


def start(argv: Sequence[str], root: Path, env: Mapping[str, str], *, idle: bool) -> Start:
    """From spawn to `initialize` answered; with `idle`, the memory once it has settled after `initialized`."""
    client = Handshake(argv, root, env)
    pid = client.process.pid
    params = {
        "processId": None,
        "rootUri": root.as_uri(),
        "workspaceFolders": [{"uri": root.as_uri(), "name": root.name}],
        "capabilities": load_capabilities("neovim-0.12"),
        "initializationOptions": {"userSettings": user_settings(None)},
    }
    try:
        client.send({"id": 1, "method": "initialize", "params": params})
        answer = client.read()
        wall, cpu = time.perf_counter() - client.began, cpu_s(pid)
        assert "result" in answer, answer
        memory = 0.0
        if idle:
            client.send({"method": "initialized", "params": {}})
            settle(lambda: cpu_s(pid))
            memory = memory_mb(pid)
        return Start(wall, cpu, memory)
    finally:
        client.process.kill()
        client.process.communicate()


def settle(cpu: Callable[[], float], limit_s: float = 30.0) -> None:
    """Until it uses no CPU to speak of any more. (A poll, because nothing says that a process has become idle.)"""
    until, quiet, last = time.monotonic() + limit_s, 0.0, cpu()
    while quiet < SETTLED_S and time.monotonic() < until:
        time.sleep(0.1)
        now = cpu()
        quiet = quiet + 0.1 if now - last < 0.002 else 0.0
        last = now


def measure() -> list[Row]:
    with scratch() as (base, env):
        root = base / "project"
        write_project(root)
        found: dict[str, list[Start]] = {"ours": [], "bare": []}
        for number in range(ROUNDS + 1):
            for name, argv in (("ours", SERVER), ("bare", BARE)):
                one = start(argv, root, env, idle=number == ROUNDS)
                if number:  # the first round fills the byte code and page caches
                    found[name].append(one)
    ours, bare = found["ours"], found["bare"]
    against = "bare pygls server, one action"
    return [
        Row(
            "start to `initialize` answered, CPU",
            median([s.cpu_s for s in ours]),
            median([s.cpu_s for s in bare]),
            "s",
            against,
            aim=1.1,
            floor=CPU_STEP_S,
        ),
        Row(
            "start to `initialize` answered, wall",
            median([s.wall_s for s in ours]),
            median([s.wall_s for s in bare]),
            "s",
            against,
            aim=1.1,
        ),
        Row("idle memory of the server", ours[-1].memory_mb, bare[-1].memory_mb, "MB", against),
    ]
