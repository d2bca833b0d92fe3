"""The test server (`tests.support.serve`) as a process that is forked from one which has imported everything already.

A fresh interpreter spends a second of processor time on imports; over all tests of tests/lsp that is minutes. What is
forked runs the same code with its own standard streams, folder, environment and session, and is killed as any other
process. What a fresh start does is tested with `RawClient.spawn` on a command (tests/process/).
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import reduction
from pathlib import Path
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.support.serve", "ralphd.app", "ralphd.models.scripted"])


class ForkedServer:
    """The part of `asyncio.subprocess.Process` that a client of a language server uses."""

    def __init__(self, process: Any, stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader) -> None:
        self._process = process
        self.stdin, self.stdout = stdin, stdout
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(process.sentinel, self._has_ended)

    @classmethod
    async def start(
        cls,
        script: str,
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        stderr: str | Path | None = None,
    ) -> ForkedServer:
        """Serve the replies of the file `script`. `env` is the whole environment; None: this process's own."""
        loop = asyncio.get_running_loop()
        their_in, our_out = os.pipe()
        our_in, their_out = os.pipe()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(our_in, "rb", 0))
        transport, protocol = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, os.fdopen(our_out, "wb", 0)
        )
        log = os.open(stderr or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            process = _CONTEXT.Process(
                target=_serve,
                args=(
                    [script],
                    dict(os.environ if env is None else env),
                    cwd or os.getcwd(),
                    *(reduction.DupFd(fd) for fd in (their_in, their_out, log)),
                ),
            )
            await asyncio.to_thread(process.start)
        finally:
            for descriptor in (their_in, their_out, log):
                os.close(descriptor)
        return cls(process, asyncio.StreamWriter(transport, protocol, None, loop), reader)

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode if self._ended.is_set() else None

    async def wait(self) -> int:
        await self._ended.wait()
        return int(self._process.exitcode)

    def _has_ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        self.stdin.close()
        self._ended.set()


def _serve(arguments: Sequence[str], env: dict[str, str], cwd: str, *streams: Any) -> None:
    """Runs in the forked process."""
    os.setsid()
    for number, stream in enumerate(streams):
        descriptor = stream.detach()
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = ["serve", *arguments]
    from tests.support import serve

    sys.exit(serve.main())
