"""The server's side of the model host: starts the process when needed, sends requests, cancels, restarts after a crash.

One `HostClient` per server. It keeps no settings: each request carries the configuration that it is meant for (see
gateway.py for the object that is bound to one). Holds no key and does not know the provider library.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from ralphd.core.secret import Secret
from ralphd.errors import MODEL_ERRORS, HostStopped, ModelError, RateLimited, TimedOut, Unreachable
from ralphd.model_host.process import HostProcess
from ralphd.model_host.wire import (
    CANCELLED,
    Alive,
    CallConfig,
    Cancel,
    Complete,
    Done,
    Failed,
    FromHost,
    Hello,
    Keys,
    KeysPresent,
    Load,
    Loading,
    Ping,
    Pong,
    Ready,
    SetKey,
    Streamed,
    ToHost,
)
from ralphd.models.gateway import Completion, CompletionRequest, OnEvent, Spent, Starting, Wire, ignore_event

UNASKED = 0
"""Id of a message whose answer nobody waits for; ids of requests begin at 1."""
CANCEL_S = 0.15
"""How long the host may take to answer a cancel before it is killed."""
ASK_S = 60.0
"""How long the host may take for a question that asks no model."""
SLACK_S = 60.0
"""What a call may take beyond the longest time that its own limits allow."""
SILENCE_S = 60.0
"""A host that owes an answer, or is loading, and says nothing for this long is taken for dead."""
_TICKS = 12
"""Silence is counted in so many turns of our own event loop: a server that was stopped itself does not blame the host."""
_log = logging.getLogger(__name__)
_A = TypeVar("_A", bound=Wire)


@dataclass
class _Running:
    """One host process and what is known of it: an old one may still be dying while the next is being born."""

    ready: asyncio.Future[Ready]
    process: HostProcess | None = None
    loading: bool = False
    messages: int = 0
    """How many messages it has sent."""
    listener: asyncio.Task[object] | None = None

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.alive

    async def send(self, message: ToHost) -> None:
        try:
            if self.process is None:
                raise ConnectionResetError
            await self.process.send(message)
        except ConnectionError as error:
            raise HostStopped("The model host is gone.") from error

    def kill(self, reason: str) -> None:
        if self.process is not None:
            self.process.kill(reason)


@dataclass
class _Pending:
    """One request that the host has not answered yet."""

    host: _Running
    answer: asyncio.Future[Wire]
    on_event: OnEvent = ignore_event


class HostClient:
    """Sends requests to the host, any number side by side. Every method raises `ModelError` where there is no answer."""

    def __init__(
        self,
        *,
        work_dir: Path,
        idle_s: float = 900.0,
        silence_s: float = SILENCE_S,
        on_stderr: Callable[[str], None] = _log.debug,
    ) -> None:
        self._work_dir = work_dir
        self._idle_s = idle_s
        self._silence_s = silence_s
        self._on_stderr = on_stderr
        self._host: _Running | None = None
        self._starting = asyncio.Lock()
        self._pending: dict[int, _Pending] = {}
        self._next_id = 0
        self._idle: asyncio.TimerHandle | None = None
        self._background: set[asyncio.Task[object]] = set()
        self._closed = False
        self._given: dict[str, Secret] = {}
        """Keys that the person typed into the editor, by provider: passed on to each host that is started. Opaque here."""

    @property
    def pid(self) -> int | None:
        """Of the running host; None while there is none."""
        process = self._host.process if self._host is not None else None
        return process.pid if process is not None and process.alive else None

    @property
    def loaded(self) -> bool:
        """Has the running host loaded the provider library? Until then a call has to wait for it."""
        host = self._host
        return host is not None and host.alive and host.ready.done()

    async def prewarm(self) -> None:
        """Start the host and let it load, so that the first click does not pay for it. Does not wait for that."""
        with contextlib.suppress(ModelError):
            await self._running(load=True)
            self._rest()

    async def complete(self, config: CallConfig, request: CompletionRequest, on_event: OnEvent) -> Completion:
        """One question to the models that `config` names for the request's role."""
        if not self.loaded:
            on_event(Starting(role=request.role))
        host = await self._loaded()
        limit = config.longest_call_s(request.role) + SLACK_S
        with self._expecting(host, on_event) as (id, pending):
            try:
                async with asyncio.timeout(limit):
                    await host.send(Complete(id=id, config=config, request=request))
                    # Shielded: cancelling the caller must not settle the host's answer.
                    answer = await asyncio.shield(pending.answer)
            except (asyncio.CancelledError, TimeoutError) as error:
                pending.on_event = ignore_event
                if not pending.answer.done():
                    await asyncio.shield(self._in_background(self._stop(id, pending)))
                if isinstance(error, TimeoutError):
                    raise TimedOut(f"The model host did not answer within {limit:g} s.", "Try again.") from None
                raise
        return _expected(answer, Done).completion

    async def ask(self, kind: type[_A], make: Callable[[int], ToHost], *, load: bool) -> _A:
        """A question that asks no model. `make` builds the message from its id; `load`: it needs the library.

        It costs nothing, so where the host stops before it has answered, the next one is asked, once."""
        try:
            return await self._ask(kind, make, load=load)
        except HostStopped:
            return await self._ask(kind, make, load=load)

    async def _ask(self, kind: type[_A], make: Callable[[int], ToHost], *, load: bool) -> _A:
        host = await (self._loaded() if load else self._running(load=False))
        with self._expecting(host) as (id, pending):
            try:
                async with asyncio.timeout(ASK_S):
                    await host.send(make(id))
                    return _expected(await pending.answer, kind)
            except TimeoutError:
                raise TimedOut(f"The model host did not answer within {ASK_S:g} s.", "Try again.") from None

    async def keys_present(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Which of these variables are set where the host can see them. Does not load the provider library."""
        return (await self.ask(Keys, lambda id: KeysPresent(id=id, names=names), load=False)).present

    async def set_key(self, provider: str, key: Secret) -> None:
        """Pass a key on, for the provider's own host; an empty one is forgotten. A host that is started later gets it
        too, until this client is closed."""
        self._given[provider] = key
        await self.ask(Pong, lambda id: _key_message(id, provider, key), load=False)

    async def ping(self, payload: str = "") -> str:
        """Is the host there and answering? Gives `payload` back."""
        return (await self.ask(Pong, lambda id: Ping(id=id, payload=payload), load=False)).payload

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

    async def _running(self, *, load: bool) -> _Running:
        """The host, started if need be; `load` tells it to load the provider library."""
        if self._closed:
            raise Unreachable("The model host has been closed.")
        if self._idle is not None:
            self._idle.cancel()
        async with self._starting:
            host = self._host
            if host is None or not host.alive:
                host = self._host = await self._spawn()
                for provider, key in self._given.items():
                    await host.send(_key_message(UNASKED, provider, key))
            if load and not host.loading:
                await host.send(Load())
                host.loading = True
            return host

    async def _spawn(self) -> _Running:
        host = _Running(asyncio.get_running_loop().create_future())
        try:
            host.process = await HostProcess.spawn(
                self._work_dir, partial(self._receive, host), partial(self._exited, host), self._on_stderr
            )
        except OSError as error:
            raise Unreachable(f"The model host could not be started: {error}.") from error
        host.listener = self._in_background(self._listen(host))
        return host

    async def _loaded(self) -> _Running:
        """The host with the provider library in it, however long that takes while it goes on. Cancellable. One that
        stops while it is loading is started once more: nothing was asked of it yet."""
        host = await self._running(load=True)
        try:
            try:
                ready = await asyncio.shield(host.ready)
            except HostStopped:
                host = await self._running(load=True)
                ready = await asyncio.shield(host.ready)
        except asyncio.CancelledError:
            self._rest()
            raise
        if ready.problem is not None:
            raise Unreachable(ready.problem, "Reinstall ralphd with its dependencies.")
        return host

    async def _listen(self, host: _Running) -> None:
        """Kill a host that owes something and says nothing: it may be waited for as long as it makes progress."""
        silent = 0
        while host.alive:
            heard = host.messages
            await asyncio.sleep(self._silence_s / _TICKS)
            owes = (host.loading and not host.ready.done()) or any(p.host is host for p in self._pending.values())
            silent = silent + 1 if owes and host.messages == heard else 0
            if silent >= _TICKS:
                host.kill(f"it said nothing for {self._silence_s:g} s")

    def _exited(self, host: _Running, reason: str) -> None:
        _log.info("model host ended: %s", reason)
        if self._host is host:
            self._host = None
        if host.listener is not None:
            host.listener.cancel()
        gone = f"The model host stopped in the middle of the call ({reason})."
        for pending in self._pending.values():
            if pending.host is host and not pending.answer.done():
                pending.answer.set_exception(HostStopped(gone))
        if not host.ready.done():
            host.ready.set_exception(HostStopped(f"The model host stopped while it was starting ({reason})."))
            host.ready.exception()  # seen: nobody may be waiting for it

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

    @contextlib.contextmanager
    def _expecting(self, host: _Running, on_event: OnEvent = ignore_event) -> Iterator[tuple[int, _Pending]]:
        """A new id, and the place where its answer will be."""
        self._next_id += 1
        id, pending = self._next_id, _Pending(host, asyncio.get_running_loop().create_future(), on_event)
        self._pending[id] = pending
        try:
            yield id, pending
        finally:
            self._pending.pop(id, None)
            if pending.answer.done() and not pending.answer.cancelled():
                pending.answer.exception()  # seen: an answer that nobody waits for any more is no defect
            self._rest()

    def _receive(self, host: _Running, message: FromHost) -> None:
        host.messages += 1
        if isinstance(message, Hello | Loading | Alive):
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

    async def _stop(self, id: int, pending: _Pending) -> None:
        """Cancel at the host; a host that does not say so in time may still be asking, so it is killed."""
        try:
            async with asyncio.timeout(CANCEL_S):
                await pending.host.send(Cancel(id=id))
                await asyncio.shield(pending.answer)
        except TimeoutError:
            pending.host.kill("it did not answer a cancel")
        except ModelError:
            return

    def _in_background(self, work: object) -> asyncio.Task[object]:
        task: asyncio.Task[object] = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task


def _key_message(id: int, provider: str, key: Secret) -> SetKey:
    return SetKey(id=id, provider=provider, key=key.reveal())


def _expected(answer: Wire, kind: type[_A]) -> _A:
    """`answer`, which must be of this kind; a `Failed` is raised as the error that it names."""
    if isinstance(answer, Failed):
        raise _error(answer)
    if not isinstance(answer, kind):
        raise ModelError(f"The model host gave the wrong answer ({type(answer).__name__}).", "Try again.")
    return answer


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
