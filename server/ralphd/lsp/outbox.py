"""All that the server says to the client on its own: notifications, requests, questions, messages.

Components are handed an `Outbox` and never the server, so none of them can reach another one through it.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from ralphd.core.runner import Decision, Question
from ralphd.lsp.protocol import RalphProtocol
from ralphd.lsp.workspace import Workspace

log = logging.getLogger("ralphd.lsp")

ASK_TIMEOUT_S = 120.0
SHORT_TIMEOUT_S = 10.0
LATE_KEPT = 100
"""Requests whose answers may still come. A client that never answers must not make a server grow that lives for weeks."""


@dataclass(frozen=True)
class Answer:
    """What came back for a request: `usable` is False where nothing came in time, an error, or what cannot be read."""

    usable: bool
    value: Any = None


class Outbox:
    def __init__(self, protocol: RalphProtocol, workspace: Workspace) -> None:
        self._protocol, self._workspace = protocol, workspace
        self._asking = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        """By id: our requests that the client has not answered yet."""
        self._late: list[str] = []
        """Those of them that nobody waits for any more, in the order in which they were given up."""

    # ---- telling -----------------------------------------------------------------------------------------------

    def notify(self, method: str, params: Any) -> None:
        """`params`: plain JSON for our own notifications, else pygls' type for the method."""
        if isinstance(params, Mapping):
            self._protocol.send_json({"jsonrpc": "2.0", "method": method, "params": params})
        else:
            self._protocol.notify(method, params)

    def show(self, text: str, *, error: bool = False) -> None:
        """A message that the person sees at once: a warning, or an error."""
        kind = types.MessageType.Error if error else types.MessageType.Warning
        self.notify(types.WINDOW_SHOW_MESSAGE, types.ShowMessageParams(type=kind, message=text))

    def tell(self, text: str) -> None:
        """Good news, or that something has begun."""
        params = types.ShowMessageParams(type=types.MessageType.Info, message=text)
        self.notify(types.WINDOW_SHOW_MESSAGE, params)

    def log(self, text: str) -> None:
        """A line in the client's log of this server."""
        params = types.LogMessageParams(type=types.MessageType.Info, message=text)
        self.notify(types.WINDOW_LOG_MESSAGE, params)

    # ---- asking ------------------------------------------------------------------------------------------------

    async def request(
        self, method: str, params: Any, timeout_s: float, late: Callable[[Any], None] | None = None
    ) -> Answer:
        """Send a request, and wait for the client's answer at most `timeout_s`.

        A client may answer after that: the value is then given to `late`, also when the caller was cancelled meanwhile,
        unless `LATE_KEPT` others were given up since.
        """
        msg_id = str(uuid.uuid4())
        future = self._protocol.send_request_async(method, params, msg_id)
        self._waiting[msg_id] = future
        future.add_done_callback(lambda _: self._waiting.pop(msg_id, None))
        try:
            await asyncio.wait({future}, timeout=timeout_s)
        finally:
            if not future.done():
                log.info("no answer from the client to %s yet", method)
                future.add_done_callback(lambda done: _give(done, late))
                self._is_late(msg_id)
        return _answer(future) if future.done() else Answer(False)

    def _is_late(self, msg_id: str) -> None:
        """Nobody waits for this answer; it is taken where it comes all the same."""
        self._late = [known for known in self._late if known in self._waiting]
        self._late.append(msg_id)
        for old in self._late[:-LATE_KEPT]:
            self._protocol.forget(old)
            self._waiting[old].cancel()

    async def ask(self, question: Question, late: Callable[[Decision], None]) -> Decision | None:
        """One question at a time (Helix drops the first of two); None where nobody answers within two minutes.

        `late` is told what the person chose after that time.
        """
        if not self._workspace.client.message_request:
            return None
        actions = [types.MessageActionItem(title=title) for title, _ in question.choices]
        params = types.ShowMessageRequestParams(type=types.MessageType.Warning, message=question.text, actions=actions)

        def chosen(item: Any) -> Decision | None:
            title = getattr(item, "title", None)
            return next((decision for offered, decision in question.choices if offered == title), None)

        def told(item: Any) -> None:
            if (decision := chosen(item)) is not None:
                late(decision)

        async with self._asking:
            answer = await self.request(types.WINDOW_SHOW_MESSAGE_REQUEST, params, ASK_TIMEOUT_S, late=told)
        return chosen(answer.value)

    def offer(self, text: str, titles: Sequence[str], chosen: Callable[[str], None], *, error: bool = False) -> None:
        """A message with buttons; nothing waits for it. `chosen` is told a title when the person presses its button,
        however late. A client that shows no buttons shows the text."""
        if self._workspace.client.message_request and titles:
            self.background(self._offer(text, titles, chosen, error))
        else:
            self.show(text, error=error)

    async def _offer(self, text: str, titles: Sequence[str], chosen: Callable[[str], None], error: bool) -> None:
        kind = types.MessageType.Error if error else types.MessageType.Warning
        actions = [types.MessageActionItem(title=title) for title in titles]
        params = types.ShowMessageRequestParams(type=kind, message=text, actions=actions)

        def told(item: Any) -> None:
            title = getattr(item, "title", None)
            if isinstance(title, str) and title in titles:
                chosen(title)

        async with self._asking:
            pass  # a question that is open is answered first: Helix drops the first of two
        answer = await self.request(types.WINDOW_SHOW_MESSAGE_REQUEST, params, ASK_TIMEOUT_S, late=told)
        told(answer.value)

    async def open_document(
        self, uri: str, *, take_focus: bool, line: int | None = None, timeout_s: float = SHORT_TIMEOUT_S
    ) -> bool:
        """Ask the client to show a document, at a line counted from 0; False where it cannot."""
        if not self._workspace.client.show_document:
            return False
        place = types.Position(line or 0, 0)
        selection = types.Range(place, place) if line is not None else None
        params = types.ShowDocumentParams(uri=uri, take_focus=take_focus, selection=selection)
        await self.request(types.WINDOW_SHOW_DOCUMENT, params, timeout_s)
        return True

    def refresh_lenses(self) -> None:
        client = self._workspace.client
        if client.code_lens_refresh and not client.review:
            self.background(self.request(types.WORKSPACE_CODE_LENS_REFRESH, None, SHORT_TIMEOUT_S))

    # ---- work that nobody waits for ----------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether work in the background is not done yet."""
        return bool(self._tasks)

    def stop(self) -> None:
        """The connection ends: nobody waits for an answer any more."""
        for waiting in [*self._tasks, *self._waiting.values()]:
            waiting.cancel()

    def background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let `work` go on by itself; what goes wrong in it is logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background task", exc_info=error)


def _answer(future: asyncio.Future[Any]) -> Answer:
    if future.cancelled():
        return Answer(False)
    error = future.exception()
    if error is None:
        return Answer(True, future.result())
    log.info(
        "no usable answer from the client: %s", error, exc_info=None if isinstance(error, JsonRpcException) else error
    )
    return Answer(False)


def _give(future: asyncio.Future[Any], late: Callable[[Any], None] | None) -> None:
    answer = _answer(future)
    if answer.usable and late is not None:
        late(answer.value)
