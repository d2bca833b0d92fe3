"""`Gateway` over the model host: starts it when needed, talks to it, cancels, restarts after a crash, drops when idle.

The server's side of the pipe. Holds no key and does not know the provider library.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ralphd.errors import MODEL_ERRORS, ModelError, RateLimited, Unreachable
from ralphd.models.gateway import (
    Completion,
    CompletionRequest,
    ModelInfo,
    OnEvent,
    Role,
    Wire,
    ignore_event,
)
from ralphd.models.host_process import HostProcess
from ralphd.models.wire import (
    CANCELLED,
    Cancel,
    Complete,
    Configure,
    Describe,
    Described,
    Done,
    Failed,
    FromHost,
    Hello,
    HostConfig,
    Keys,
    KeysPresent,
    Ping,
    Pong,
    Probe,
    Probed,
    Ready,
    Spent,
    Streamed,
)

CANCEL_S = 0.15
"""How long the host may take to answer a cancel before it is killed."""
START_S = 60.0
_log = logging.getLogger(__name__)
_Answer = Done | Failed | Described | Probed | Keys | Pong
_A = TypeVar("_A", bound=Wire)


@dataclass
class _Pending:
    answer: asyncio.Future[_Answer]
    on_event: OnEvent = ignore_event


class HostClient:
    """Asks models through the host. One instance per server; calls may run side by side."""

    def __init__(
        self,
        config: HostConfig,
        *,
        work_dir: Path,
        idle_s: float = 900.0,
        on_stderr: Callable[[str], None] = _log.debug,
    ) -> None:
        self._config = config
        self._work_dir = work_dir
        self._idle_s = idle_s
        self._on_stderr = on_stderr
        self._host: HostProcess | None = None
        self._configured = False
        self._ready: asyncio.Future[Ready] | None = None
        self._starting = asyncio.Lock()
        self._pending: dict[int, _Pending] = {}
        self._next_id = 0
        self._idle: asyncio.TimerHandle | None = None
        self._background: set[asyncio.Task[object]] = set()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Of the running host; None while there is none."""
        return self._host.pid if self._host is not None and self._host.alive else None

    async def prewarm(self) -> None:
        """Start the host and let it load, so that the first click does not pay for it. Does not wait for that."""
        with contextlib.suppress(ModelError):
            await self._running(configured=True)
            self._rest()

    async def configure(self, config: HostConfig) -> None:
        """New settings for the calls that start after this one."""
        self._config = config
        if self._host is not None and self._host.alive and self._configured:
            with contextlib.suppress(ConnectionError):
                await self._host.send(Configure(config=config))

    async def complete(self, request: CompletionRequest, on_event: OnEvent = ignore_event) -> Completion:
        host = await self._loaded()
        self._next_id += 1
        id, pending = self._next_id, _Pending(asyncio.get_running_loop().create_future(), on_event)
        self._pending[id] = pending
        try:
            await self._send(host, Complete(id=id, request=request))
            answer = await asyncio.shield(pending.answer)  # cancelling the caller must not settle it
        except asyncio.CancelledError:
            pending.on_event = ignore_event
            if not pending.answer.done():
                await asyncio.shield(self._in_background(self._stop(host, id, pending)))
            raise
        finally:
            self._pending.pop(id, None)
            self._rest()
        if isinstance(answer, Failed):
            raise _error(answer)
        assert isinstance(answer, Done)
        return answer.completion

    async def describe(self, role: Role) -> ModelInfo:
        chain = await self.describe_chain(role)
        if not chain:
            return ModelInfo(
                role=role, model="", provider="", key_present=False, problem=f"No model is configured for the {role}."
            )
        return chain[0]

    async def describe_chain(self, role: Role) -> tuple[ModelInfo, ...]:
        """The role's model and its fallbacks."""
        try:
            host = await self._loaded()
        except ModelError as error:
            return tuple(
                ModelInfo(role=role, model=d.model, provider=d.provider or "", key_present=False, problem=str(error))
                for d in self._config.roles.get(role, ())
            )
        return (await self._ask(host, Described, lambda id: Describe(id=id, role=role))).chain

    async def probe(self, role: Role) -> tuple[str | None, ...]:
        """By deployment of the role's chain: None where something listens at its address, else what is wrong."""
        return (await self._ask(await self._loaded(), Probed, lambda id: Probe(id=id, role=role))).problems

    async def keys_present(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Which of these variables are set where the host can see them. Does not load the provider library."""
        host = await self._running(configured=False)
        try:
            return (await self._ask(host, Keys, lambda id: KeysPresent(id=id, names=names))).present
        finally:
            self._rest()

    async def ping(self, payload: str = "") -> str:
        """Is the host there and answering? Gives `payload` back."""
        host = await self._running(configured=False)
        return (await self._ask(host, Pong, lambda id: Ping(id=id, payload=payload))).payload

    async def close(self) -> None:
        self._closed = True
        if self._idle is not None:
            self._idle.cancel()
        if self._host is not None:
            host, self._host = self._host, None
            await host.close()
        if self._background:
            await asyncio.gather(*self._background, return_exceptions=True)

    # the process

    async def _running(self, *, configured: bool) -> HostProcess:
        """The host, started if need be; `configured` tells it to load the provider library."""
        if self._closed:
            raise Unreachable("The model host has been closed.")
        if self._idle is not None:
            self._idle.cancel()
        async with self._starting:
            if self._host is None or not self._host.alive:
                self._configured = False
                self._ready = asyncio.get_running_loop().create_future()
                try:
                    self._host = await HostProcess.spawn(self._work_dir, self._receive, self._exited, self._on_stderr)
                except OSError as error:
                    raise Unreachable(f"The model host could not be started: {error}.") from error
            if configured and not self._configured:
                await self._send(self._host, Configure(config=self._config))
                self._configured = True
            return self._host

    async def _loaded(self) -> HostProcess:
        """The host with the provider library in it. Nothing that costs is sent before."""
        host = await self._running(configured=True)
        assert self._ready is not None
        try:
            async with asyncio.timeout(START_S):
                ready = await asyncio.shield(self._ready)
        except TimeoutError:
            host.kill("it did not get ready")
            raise Unreachable(f"The model host did not get ready within {START_S:g} s.", "Try again.") from None
        if ready.problem is not None:
            raise Unreachable(ready.problem, "Reinstall ralphd with its dependencies.")
        return host

    def _exited(self, host: HostProcess, reason: str) -> None:
        if host is not self._host and self._host is not None:
            return
        _log.info("model host ended: %s", reason)
        self._host = None
        gone = Unreachable(
            f"The model host stopped in the middle of the call ({reason}).", "It is started again for the next call."
        )
        for pending in self._pending.values():
            if not pending.answer.done():
                pending.answer.set_exception(gone)
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(Ready(problem=f"The model host stopped while it was starting ({reason})."))

    def _rest(self) -> None:
        """Drop the host when nothing has been asked of it for a while."""
        if self._idle is not None:
            self._idle.cancel()
        if not self._pending and not self._closed:
            self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._drop)

    def _drop(self) -> None:
        if self._host is not None and not self._pending:
            host, self._host = self._host, None
            self._in_background(host.close())

    # messages

    def _receive(self, message: FromHost) -> None:
        if isinstance(message, Hello):
            return
        if isinstance(message, Ready):
            if self._ready is not None and not self._ready.done():
                self._ready.set_result(message)
            return
        pending = self._pending.get(message.id)
        if pending is None or pending.answer.done():
            return
        if isinstance(message, Streamed):
            try:
                pending.on_event(message.event)
            except Exception as error:
                pending.answer.set_exception(error)
            return
        pending.answer.set_result(message)

    async def _send(self, host: HostProcess, message: Wire) -> None:
        try:
            await host.send(message)
        except ConnectionError as error:
            raise Unreachable("The model host is gone.", "It is started again for the next call.") from error

    async def _ask(self, host: HostProcess, kind: type[_A], make: Callable[[int], Wire]) -> _A:
        self._next_id += 1
        id, pending = self._next_id, _Pending(asyncio.get_running_loop().create_future())
        self._pending[id] = pending
        try:
            await self._send(host, make(id))
            answer = await pending.answer
        finally:
            self._pending.pop(id, None)
        assert isinstance(answer, kind)
        return answer

    async def _stop(self, host: HostProcess, id: int, pending: _Pending) -> None:
        """Cancel at the host; a host that does not say so in time may still be asking, so it is killed."""
        try:
            async with asyncio.timeout(CANCEL_S):
                await host.send(Cancel(id=id))
                await asyncio.shield(pending.answer)
        except TimeoutError:
            host.kill("it did not answer a cancel")
        except (ConnectionError, ModelError):
            return

    def _in_background(self, work: object) -> asyncio.Task[object]:
        task: asyncio.Task[object] = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task


def _error(failed: Failed) -> ModelError:
    if failed.code == CANCELLED:
        return ModelError("The call was cancelled.")
    kind = MODEL_ERRORS.get(failed.code, ModelError)
    error = (
        RateLimited(failed.message, failed.hint, partial=failed.partial, retry_after_s=failed.retry_after_s)
        if kind is RateLimited
        else kind(failed.message, failed.hint, partial=failed.partial)
    )
    error.spent = Spent(usage=failed.usage, cost_usd=failed.cost_usd)  # type: ignore[attr-defined]
    return error
