"""Money: what calls may cost before they are sent, and what they did cost after. `Ledger` is the book, in SQLite;
`BudgetedGateway` asks it before every call and settles after.

Shared by all windows and processes of a person. Knows nothing of providers: prices come from what the gateway says.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeVar

from ralphd.core.run import Cost
from ralphd.errors import (
    AuthenticationFailed,
    ContextTooLong,
    OverBudget,
    RateLimited,
    Unpriced,
    Unreachable,
)
from ralphd.models.estimate import prompt_tokens, tokens_of
from ralphd.models.gateway import (
    Completion,
    CompletionRequest,
    Delta,
    FellBack,
    Gateway,
    GatewayEvent,
    OnEvent,
    ResolvedModel,
    Retrying,
    Role,
    Usage,
    ignore_event,
    spent_by,
)

_T = TypeVar("_T")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
  id INTEGER PRIMARY KEY, run TEXT NOT NULL, day TEXT NOT NULL, role TEXT NOT NULL, model TEXT NOT NULL,
  reserved REAL NOT NULL CHECK (reserved >= 0), actual REAL CHECK (actual >= 0), at REAL NOT NULL,
  tokens INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS calls_by_run ON calls (run);
CREATE INDEX IF NOT EXISTS calls_by_day ON calls (day);
CREATE TABLE IF NOT EXISTS runs (run TEXT PRIMARY KEY, label TEXT NOT NULL, usd REAL, at REAL NOT NULL);
"""
_ROUNDING = 1e-9
_MARGIN = 1.1
_OUT_TOKENS = 8192
"""Where nobody names a limit for the answer."""


class Ledger:
    """The book of all calls. Every method runs in one thread of its own, never on the event loop.

    A reservation that was never settled (a crash between the two) counts in full.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._db: sqlite3.Connection | None = None

    async def reserve(
        self, run: str, role: str, model: str, worst: float, *, per_run: float | None, per_day: float | None
    ) -> int:
        """Book `worst` before the call, or raise `OverBudget`: all under one write lock, across processes."""
        _check(worst)
        work = asyncio.ensure_future(self._run(lambda: self._reserve(run, role, model, worst, per_run, per_day)))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # The booking may be under way in its thread; a call that is not going to be made gives it back.
            work.add_done_callback(self._give_back)
            raise

    async def settle(self, id: int, actual: float, tokens: int = 0) -> None:
        """Replace the reservation by what the call really cost, in USD, and used, in tokens."""
        _check(actual)
        await self._run(lambda: self._settle(id, actual, tokens))

    async def spent(self, *, run: str | None = None, day: str | None = None) -> float:
        """Open reservations included. `day` is UTC; later days count with it: a clock set back forgives nothing."""
        return await self._run(lambda: self._sum(run=run, day=day))

    async def today(self) -> float:
        return await self.spent(day=self.day())

    async def today_by_role(self) -> dict[str, tuple[float, int]]:
        """By role: USD booked today (open reservations and ceilings of unpriced models included), and tokens."""
        return await self._run(self._by_role)

    async def close_run(self, run: str, label: str, usd: float | None) -> None:
        """Remember what a run cost in all, for the estimates of later ones; None: not known."""
        if usd is not None:
            _check(usd)
        await self._run(lambda: self._close_run(run, label, usd))

    async def history(self, label: str, limit: int = 50) -> list[float]:
        """What past runs of this kind cost, newest first; those of unknown cost are left out."""
        return await self._run(lambda: self._history(label, limit))

    async def close(self) -> None:
        await self._run(self._close)
        self._thread.shutdown(wait=False)

    def day(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%d")

    # in the thread

    async def _run(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(self._path, timeout=30.0, isolation_level=None, check_same_thread=False)
            self._path.chmod(0o600)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
            if not any(row[1] == "tokens" for row in self._db.execute("PRAGMA table_info(calls)")):  # a book of 0.1
                with contextlib.suppress(sqlite3.OperationalError):  # another window was first
                    self._db.execute("ALTER TABLE calls ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0")
        return self._db

    def _reserve(
        self, run: str, role: str, model: str, worst: float, per_run: float | None, per_day: float | None
    ) -> int:
        db = self._open()
        db.execute("BEGIN IMMEDIATE")
        try:
            for limit, spent, name in (
                (per_run, self._sum(run=run), "this run"),
                (per_day, self._sum(day=self.day()), "today"),
            ):
                if limit is not None and spent + worst > limit + _ROUNDING:
                    raise OverBudget(
                        f"The call was not sent: it may cost up to ${worst:.4f}, and ${spent:.4f} of the ${limit:.2f} "
                        f"for {name} is spent or reserved.",
                        f"Raise budget.{'usd_per_run' if limit == per_run and name == 'this run' else 'usd_per_day'}, "
                        "or use a cheaper model.",
                    )
            cursor = db.execute(
                "INSERT INTO calls (run, day, role, model, reserved, at) VALUES (?, ?, ?, ?, ?, ?)",
                (run, self.day(), role, model, worst, self._clock()),
            )
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _settle(self, id: int, actual: float, tokens: int = 0) -> None:
        self._open().execute("UPDATE calls SET actual = ?, tokens = ? WHERE id = ?", (actual, tokens, id))

    def _by_role(self) -> dict[str, tuple[float, int]]:
        rows = self._open().execute(
            "SELECT role, SUM(COALESCE(actual, reserved)), SUM(tokens) FROM calls WHERE day >= ? GROUP BY role",
            (self.day(),),
        )
        return {str(role): (float(usd), int(tokens)) for role, usd, tokens in rows}

    def _sum(self, *, run: str | None = None, day: str | None = None) -> float:
        row = self._open().execute(
            "SELECT COALESCE(SUM(COALESCE(actual, reserved)), 0.0) FROM calls "
            "WHERE (:run IS NULL OR run = :run) AND (:day IS NULL OR day >= :day)",
            {"run": run, "day": day},
        )
        return float(row.fetchone()[0])

    def _close_run(self, run: str, label: str, usd: float | None) -> None:
        self._open().execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)", (run, label, usd, self._clock()))

    def _history(self, label: str, limit: int) -> list[float]:
        rows = self._open().execute(
            "SELECT usd FROM runs WHERE label = ? AND usd IS NOT NULL ORDER BY at DESC LIMIT ?", (label, limit)
        )
        return [float(row[0]) for row in rows]

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _give_back(self, work: asyncio.Future[int]) -> None:
        if not work.cancelled() and work.exception() is None:
            id = work.result()
            self._thread.submit(lambda: self._settle(id, 0.0))


def _check(usd: float) -> None:
    if not math.isfinite(usd) or usd < 0:
        raise ValueError(f"not an amount of money: {usd!r}")


class Ceiling(Protocol):
    """`budget.ceiling_usd_per_mtok`."""

    @property
    def input(self) -> float: ...

    @property
    def output(self) -> float: ...


class Budget(Protocol):
    """The part of the settings that this module reads."""

    @property
    def usd_per_run(self) -> float: ...

    @property
    def usd_per_day(self) -> float: ...

    @property
    def unpriced(self) -> str: ...

    @property
    def ceiling_usd_per_mtok(self) -> Ceiling: ...


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
        return max([self._worst(request, info) for info in await self._chain(request.role)], default=0.0)

    async def complete(self, request: CompletionRequest, on_event: OnEvent = ignore_event) -> Completion:
        chain = await self._chain(request.role)
        worst = max([self._worst(request, info) for info in chain], default=0.0)
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
            await asyncio.shield(self._book(id, request.role, model, usage, usd, chain, again))
            over = next((why for task in again if (why := _refused(task))), None)
            task = asyncio.current_task()
            if over is not None and not (task and task.cancelling()):  # a person's cancel stays a cancel
                raise over from error
            raise
        await asyncio.shield(
            self._book(id, request.role, completion.model, completion.usage, completion.cost_usd, chain, again)
        )
        self._models[request.role] = {"model": completion.model, "provider": completion.provider}
        return completion

    async def _reserve(self, request: CompletionRequest, model: str, worst: float) -> int:
        limits = self._budget
        return await self._ledger.reserve(
            self._run, request.role, model, worst, per_run=limits.usd_per_run, per_day=limits.usd_per_day
        )

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

    def _worst(self, request: CompletionRequest, info: ResolvedModel) -> float:
        limit = min(request.max_tokens or info.max_output_tokens or _OUT_TOKENS, info.max_output_tokens or 1 << 60)
        price_in, price_out = self._prices(info)
        return math.ceil(prompt_tokens(request.messages) * _MARGIN) * price_in + limit * price_out

    def _prices(self, info: ResolvedModel) -> tuple[float, float]:
        """USD per token; the ceiling's where the model's own are not known."""
        if info.input_usd_per_token is not None and info.output_usd_per_token is not None:
            return info.input_usd_per_token, info.output_usd_per_token
        if self._budget.unpriced == "refuse":
            raise Unpriced(
                f"No price is known for {info.model}, and budget.unpriced is 'refuse'.",
                f'Add prices: {{"{info.model}": …}}.',
            )
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
        if not heard and isinstance(error, AuthenticationFailed | RateLimited | ContextTooLong):
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
        chain: tuple[ResolvedModel, ...],
        again: Sequence[asyncio.Task[int]],
    ) -> None:
        """Settle the call, and give back the reservations made for asking again: what it cost in all is in `usd`."""
        booked = usd
        if usd is None or not math.isfinite(usd) or usd < 0:
            ceiling = self._budget.ceiling_usd_per_mtok
            booked = usage.prompt_tokens * ceiling.input / 1e6 + usage.completion_tokens * ceiling.output / 1e6
            self._unpriced.add(model)
        else:
            self._usd[role] = self._usd.get(role, 0.0) + usd
        self._usage[role] = self._usage.get(role, Usage()) + usage
        assert booked is not None
        await self._ledger.settle(id, booked, usage.total_tokens)
        for extra in await asyncio.gather(*again, return_exceptions=True):
            if isinstance(extra, int):
                await self._ledger.settle(extra, 0.0)
        if self._on_cost is not None:
            self._on_cost(self.cost(), self.usage())


def _refused(task: asyncio.Task[int]) -> BaseException | None:
    """Why a reservation was not given; None where it was, or is not decided yet."""
    return task.exception() if task.done() and not task.cancelled() else None


def _at(usage: Usage, info: ResolvedModel) -> float:
    return usage.prompt_tokens * (info.input_usd_per_token or 0.0) + usage.completion_tokens * (
        info.output_usd_per_token or 0.0
    )
