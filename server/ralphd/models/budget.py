"""Money and tokens: `BudgetedGateway` sends nothing whose worst case would pass a limit, and books all that was sent.

Knows nothing of providers: prices and limits come from what the gateway says of its models. The book is ledger.py's.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Mapping, Sequence

from ralphd.core.run import Cost
from ralphd.core.tokens import tokens_of
from ralphd.errors import AuthenticationFailed, ContextTooLong, OutOfCredit, RateLimited, Unpriced, Unreachable
from ralphd.models.estimate import prompt_tokens
from ralphd.models.gateway import (
    Completion,
    CompletionRequest,
    Delta,
    FellBack,
    Gateway,
    GatewayEvent,
    OnEvent,
    Reading,
    ResolvedModel,
    Retrying,
    Role,
    Usage,
    ignore_event,
    spent_by,
)
from ralphd.models.ledger import Ledger, Limits
from ralphd.models.prices import Worst, plain_cost, worst_of
from ralphd.settings.schema import Budget

_log = logging.getLogger(__name__)
_ROUNDING = 1 + 1e-9


class BudgetedGateway:
    """A gateway that sends nothing whose worst case would pass the budget, and books everything that was sent."""

    def __init__(
        self,
        gateway: Gateway,
        ledger: Ledger,
        run_id: str,
        budget: Budget,
        on_cost: Callable[[Cost, Mapping[str, Usage]], None] | None = None,
    ) -> None:
        self._gateway = gateway
        self._ledger = ledger
        self._run = run_id
        self._budget = budget
        self._on_cost = on_cost
        self._usd: dict[str, float] = {}
        self._unpriced: set[str] = set()
        self._usage: dict[str, Usage] = {}
        self._models: dict[str, dict[str, str]] = {}

    def cost(self) -> Cost:
        return Cost(dict(self._usd), tuple(sorted(self._unpriced)))

    def usage(self) -> Mapping[str, Usage]:
        """By role."""
        return dict(self._usage)

    def models(self) -> Mapping[str, Mapping[str, str]]:
        """By role: the model that really answered last, and its provider."""
        return {role: dict(model) for role, model in self._models.items()}

    async def worst(self, request: CompletionRequest) -> float:
        """The most that `request` may cost in USD, by the dearest model of its chain."""
        return self._worst(request, await self._chain(request.role)).usd

    async def complete(self, request: CompletionRequest, on_event: OnEvent = ignore_event) -> Completion:
        chain = await self._chain(request.role)
        worst = self._worst(request, chain)
        model = chain[0].model if chain else ""
        id = await self._reserve(request, model, worst)
        heard: dict[int, list[str]] = {}
        again: list[asyncio.Task[int]] = []

        def listen(event: GatewayEvent) -> None:
            if isinstance(event, Delta):
                heard.setdefault(event.attempt, []).append(event.text)
            elif isinstance(event, Retrying | FellBack) and len(again) < event.paid:
                # What was paid for was thrown away: the next answer needs a reservation of its own, or is not waited for.
                again.append(asyncio.create_task(self._reserve(request, model, worst)))
                again[-1].add_done_callback(lambda task: call.cancel() if _refused(task) else None)
            on_event(event)

        call = asyncio.create_task(self._gateway.complete(request, listen))
        try:
            completion = await call
        except BaseException as error:
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            why = error if call.cancelled() else call.exception()
            if why is None:  # it ended in the very moment of the cancel
                usage, usd = call.result().usage, call.result().cost_usd
            else:
                usage, usd = self._lost(request, chain, heard, why)
            await asyncio.shield(self._book(id, request.role, model, usage, usd, worst, again))
            over = next((why for task in again if (why := _refused(task))), None)
            task = asyncio.current_task()
            if over is not None and not (task and task.cancelling()):  # a person's cancel stays a cancel
                raise over from error
            raise
        await asyncio.shield(
            self._book(id, request.role, completion.model, completion.usage, completion.cost_usd, worst, again)
        )
        self._models[request.role] = {"model": completion.model, "provider": completion.provider}
        return completion

    async def _reserve(self, request: CompletionRequest, model: str, worst: Worst) -> int:
        budget = self._budget
        limits = Limits(budget.usd_per_run, budget.usd_per_day, budget.tokens_per_run, budget.tokens_per_day)
        return await self._ledger.reserve(self._run, request.role, model, worst.usd, tokens=worst.tokens, limits=limits)

    async def log_reading(self, reading: Reading) -> None:
        await self._gateway.log_reading(reading)

    def first(self, role: Role) -> ResolvedModel:
        return self._gateway.first(role)

    async def describe(self, role: Role) -> ResolvedModel:
        return await self._gateway.describe(role)

    async def close(self) -> None:
        """The gateway and the ledger outlive the run: nothing to close."""

    async def _chain(self, role: Role) -> tuple[ResolvedModel, ...]:
        describe_chain = getattr(self._gateway, "describe_chain", None)
        if describe_chain is None:
            return (await self._gateway.describe(role),)
        chain: tuple[ResolvedModel, ...] = await describe_chain(role)
        return chain

    def _worst(self, request: CompletionRequest, chain: Sequence[ResolvedModel]) -> Worst:
        for model in chain:
            if model.input_usd_per_token is None and self._budget.unpriced == "refuse":
                raise Unpriced(
                    f"No price is known for {model.model}, and budget.unpriced is 'refuse'.",
                    f'Add prices: {{"{model.model}": …}}.',
                )
        return worst_of(request, chain, self._ceiling())

    def _ceiling(self) -> tuple[float, float]:
        """USD per token, in and out, of a model without a known price."""
        ceiling = self._budget.ceiling_usd_per_mtok
        return ceiling.input / 1e6, ceiling.output / 1e6

    def _lost(
        self,
        request: CompletionRequest,
        chain: tuple[ResolvedModel, ...],
        heard: Mapping[int, list[str]],
        error: BaseException,
    ) -> tuple[Usage, float | None]:
        """What a call that brought nothing has used: by the gateway's own count, else from what arrived."""
        spent = spent_by(error)
        if spent is not None:
            return spent.usage, spent.cost_usd
        if not heard and isinstance(error, AuthenticationFailed | RateLimited | OutOfCredit | ContextTooLong):
            return Usage(), 0.0  # refused before anything was read
        if not heard and isinstance(error, Unreachable) and chain and chain[0].problem:
            return Usage(), 0.0
        requests = max(1, len(heard))
        usage = Usage(
            prompt_tokens=requests * prompt_tokens(request.messages),
            completion_tokens=sum(tokens_of("".join(parts)) for parts in heard.values()),
            calls=requests,
        )
        known = [
            info for info in chain if info.input_usd_per_token is not None and info.output_usd_per_token is not None
        ]
        return usage, _at(usage, known[0]) if known and known[0] is chain[0] else None

    async def _book(
        self,
        id: int,
        role: Role,
        model: str,
        usage: Usage,
        usd: float | None,
        worst: Worst,
        again: Sequence[asyncio.Task[int]],
    ) -> None:
        """Settle the call, and give back the reservations made for asking again: what it cost in all is in `usd`.

        A cost that cannot be (negative, not finite, beyond all that was reserved) comes of a provider's wrong figures:
        the call is booked at what was reserved, and its model is told as one of unknown price."""
        extra = [id for id in await asyncio.gather(*again, return_exceptions=True) if isinstance(id, int)]
        requests = 1 + len(extra)
        if usd is None:
            booked = min(plain_cost(usage, *self._ceiling()), worst.usd * requests)
            self._unpriced.add(model)
        elif not math.isfinite(usd) or not 0 <= usd <= worst.usd * requests * _ROUNDING:
            _log.warning("%s says that a call cost %r USD; booked as %.6f", model, usd, worst.usd * requests)
            booked = worst.usd * requests
            self._unpriced.add(model)
        else:
            booked = usd
            self._usd[role] = self._usd.get(role, 0.0) + usd
        tokens = usage.total_tokens
        if not 0 <= tokens <= worst.tokens * max(requests, usage.calls):
            tokens = worst.tokens * max(requests, 1)
        self._usage[role] = self._usage.get(role, Usage()) + usage
        await self._ledger.settle(id, booked, tokens)
        for reserved in extra:
            await self._ledger.settle(reserved, 0.0)
        if self._on_cost is not None:
            self._on_cost(self.cost(), self.usage())


def _refused(task: asyncio.Task[int]) -> BaseException | None:
    """Why a reservation was not given; None where it was, or is not decided yet."""
    return task.exception() if task.done() and not task.cancelled() else None


def _at(usage: Usage, model: ResolvedModel) -> float:
    return plain_cost(usage, model.input_usd_per_token or 0.0, model.output_usd_per_token or 0.0)
