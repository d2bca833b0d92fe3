"""`showWhatWouldBeSent`: what a run would send, and where to, opened as a document. No call is made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ralphd.core.run import RunRequest
from ralphd.core.runner import Decision, Question, Runner
from ralphd.errors import RalphError
from ralphd.lsp.commands.starting import Starting
from ralphd.lsp.commands.table import ServerCommand
from ralphd.lsp.convert import path_to_uri
from ralphd.lsp.outbox import Outbox

_KEYS = frozenset({"command", "uri", "version", "range", "instruction"})


class Previewing:
    def __init__(self, outbox: Outbox, starting: Starting, runner: Callable[[], Runner]) -> None:
        self._outbox, self._starting, self._runner = outbox, starting, runner
        self._one_at_a_time = asyncio.Lock()

    def commands(self) -> list[ServerCommand]:
        return [ServerCommand("showWhatWouldBeSent", _KEYS, self._show)]

    async def _show(self, argument: dict[str, Any]) -> dict[str, Any]:
        """Answers at once; the tests of the project may run before the document opens."""
        request, uri = await self._starting.preview(argument)
        self._outbox.background(self._open(request))
        return {"uri": uri}

    async def _open(self, request: RunRequest) -> None:
        async with self._one_at_a_time:
            try:
                found = await self._runner().preview(request, self._ask)
            except RalphError as error:
                self._outbox.show(str(error), error=True)
                return
            if not await self._outbox.open_document(path_to_uri(found.path), take_focus=True):
                self._outbox.show(f"What would be sent stands in {found.path}")

    async def _ask(self, question: Question) -> Decision | None:
        return await self._outbox.ask(question, lambda decision: None)
