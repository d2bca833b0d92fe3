"""Tells how a run ended to clients without `ralph/runEnded`: a message whose buttons are what a person can do about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from pygls.exceptions import JsonRpcException

from ralphd.lsp.outbox import Outbox

_LOUD = frozenset({"misconfigured", "untrusted", "provider_failed", "budget_exceeded", "internal_error"})
"""Outcomes that a person has to do something about: told also where there is no button."""
_IN_A_TERMINAL = frozenset({"setup", "installIsolation"})
"""Kinds of actions that only a client with a terminal can do. The sentence of a run names the line of the second."""
_SETUP = "In a terminal, `ralphd setup` asks for what is missing."


class Endings:
    def __init__(self, outbox: Outbox, execute: Callable[[str, list[Any]], Any]) -> None:
        """`execute`: runs a command of this server; it may answer with a coroutine."""
        self._outbox, self._execute = outbox, execute

    def tell(self, answer: Mapping[str, Any]) -> None:
        """`answer`: the RunResult as JSON. What waits for review is told where it stands in the text, and is offered
        another try there."""
        outcome, actions = answer["outcome"], answer["actions"]
        elsewhere = _IN_A_TERMINAL if answer["reviewId"] is None else {*_IN_A_TERMINAL, "tryAgain", "showRun"}
        here = {action["title"]: action for action in actions if action["kind"] not in elsewhere}
        if not here and (answer["reviewId"] is not None or not (actions or outcome in _LOUD)):
            return
        needs_terminal = any(action["kind"] == "setup" for action in actions)
        text = f"{answer['reason']} {_SETUP}" if needs_terminal else answer["reason"]
        error = outcome in _LOUD and outcome != "untrusted"
        self._outbox.offer(text, list(here), lambda title: self._do(here[title]), error=error)

    def _do(self, action: Mapping[str, Any]) -> None:
        try:
            done = self._execute(action["command"], action["arguments"])
        except JsonRpcException as error:
            self._outbox.show(error.message)
            return
        if asyncio.iscoroutine(done):
            self._outbox.background(self._finish(done))

    async def _finish(self, done: Any) -> None:
        try:
            await done
        except JsonRpcException as error:
            self._outbox.show(error.message)
