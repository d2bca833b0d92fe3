"""The model host: the one process that loads the provider library and holds keys; JSON lines with the server.

Started as `python -I`, outside any repository. Its life hangs on its standard input: when that ends, it ends. What a
library prints goes to stderr, masked; only messages go to the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ralphd.errors import ModelError, RateLimited
from ralphd.model_host.child.keys import Keyring, settle_environment
from ralphd.model_host.child.redaction import RedactingStream, Redactor
from ralphd.model_host.wire import (
    CANCELLED,
    Cancel,
    Complete,
    Configure,
    Describe,
    Described,
    Done,
    Failed,
    Hello,
    HostConfig,
    Keys,
    KeysPresent,
    Ping,
    Pong,
    Probe,
    Probed,
    Ready,
    Streamed,
    encode,
    to_host,
)
from ralphd.models.gateway import GatewayEvent, Role, Wire

if TYPE_CHECKING:
    from ralphd.model_host.child.calls import Calls
    from ralphd.model_host.child.provider_library import Library

_PROBE_S = 3.0


class Host:
    """Dispatches messages. `send` writes one to the server."""

    def __init__(self, keyring: Keyring, send: Callable[[Wire], None], stray: RedactingStream) -> None:
        self._keyring = keyring
        self._send = send
        self._stray = stray
        self._config: HostConfig | None = None
        self._library: Library | None = None
        self._calls: Calls | None = None
        self._loading: threading.Thread | None = None
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._loop = asyncio.get_running_loop()

    def receive(self, line: bytes) -> None:
        message = to_host.validate_json(line)
        if isinstance(message, Configure):
            self._configure(message.config)
        elif isinstance(message, Complete):
            self._start(message.id, self._complete(message))
        elif isinstance(message, Cancel):
            task = self._tasks.get(message.id)
            if task is not None:
                task.cancel()
        elif isinstance(message, Describe):
            self._send(Described(id=message.id, chain=self._calls.describe(message.role) if self._calls else ()))
        elif isinstance(message, Probe):
            self._start(message.id, self._probe(message.id, message.role))
        elif isinstance(message, KeysPresent):
            self._send(Keys(id=message.id, present=self._keyring.present(message.names)))
        elif isinstance(message, Ping):
            self._send(Pong(id=message.id, payload=message.payload))

    def _configure(self, config: HostConfig) -> None:
        self._config = config
        if self._library is not None:
            self._adopt(self._library)
        elif self._loading is None:
            self._loading = threading.Thread(target=self._load, name="load", daemon=True)
            self._loading.start()

    def _load(self) -> None:
        """In a thread, so that messages are still answered; on Linux that thread alone runs at low priority."""
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                os.nice(10)
        try:
            from ralphd.model_host.child import calls, provider_library

            del calls
            library = provider_library.load()
        except Exception as error:
            reason = f"The provider library could not be loaded: {type(error).__name__}: {error}"
            self._loop.call_soon_threadsafe(self._send, Ready(problem=reason))
        else:
            self._loop.call_soon_threadsafe(self._adopt, library)

    def _adopt(self, library: Library) -> None:
        from ralphd.model_host.child.calls import Calls

        assert self._config is not None
        try:
            self._calls = Calls(library, self._keyring, self._config)
        except Exception as error:
            self._send(Ready(problem=f"The model host could not be set up: {type(error).__name__}: {error}"))
            return
        first = self._library is None
        self._library = library
        self._stray.redactor = self._calls.redactor()
        if first:
            self._send(Ready())

    def _start(self, id: int, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks[id] = task
        task.add_done_callback(lambda _: self._tasks.pop(id, None))

    async def _complete(self, message: Complete) -> None:
        from ralphd.model_host.child.calls import Tally

        tally = Tally()

        def emit(event: GatewayEvent) -> None:
            self._send(Streamed(id=message.id, event=event))

        calls = self._calls
        try:
            if calls is None:
                raise ModelError("The model host is not ready.")
            completion = await calls.complete(message.request, emit, tally)
        except asyncio.CancelledError:
            self._send(
                Failed(id=message.id, code=CANCELLED, message="cancelled", usage=tally.usage, cost_usd=tally.cost_usd)
            )
        except ModelError as error:
            mask = calls.redactor() if calls is not None else Redactor()
            self._send(
                Failed(
                    id=message.id,
                    code=error.code,
                    message=mask.text(error.message),
                    hint=mask.text(error.hint),
                    partial=error.partial,
                    retry_after_s=error.retry_after_s if isinstance(error, RateLimited) else None,
                    usage=tally.usage,
                    cost_usd=tally.cost_usd,
                )
            )
        except Exception as error:
            mask = calls.redactor() if calls is not None else Redactor()
            said = mask.text(f"The model host failed: {type(error).__name__}: {error}")
            self._send(
                Failed(id=message.id, code=ModelError.code, message=said, usage=tally.usage, cost_usd=tally.cost_usd)
            )
        else:
            self._send(Done(id=message.id, completion=completion))

    async def _probe(self, id: int, role: Role) -> None:
        addresses = self._calls.addresses(role) if self._calls is not None else ()
        problems = await asyncio.gather(*(_listening(address) for address in addresses))
        self._send(Probed(id=id, problems=tuple(problems)))


async def _listening(address: str | None) -> str | None:
    """None where a TCP connection can be made."""
    if address is None:
        return "its address is not known"
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(_PROBE_S):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError) as error:
        if isinstance(error, socket.gaierror):
            return f"the name {parts.hostname} is not known to DNS"
        return f"nothing answers at {parts.hostname}:{port}"
    writer.close()
    return None


async def _serve(keyring: Keyring, incoming: int, outgoing: int, stray: RedactingStream) -> None:
    loop = asyncio.get_running_loop()

    def send(message: Wire) -> None:
        data = memoryview(encode(message))
        try:
            while data:
                data = data[os.write(outgoing, data) :]
        except OSError:
            os._exit(0)  # nobody listens any more

    host = Host(keyring, send, stray)

    def read() -> None:
        # A thread of its own: the end of the pipe is seen even while the loop is busy.
        with os.fdopen(incoming, "rb") as lines:
            for line in lines:
                loop.call_soon_threadsafe(host.receive, line)
        os._exit(0)

    send(Hello(pid=os.getpid()))
    threading.Thread(target=read, name="read", daemon=True).start()
    await asyncio.Event().wait()


def main() -> int:
    incoming, outgoing = os.dup(0), os.dup(1)
    os.dup2(2, 1)  # a stray print must not break the framing
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    keyring = Keyring.take()
    settle_environment()
    stray = RedactingStream(sys.__stderr__, Redactor(keyring.values()))
    sys.stdout = sys.stderr = stray
    asyncio.run(_serve(keyring, incoming, outgoing, stray))
    return 0


if __name__ == "__main__":
    sys.exit(main())
