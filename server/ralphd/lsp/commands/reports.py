"""Commands that open something to read: the doctor's report, the past runs, and what a run would send and where to.

Each text stands in a private file that the client is asked to show. No model is asked.
"""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from ralphd.core.runner import Decision, Question, Report, Runner
from ralphd.errors import RalphError
from ralphd.lsp.commands.starting import Starting
from ralphd.lsp.commands.table import ServerCommand
from ralphd.lsp.convert import path_to_uri
from ralphd.lsp.outbox import Outbox
from ralphd.lsp.workspace import Workspace

_PREVIEW_KEYS = frozenset({"command", "uri", "version", "range", "instruction"})


class Reports:
    def __init__(self, outbox: Outbox, workspace: Workspace, starting: Starting, runner: Callable[[], Runner]) -> None:
        self._outbox, self._workspace, self._starting, self._runner = outbox, workspace, starting, runner
        self._one_at_a_time = asyncio.Lock()

    def commands(self) -> list[ServerCommand]:
        return [
            ServerCommand("showWhatWouldBeSent", _PREVIEW_KEYS, self._preview),
            ServerCommand("doctor", frozenset({"show"}), self._doctor),
            ServerCommand("showRuns", frozenset(), self._runs),
        ]

    async def _preview(self, argument: dict[str, Any]) -> dict[str, Any]:
        """Answers at once; the tests of the project may run before the document opens."""
        request, uri = await self._starting.preview(argument)
        self._outbox.background(self._open("What would be sent", lambda: self._runner().preview(request, self._ask)))
        return {"uri": uri}

    def _doctor(self, argument: dict[str, Any]) -> dict[str, Any] | Coroutine[Any, Any, dict[str, Any]]:
        """Answers at once; looking at providers and tools may take seconds. With `show: false` nothing is opened, and
        the answer, which comes when all was looked at, says what stops a run."""
        if argument.get("show") is False:
            return self._problems()
        self._outbox.background(self._open("The doctor's report", lambda: self._runner().doctor(self._root())))
        return {}

    async def _problems(self) -> dict[str, Any]:
        try:
            found = await self._runner().checkup(self._root())
        except RalphError as error:
            return {"ready": False, "problems": [str(error)], "tests": None}
        argv = found["testCommand"]["argv"]
        return {"ready": found["ready"], "problems": found["problems"], "tests": shlex.join(argv) if argv else None}

    def _runs(self, argument: dict[str, Any]) -> dict[str, Any]:
        self._outbox.background(self._open("The list of runs", lambda: self._runner().past_runs(self._root())))
        return {}

    def _root(self) -> str:
        return self._workspace.roots[0] if self._workspace.roots else os.getcwd()

    async def _open(self, what: str, make: Callable[[], Awaitable[Report]]) -> None:
        async with self._one_at_a_time:
            try:
                found = await make()
            except RalphError as error:
                self._outbox.show(str(error), error=True)
                return
            if not await self._outbox.open_document(path_to_uri(found.path), take_focus=True):
                self._outbox.show(f"{what} stands in {found.path}")

    async def _ask(self, question: Question) -> Decision | None:
        return await self._outbox.ask(question, lambda decision: None)
