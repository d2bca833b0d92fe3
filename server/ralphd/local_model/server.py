"""The embedded model while it runs: one child process, started on the first use, dropped when idle, never left behind.

Knows nothing of prompts or litellm; what it hands out is an OpenAI-compatible address on loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import sys
import urllib.request
from collections import deque
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from ralphd.core import foreign_json
from ralphd.errors import Misconfigured, Unreachable
from ralphd.local_model.weights import installed, weights_path

CONTEXT_TOKENS = 4096
_LOAD_S = 120.0
"""Loading takes 1.5 s from a warm disk, and as long as it takes to read 1.1 GB from a cold one."""
_GRACE_S = 0.15
_FEW_CORES = 4


class LocalServer:
    """llama.cpp's server for the verified weights of `cache_dir`. All methods belong to one event loop."""

    def __init__(
        self,
        cache_dir: Path,
        *,
        idle_s: float = 900.0,
        nice: int = 5,
        threads: int | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """`env` is the child's whole environment (it needs no key); None: this process's own."""
        self._cache_dir = cache_dir
        self._idle_s = idle_s
        self._nice = nice
        self._threads = threads or _threads()
        self._env = env
        self._lock = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None
        self._url = ""
        self._users = 0
        self._idle: asyncio.TimerHandle | None = None
        self._chores: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        """Of the child that runs now."""
        return self._child.pid if self._child and self._child.returncode is None else None

    async def start(self) -> str:
        """The base URL (the models answer below `/v1`); starts the child, or starts it again after a crash."""
        async with self._lock:
            if self.pid is None:
                self._url = await self._spawn()
            self._rest()
            return self._url

    @contextlib.asynccontextmanager
    async def use(self) -> AsyncIterator[str]:
        """The base URL, for a call that may last: the server is not idle meanwhile."""
        self._users += 1
        try:
            yield await self.start()
        finally:
            self._users -= 1
            self._rest()

    async def stop(self) -> None:
        """End the child; `start` would make a new one."""
        async with self._lock:
            self._cancel_idle()
            child, self._child = self._child, None
            if child:
                await _end(child)

    async def _spawn(self) -> str:
        if importlib.util.find_spec("xllamacpp") is None:
            raise Misconfigured(
                "The local model's server is not installed.",
                "Install it: pip install 'ralphd[local]'",
            )
        if not installed(self._cache_dir):
            raise Misconfigured(
                "The local model's weights are not installed.",
                "`ralphd demo` fetches them once (1.1 GB).",
            )
        weights = weights_path(self._cache_dir)
        # By its path: the child needs nothing of ralphd, and no import path that a working folder could change.
        command = [sys.executable, "-P", str(Path(__file__).with_name("child.py")), "--weights", str(weights)]
        command += ["--context", str(CONTEXT_TOKENS), "--threads", str(self._threads), "--nice", str(self._nice)]
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=weights.parent,
            env=self._env,
            start_new_session=True,  # Ctrl-C in a terminal is for us; the child ends with its standard input
        )
        words: deque[str] = deque(maxlen=8)
        listener = asyncio.create_task(_drain(child.stderr, words))
        self._chores.add(listener)
        listener.add_done_callback(self._chores.discard)
        try:
            line = await asyncio.wait_for(_line(child.stdout), _LOAD_S)
        except TimeoutError:
            line = b""
        except BaseException:
            await _end(child)
            raise
        if not line:
            await _end(child)
            await asyncio.wait({listener}, timeout=1.0)
            said = " ".join(words)[-400:]
            raise Unreachable(f"The local model did not start (exit code {child.returncode}). {said}".strip())
        self._child = child
        return str(foreign_json.parse(line)["url"])

    def _rest(self) -> None:
        """Count the idle time from now, unless somebody is still being answered."""
        self._cancel_idle()
        if self._users == 0 and self.pid is not None:
            self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._drop)

    def _cancel_idle(self) -> None:
        if self._idle:
            self._idle.cancel()
            self._idle = None

    def _drop(self) -> None:
        if self._users == 0:
            task = asyncio.ensure_future(self.stop())
            self._chores.add(task)
            task.add_done_callback(self._chores.discard)


OLLAMA = "http://127.0.0.1:11434"


async def ollama_models(base: str = OLLAMA, timeout_s: float = 0.3) -> list[str] | None:
    """Names of the models that an Ollama at `base` offers; None where nobody answers."""

    def ask() -> list[str] | None:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback is never a proxy's business
        try:
            with direct.open(f"{base.rstrip('/')}/api/tags", timeout=timeout_s) as answer:
                told = foreign_json.parse(answer.read(1 << 20))
            return sorted(str(model["name"]) for model in told["models"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    return await asyncio.to_thread(ask)


def _threads() -> int:
    """Few enough that the editor stays usable: generation is bound by memory, not by the last core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2
    return cores if cores <= _FEW_CORES else min(8, cores // 2)


async def _line(stream: asyncio.StreamReader | None) -> bytes:
    return await stream.readline() if stream else b""


async def _drain(stream: asyncio.StreamReader | None, words: deque[str]) -> None:
    """Keep the child's log from filling its pipe, and its last words for an error message."""
    while stream and (block := await stream.read(65536)):
        words.extend(line.strip() for line in block.decode(errors="replace").splitlines()[-8:])


async def _end(child: asyncio.subprocess.Process) -> None:
    """Closing its life line is enough; a child that does not look (it loads, say) is killed."""
    if child.stdin:
        child.stdin.close()
    try:
        await asyncio.wait_for(child.wait(), _GRACE_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
