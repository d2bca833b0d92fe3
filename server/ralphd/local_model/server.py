"""The embedded model while it runs: one process for every ralphd of this person and machine, started by the first that needs
it, ended by itself when nobody does.

Knows nothing of prompts or litellm; what it hands out is an OpenAI-compatible address on loopback. Who needs the process holds
a shared lock on its lease (`shared_process.py` says how the three files work), and the kernel drops that lock with whoever dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib.util
import os
import platform
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from ralphd import __version__
from ralphd.core import foreign_json
from ralphd.errors import Misconfigured, Unreachable
from ralphd.local_model.installing import install_line
from ralphd.local_model.lock_files import locked, opened
from ralphd.local_model.weights import installed, weights_path

CONTEXT_TOKENS = 4096
KEPT_S = 300.0
"""How long the process waits for the next that needs it."""
_LOAD_S = 120.0
"""Loading takes 1.5 s from a warm disk, and as long as it takes to read 1.1 GB from a cold one."""
_LOOK_S = 0.05
_FEW_CORES = 4
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""All that the process gets of our variables: it outlives us, and needs no key."""


class LocalServer:
    """llama.cpp's server for the verified weights of `cache_dir`. All methods belong to one event loop."""

    def __init__(
        self,
        cache_dir: Path,
        folder: Callable[[], Path],
        environ: Mapping[str, str],
        *,
        idle_s: float = 900.0,
        kept_s: float = KEPT_S,
        nice: int = 5,
        threads: int | None = None,
    ) -> None:
        """`folder`: makes a folder of the person's own, for the files that say who runs. `idle_s`: we need the process that
        long after each `start`; `kept_s`: so long it waits for others then."""
        self._weights = weights_path(cache_dir)
        self._cache_dir, self._folder = cache_dir, folder
        self._environ = {name: environ[name] for name in _ENVIRONMENT if name in environ}
        self._idle_s, self._kept_s, self._nice = idle_s, kept_s, nice
        self._threads = threads or _threads()
        self._lock = asyncio.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._url = ""
        self._lease: int | None = None
        self._idle: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that answers now, whoever started it."""
        owner = self._owner()
        return owner["pid"] if owner else None

    async def start(self) -> str:
        """The base URL (the models answer below `/v1`); starts the process where none runs, or starts it again after a crash."""
        if sys.platform == "win32":
            raise Misconfigured("The embedded model does not run on Windows.", "Run ralphd in WSL.")
        async with self._lock:
            until = time.monotonic() + _LOAD_S
            await self._take_lease(until)
            self._url = ""
            try:
                self._url = await self._found(until)
            finally:
                if self._url:
                    self._rest()
                else:
                    self._release()
            return self._url

    async def busy(self) -> bool:
        """Whether a question that is asked now would have to wait: the process answers one after the other."""

        def ask(url: str) -> bool:
            try:
                slots = _told(f"{url}/slots", 1.0)
                return bool(slots) and all(slot["is_processing"] for slot in slots)
            except (OSError, ValueError, KeyError, TypeError):
                return False

        return bool(self._url) and await asyncio.to_thread(ask, self._url)

    async def stop(self) -> None:
        """We need it no more; others may."""
        async with self._lock:
            self._release()

    @property
    def _name(self) -> str:
        """One process for each way that it is started in: another version of ralphd, or other weights, have their own."""
        ways = (__version__, str(self._weights), CONTEXT_TOKENS, self._threads, platform.node())
        return f"embedded-{hashlib.sha256(repr(ways).encode()).hexdigest()[:16]}"

    def place(self, ending: str) -> Path:
        """The file of that ending (`lock`, `lease`, `owner`)."""
        return self._folder() / f"{self._name}.{ending}"

    async def _take_lease(self, until: float) -> None:
        """Waits where the process is just ending: it holds the lease then."""
        if self._lease is not None:
            return
        descriptor = opened(self.place("lease"))
        while not locked(descriptor, shared=True):
            if time.monotonic() > until:
                os.close(descriptor)
                raise Unreachable("The local model does not end, and cannot be started again.")
            await asyncio.sleep(_LOOK_S)
        self._lease = descriptor

    def _owner(self) -> dict[str, Any] | None:
        """What the process that runs says of itself, `{}` while it loads; None where none runs."""
        with contextlib.suppress(OSError):
            descriptor = opened(self.place("lock"))
            try:
                if locked(descriptor):
                    return None
            finally:
                os.close(descriptor)
        try:
            said = foreign_json.parse(self.place("owner").read_text(encoding="utf-8"))
            return {"url": str(said["url"]), "pid": int(said["pid"])}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    async def _found(self, until: float) -> str:
        """The address of the process that runs; of a new one where none does."""
        child: subprocess.Popen[bytes] | None = None
        with tempfile.TemporaryFile() as words:
            while time.monotonic() < until:
                owner = self._owner()
                if owner:
                    return str(owner["url"])
                code = child.poll() if child is not None else 0
                if owner is None and code == 0:  # none was started yet, or it found another one that has ended since
                    child = self._child = self._spawned(words)
                elif owner is None and code is not None:
                    raise Unreachable(f"The local model did not start (exit code {code}). {_last(words)}".strip())
                await asyncio.sleep(_LOOK_S)
            if child is not None:
                child.kill()
            raise Unreachable(f"The local model did not start within {_LOAD_S:.0f} s. {_last(words)}".strip())

    def _spawned(self, words: IO[bytes]) -> subprocess.Popen[bytes]:
        """`words` takes what it says until it answers."""
        if importlib.util.find_spec("xllamacpp") is None:
            raise Misconfigured(
                "The local model's server is not installed.",
                f"Install it: {install_line()}",
            )
        if not installed(self._cache_dir):
            raise Misconfigured(
                "The local model's weights are not installed.",
                "`ralphd demo` fetches them once (1.1 GB).",
            )
        command = [sys.executable, "-P", "-m", "ralphd.local_model.shared_process", "--weights", str(self._weights)]
        for ending in ("owner", "lock", "lease"):
            command += [f"--{ending}", str(self.place(ending))]
        command += ["--context", str(CONTEXT_TOKENS), "--threads", str(self._threads)]
        command += ["--nice", str(self._nice), "--idle", str(self._kept_s)]
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            cwd=self._weights.parent,
            env=self._environ,
            start_new_session=True,  # Ctrl-C in a terminal is for us, and so is a kill of our process group
        )

    def _rest(self) -> None:
        """Count the time that we need it from now."""
        if self._idle:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._release)

    def _release(self) -> None:
        if self._idle:
            self._idle.cancel()
            self._idle = None
        if self._lease is not None:
            os.close(self._lease)
            self._lease = None
        if self._child is not None:
            self._child.poll()


def _last(words: IO[bytes]) -> str:
    words.seek(0)
    return " ".join(words.read().decode(errors="replace").split())[-400:]


OLLAMA = "http://127.0.0.1:11434"


async def ollama_models(base: str = OLLAMA, timeout_s: float = 0.3) -> list[str] | None:
    """Names of the models that an Ollama at `base` offers; None where nobody answers."""

    def ask() -> list[str] | None:
        try:
            told = _told(f"{base.rstrip('/')}/api/tags", timeout_s)
            return sorted(str(model["name"]) for model in told["models"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    return await asyncio.to_thread(ask)


def _told(url: str, timeout_s: float) -> Any:
    """The JSON at `url`. Raises `OSError` or `ValueError`."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback is never a proxy's business
    with direct.open(url, timeout=timeout_s) as answer:
        return foreign_json.parse(answer.read(1 << 20))


def _threads() -> int:
    """Few enough that the editor stays usable: generation is bound by memory, not by the last core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2
    return cores if cores <= _FEW_CORES else min(8, cores // 2)
