"""Answers the server's requests inside the model host: each one exactly once, whatever happens while it is answered.

Every request is a task of its own. What its handler returns is its answer; what the handler raises becomes a `Failed`.
Nothing is remembered from one request to the next but what costs time to make again: the loaded library, and one
`Calls` for each configuration, which never changes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, assert_never

from pydantic import ValidationError

from ralphd.core import foreign_json
from ralphd.errors import ModelError, RateLimited
from ralphd.model_host.child.keys import Keyring
from ralphd.model_host.child.loading import Loader
from ralphd.model_host.child.probing import listening
from ralphd.model_host.child.redaction import RedactingStream, Redactor
from ralphd.model_host.child.request_log import RequestLog, reading_record
from ralphd.model_host.wire import (
    CANCELLED,
    Alive,
    CallConfig,
    Cancel,
    Complete,
    Describe,
    Described,
    Done,
    Failed,
    Keys,
    KeysPresent,
    Load,
    Logged,
    LogReading,
    Mask,
    Masked,
    Ping,
    Pong,
    Probe,
    Probed,
    SetKey,
    Streamed,
    to_host,
)
from ralphd.models.gateway import GatewayEvent, Usage, Wire

if TYPE_CHECKING:
    from ralphd.model_host.child.calls import Calls, Tally
    from ralphd.model_host.child.refused_parameters import Quirks

ALIVE_S = 5.0
"""Seconds between two signs of life while a request is under way."""
_KEPT = 16
"""Configurations whose `Calls` are kept."""
Request = Complete | LogReading | Describe | Probe | KeysPresent | Mask | SetKey | Ping


class Host:
    """Takes the server's messages. `send` writes one to the server."""

    def __init__(self, keyring: Keyring, send: Callable[[Wire], None], stray: RedactingStream) -> None:
        self._keyring = keyring
        self._send = send
        self._stray = stray
        self._loop = asyncio.get_running_loop()
        self._loader = Loader(self._loop, send)
        self._calls: OrderedDict[str, Calls] = OrderedDict()
        self._quirks: Quirks | None = None
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._beat: asyncio.TimerHandle | None = None

    def receive(self, line: bytes) -> None:
        """Never raises: a message that cannot be read is answered as far as its id can be found."""
        try:
            message = to_host.validate_json(line)
        except ValidationError as error:
            self._send(Failed(id=_id_of(line), code=ModelError.code, message=_unreadable(error)))
            return
        if isinstance(message, Load):
            self._loader.start()
        elif isinstance(message, Cancel):
            task = self._tasks.get(message.id)
            if task is not None:
                task.cancel()
        else:
            task = self._loop.create_task(self._answer(message))
            self._tasks[message.id] = task
            task.add_done_callback(lambda _: self._tasks.pop(message.id, None))
            self._show_life()

    async def _answer(self, message: Request) -> None:
        """The one place where a request is answered."""
        tally: list[Tally] = []
        try:
            answer = await self._handle(message, tally)
        except BaseException as error:
            answer = self._failed(message.id, error, tally)
        try:
            self._send(answer)
        except Exception as error:  # an answer that cannot be written is answered too
            self._send(Failed(id=message.id, code=ModelError.code, message=f"no JSON: {type(error).__name__}"))

    def _failed(self, id: int, error: BaseException, tally: list[Tally]) -> Failed:
        """What `error` says, masked, with what the call had used until then."""
        mask = Redactor(self._keyring.values())
        used = (tally[0].usage, tally[0].cost_usd) if tally else (Usage(), None)
        known = error if isinstance(error, ModelError) else None
        if isinstance(error, asyncio.CancelledError):
            code, message = CANCELLED, "cancelled"
        elif known is not None:
            code, message = known.code, known.message
        else:
            code, message = ModelError.code, f"The model host failed: {type(error).__name__}: {error}"
        return Failed(
            id=id,
            code=code,
            message=mask.text(message),
            hint=mask.text(known.hint) if known is not None else "",
            partial=known.partial if known is not None else "",
            retry_after_s=error.retry_after_s if isinstance(error, RateLimited) else None,
            usage=used[0],
            cost_usd=used[1],
        )

    async def _handle(self, message: Request, tally: list[Tally]) -> Wire:
        if isinstance(message, Complete | LogReading | Describe | Probe | Mask):
            self._keyring.learn(message.config)
        match message:
            case Complete():
                return await self._complete(message, tally)
            case LogReading():
                return self._log_reading(message)
            case Describe():
                return Described(id=message.id, chain=(await self._calls_of(message.config)).describe(message.role))
            case Probe():
                addresses = (await self._calls_of(message.config)).addresses(message.role)
                problems = await asyncio.gather(*(listening(address) for address in addresses))
                return Probed(id=message.id, problems=tuple(problems))
            case KeysPresent():
                return Keys(id=message.id, present=self._keyring.present(message.names))
            case Mask():
                mask = Redactor(self._keyring.values())
                return Masked(id=message.id, texts=tuple(mask.keys(text) for text in message.texts))
            case SetKey():
                return self._set_key(message)
            case Ping():
                return Pong(id=message.id, payload=message.payload)
            case _:
                assert_never(message)

    async def _complete(self, message: Complete, tally: list[Tally]) -> Wire:
        def emit(event: GatewayEvent) -> None:
            self._send(Streamed(id=message.id, event=event))

        calls = await self._calls_of(message.config)
        tally.append(calls.tally())
        return Done(id=message.id, completion=await calls.complete(message.request, emit, tally[0]))

    def _log_reading(self, message: LogReading) -> Logged:
        """Needs no provider library, which takes seconds to load."""
        if (log := message.config.log) is not None:
            record = reading_record(message.reading, bodies=log.bodies)
            RequestLog(log).write(record, Redactor(self._keyring.values()))
        return Logged(id=message.id)

    def _set_key(self, message: SetKey) -> Pong:
        """What was resolved with another key is made anew."""
        self._keyring.give(message.provider, message.key)
        self._stray.redactor = Redactor(self._keyring.values())
        self._calls.clear()
        return Pong(id=message.id, payload="")

    async def _calls_of(self, config: CallConfig) -> Calls:
        """Equal configurations share one: its connections to caches, and what was learned of servers."""
        library = await self._loader.library()
        from ralphd.model_host.child.calls import Calls
        from ralphd.model_host.child.refused_parameters import Quirks

        self._quirks = self._quirks or Quirks()
        digest = config.model_dump_json()
        if digest not in self._calls:
            self._calls[digest] = Calls(library, self._keyring, config, self._quirks)
            self._stray.redactor = Redactor(self._keyring.values())
            if len(self._calls) > _KEPT:
                self._calls.popitem(last=False)
        self._calls.move_to_end(digest)
        return self._calls[digest]

    def _show_life(self) -> None:
        """While a request is under way, a message every few seconds says that this event loop turns."""
        if self._beat is not None:
            self._beat.cancel()
        self._beat = self._loop.call_later(ALIVE_S, self._alive) if self._tasks else None

    def _alive(self) -> None:
        self._beat = None
        if self._tasks:
            self._send(Alive())
        self._show_life()


def _id_of(line: bytes) -> int:
    """The id of a message that is otherwise unreadable; -1 where it has none."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return int(foreign_json.parse(line)["id"])
    return -1


def _unreadable(error: ValidationError) -> str:
    places = ", ".join(".".join(str(part) for part in one["loc"]) or "the whole" for one in error.errors()[:3])
    return f"The model host cannot read this request ({places}): the server and the host are of different versions."
