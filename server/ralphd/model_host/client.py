"""`Gateway` over the model host: starts it when needed, talks to it, cancels, restarts after a crash, drops when idle.

The server's side of the pipe. Holds no key and does not know the provider library.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from ralphd.errors import MODEL_ERRORS, ModelError, RateLimited, Unreachable
from ralphd.model_host.process import HostProcess
from ralphd.model_host.wire import (
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
    Streamed,
)
from ralphd.models.gateway import (
    Completion,
    CompletionRequest,
    ModelInfo,
    OnEvent,
    Role,
    Spent,
    Wire,
    ignore_event,
)

CANCEL_S = 0.15
"""How long the host may take to answer a cancel before it is killed."""
START_S = 60.0
_log = logging.getLogger(__name__)
_Answer = Done | Failed | Described | Probed | Keys | Pong
_A = TypeVar("_A", bound=Wire)


@dataclass
class _Running:
    """One host and what is known of it: an old one may still be dying while the next is being born."""

    ready: asyncio.Future[Ready]
    process: HostProcess | None = None
    configured: bool = False

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.alive

    async def send(self, message: Wire) -> None:
        try:
            if self.process is None:
                raise ConnectionResetError
            await self.process.send(message)
        except ConnectionError as error:
            raise Unreachable("The model host is gone.", "It is started again for the next call.") from error


@dataclass
class _Pending:
    host: _Running
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
        self._host: _Running | None = None
        self._starting = asyncio.Lock()
        self._pending: dict[int, _Pending] = {}
        self._next_id = 0
        self._idle: asyncio.TimerHandle | None = None
        self._background: set[asyncio.Task[object]] = set()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Of the running host; None while there is none."""
        process = self._host.process if self._host is not None else None
        return process.pid if process is not None and process.alive else None

    async def prewarm(self) -> None:
        """Start the host and let it load, so that the first click does not pay for it. Does not wait for that."""
        with contextlib.suppress(ModelError):
            await self._running(configured=True)
            self._rest()

    async def configure(self, config: HostConfig) -> None:
        """New settings for the calls that start after this one."""
        self._config = config
        if self._host is not None and self._host.alive and self._host.configured:
            with contextlib.suppress(Unreachable):
                await self._host.send(Configure(config=config))

    async def complete(self, request: CompletionRequest, on_event: OnEvent = ignore_event) -> Completion:
        host = await self._loaded()
        self._next_id += 1
        id, pending = self._next_id, _Pending(host, asyncio.get_running_loop().create_future(), on_event)
        self._pending[id] = pending
        try:
            await host.send(Complete(id=id, request=request))
            answer = await asyncio.shield(pending.answer)  # cancelling the caller must not settle it
        except asyncio.CancelledError:
            pending.on_event = ignore_event
            if not pending.answer.done():
                await asyncio.shield(self._in_background(self._stop(id, pending)))
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
        return (await self._ask(host, Keys, lambda id: KeysPresent(id=id, names=names))).present

    async def ping(self, payload: str = "") -> str:
        """Is the host there and answering? Gives `payload` back."""
        host = await self._running(configured=False)
        return (await self._ask(host, Pong, lambda id: Ping(id=id, payload=payload))).payload

    async def close(self) -> None:
        self._closed = True
        if self._idle is not None:
            self._idle.cancel()
        if self._host is not None and self._host.process is not None:
            process, self._host = self._host.process, None
            await process.close()
        if self._background:
            await asyncio.gather(*self._background, return_exceptions=True)

    # the process

    async def _running(self, *, configured: bool) -> _Running:
        """The host, started if need be; `configured` tells it to load the provider library."""
        if self._closed:
            raise Unreachable("The model host has been closed.")
        if self._idle is not None:
            self._idle.cancel()
        async with self._starting:
            host = self._host
            if host is None or not host.alive:
                host = self._host = await self._spawn()
            if configured and not host.configured:
                await host.send(Configure(config=self._config))
                host.configured = True
            return host

    async def _spawn(self) -> _Running:
        host = _Running(asyncio.get_running_loop().create_future())
        try:
            host.process = await HostProcess.spawn(
                self._work_dir, partial(self._receive, host), partial(self._exited, host), self._on_stderr
            )
        except OSError as error:
            raise Unreachable(f"The model host could not be started: {error}.") from error
        return host

    async def _loaded(self) -> _Running:
        """The host with the provider library in it. Nothing that costs is sent before."""
        host = await self._running(configured=True)
        try:
            async with asyncio.timeout(START_S):
                ready = await asyncio.shield(host.ready)
        except asyncio.CancelledError:
            self._rest()
            raise
        except TimeoutError:
            if host.process is not None:
                host.process.kill("it did not get ready")
            raise Unreachable(f"The model host did not get ready within {START_S:g} s.", "Try again.") from None
        if ready.problem is not None:
            raise Unreachable(ready.problem, "Reinstall ralphd with its dependencies.")
        return host

    def _exited(self, host: _Running, reason: str) -> None:
        _log.info("model host ended: %s", reason)
        if self._host is host:
            self._host = None
        gone = f"The model host stopped in the middle of the call ({reason})."
        for pending in self._pending.values():
            if pending.host is host and not pending.answer.done():
                pending.answer.set_exception(Unreachable(gone, "It is started again for the next call."))
        if not host.ready.done():
            host.ready.set_result(Ready(problem=f"The model host stopped while it was starting ({reason})."))

    def _rest(self) -> None:
        """Drop the host when nothing has been asked of it for a while."""
        if self._idle is not None:
            self._idle.cancel()
        if not self._pending and not self._closed:
            self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._drop)

    def _drop(self) -> None:
        if self._host is not None and self._host.process is not None and not self._pending:
            process, self._host = self._host.process, None
            self._in_background(process.close())

    # messages

    def _receive(self, host: _Running, message: FromHost) -> None:
        if isinstance(message, Hello):
            return
        if isinstance(message, Ready):
            if not host.ready.done():
                host.ready.set_result(message)
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

    async def _ask(self, host: _Running, kind: type[_A], make: Callable[[int], Wire]) -> _A:
        self._next_id += 1
        id, pending = self._next_id, _Pending(host, asyncio.get_running_loop().create_future())
        self._pending[id] = pending
        try:
            await host.send(make(id))
            answer = await pending.answer
        finally:
            self._pending.pop(id, None)
            self._rest()
        assert isinstance(answer, kind)
        return answer

    async def _stop(self, id: int, pending: _Pending) -> None:
        """Cancel at the host; a host that does not say so in time may still be asking, so it is killed."""
        try:
            async with asyncio.timeout(CANCEL_S):
                await pending.host.send(Cancel(id=id))
                await asyncio.shield(pending.answer)
        except TimeoutError:
            if pending.host.process is not None:
                pending.host.process.kill("it did not answer a cancel")
        except ModelError:
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
