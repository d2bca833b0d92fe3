"""The model host as a child process: spawn, framing, its stderr, its death. Knows messages, not what they mean.

The child runs isolated (`-I`) in a folder of ours: nothing in a person's repository is imported or loaded by it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

import ralphd
from ralphd.model_host.wire import MAX_MESSAGE, FromHost, encode, from_host
from ralphd.models.gateway import Wire

_CHUNK = 64 * 1024
_STDERR_LINE = 4096
_STDERR_TOTAL = 1024 * 1024
_BOOT = (
    # Appended, not put first: what is installed wins over whatever else lies beside the package.
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from ralphd.core.own_program import end_with_starter; end_with_starter(); "
    "from ralphd.model_host.child.main import main; sys.exit(main())"
)


class HostProcess:
    """One running host. `on_message` gets each message, `on_exit` is called once, with what became of it."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        on_message: Callable[[FromHost], None],
        on_exit: Callable[[str], None],
        on_stderr: Callable[[str], None],
    ) -> None:
        self._process = process
        self._on_message = on_message
        self._on_exit = on_exit
        self._on_stderr = on_stderr
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._drain())]
        self._reason = ""

    @classmethod
    async def spawn(
        cls,
        work_dir: Path,
        on_message: Callable[[FromHost], None],
        on_exit: Callable[[str], None],
        on_stderr: Callable[[str], None],
    ) -> HostProcess:
        work_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        root = Path(ralphd.__file__).resolve().parent.parent
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-c",
            _BOOT,
            str(root),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=work_dir,
            start_new_session=True,  # a Ctrl-C in the terminal is the server's to handle
        )
        return cls(process, on_message, on_exit, on_stderr)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None and not self._reason

    async def send(self, message: Wire) -> None:
        """Raises `ConnectionError` when the host is gone."""
        assert self._process.stdin is not None
        if not self.alive:
            raise ConnectionResetError
        self._process.stdin.write(encode(message))
        await self._process.stdin.drain()

    def kill(self, reason: str) -> None:
        """At once; `on_exit` follows, with `reason`."""
        self._reason = self._reason or reason
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """Let it go by ending its standard input; kill it when it does not go."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(1.0):
                await self._process.wait()
        except TimeoutError:
            self.kill("closed")
            await self._process.wait()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        pending = bytearray()
        try:
            while chunk := await self._process.stdout.read(_CHUNK):
                # By hand rather than by readline: a StreamReader's lines end at 64 KiB.
                searched = len(pending)
                pending += chunk
                while (end := pending.find(b"\n", searched)) >= 0:
                    line = bytes(pending[:end])
                    del pending[: end + 1]
                    searched = 0
                    self._on_message(from_host.validate_json(line))
                if len(pending) > MAX_MESSAGE:
                    self.kill("it sent a message without an end")
                    break
        except Exception as error:
            self.kill(f"it sent something unreadable ({type(error).__name__})")
        code = await self._process.wait()
        self._reason = self._reason or (f"killed by signal {-code}" if code < 0 else f"exit code {code}")
        self._on_exit(self._reason)

    async def _drain(self) -> None:
        """Its stderr, line by line, up to a cap: a child whose pipe is full would stand still."""
        assert self._process.stderr is not None
        total, rest = 0, b""
        while chunk := await self._process.stderr.read(_CHUNK):
            if total >= _STDERR_TOTAL:
                continue
            total += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            rest = rest[-_STDERR_LINE:]
            for line in lines:
                if line.strip():
                    self._on_stderr(line[:_STDERR_LINE].decode("utf-8", "replace"))
        if rest.strip():
            self._on_stderr(rest.decode("utf-8", "replace"))
