"""The books of a run: its budgeted gateway, the estimate before it, and what it cost in the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ralphd.core import events
from ralphd.core.events import Emit
from ralphd.core.run import RunRequest, RunResult
from ralphd.core.runner import Ask, Question
from ralphd.core.wording import dollars
from ralphd.errors import Declined, Unwritable
from ralphd.models.budget import BudgetedGateway
from ralphd.models.gateway import ROLES, Gateway, Usage
from ralphd.models.ledger import Ledger
from ralphd.settings.schema import Budget

FIRST_HISTORY = 3
"""Runs of a kind before an estimate is given."""


class Books:
    """The ledger of a person, as one process uses it."""

    def __init__(self, path: Path) -> None:
        self.ledger = Ledger(path)
        self.today_usd = 0.0
        """What was spent today, as of the last run that ended here."""
        self._closing: set[asyncio.Task[None]] = set()

    def gateway(self, inner: Gateway, request: RunRequest, budget: Budget, tell: Emit) -> BudgetedGateway:
        """`inner`, with each call reserved before it is sent and settled after it."""
        return BudgetedGateway(
            inner,
            self.ledger,
            request.run_id,
            budget,
            lambda cost, usage: tell(events.CostChanged(cost, _usage(usage), _tokens(usage))),
        )

    async def confirm(self, request: RunRequest, budget: Budget, ask: Ask, tell: Emit) -> None:
        """Tell the estimate, and ask before a run that past ones say is dear; `Declined` where the person says no.

        The estimate is the range of past runs of this kind in this workspace. Without them none is invented.
        """
        history = await self.ledger.history(_label(request))
        tell(events.Note(_estimate(history, budget)))
        if len(history) < FIRST_HISTORY or max(history) <= budget.confirm_above_usd:
            return
        limit, spread = dollars(budget.usd_per_run), _spread(history)
        text = f"Runs like this cost {spread} so far (limit: {limit}). Start it?"
        if await ask(Question("cost", "", text, (("Start", "once"), ("Cancel", "never")))) != "once":
            raise Declined("The run was not started: its cost was not confirmed. Nothing was changed.")

    async def estimate(self, request: RunRequest, budget: Budget) -> str:
        """What past runs say of this one, as a sentence."""
        return _estimate(await self.ledger.history(_label(request)), budget)

    def closed(self, request: RunRequest, result: RunResult, gateway: BudgetedGateway) -> RunResult:
        """`result` with what the run used and cost. Writing it down goes on by itself: a cancelled run does not wait."""
        used = gateway.usage()
        self.in_background(self._close_run(request, gateway.cost().usd))
        return replace(result, usage=_usage(used), tokens=_tokens(used), cost=gateway.cost(), models=gateway.models())

    async def close(self) -> None:
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self.ledger.close()

    async def _close_run(self, request: RunRequest, usd: float | None) -> None:
        with contextlib.suppress(Unwritable):  # the run's calls have told, or cost nothing
            await self.ledger.close_run(request.run_id, _label(request), usd)
            self.today_usd = await self.ledger.today()

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Goes on by itself; `close` waits for it."""
        task = asyncio.ensure_future(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _label(request: RunRequest) -> str:
    """What makes two runs alike for an estimate: the command and the workspace."""
    return f"{request.command} {request.root}"


def _estimate(history: Sequence[float], budget: Budget) -> str:
    past = (
        f"{_spread(history)} in {len(history)} past runs"
        if len(history) >= FIRST_HISTORY
        else "no history of costs yet"
    )
    return f"Estimate: {past}; limit {dollars(budget.usd_per_run)}."


def _spread(history: Sequence[float]) -> str:
    return f"{dollars(min(history))} to {dollars(max(history))}"


def _usage(by_role: Mapping[str, Usage]) -> dict[str, int]:
    usage = sum(by_role.values(), Usage())
    return {
        "promptTokens": usage.prompt_tokens,
        "completionTokens": usage.completion_tokens,
        "totalTokens": usage.total_tokens,
        "cachedTokens": usage.cached_tokens,
        "calls": usage.calls,
    }


def _tokens(by_role: Mapping[str, Usage]) -> dict[str, int]:
    return {role: by_role[role].total_tokens for role in ROLES if role in by_role}
