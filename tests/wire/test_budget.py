"""The budgeted gateway: what is not sent, what is booked, what is told."""

from __future__ import annotations

import asyncio
import math
import sqlite3
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from ralphd.core.run import Cost
from ralphd.errors import AuthenticationFailed, BadAnswer, OverBudget, TimedOut, Unpriced, Unreachable
from ralphd.models.budget import BudgetedGateway
from ralphd.models.estimate import prompt_tokens, tokens_of
from ralphd.models.gateway import (
    Completion,
    CompletionRequest,
    Delta,
    OnEvent,
    PriceTier,
    ResolvedModel,
    Retrying,
    Role,
    Usage,
    ignore_event,
)
from ralphd.models.ledger import Ledger
from ralphd.models.prices import worst_of
from ralphd.models.scripted import Reply, ScriptedGateway
from ralphd.settings.schema import Budget
from tests.support.providers import Provider
from tests.support.providers import Reply as HttpReply
from tests.wire.conftest import Watch, config, deployment, request, until


@pytest_asyncio.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    book = Ledger(tmp_path / "ledger.db")
    yield book
    await book.close()


def info(**changes: object) -> ResolvedModel:
    values = {
        "model": "scripted/model",
        "provider": "scripted",
        "input_usd_per_token": 1e-6,
        "output_usd_per_token": 2e-6,
        "max_output_tokens": 1000,
    }
    return ResolvedModel.model_validate({**values, **changes})


def scripted(*replies: Reply | str, **changes: object) -> ScriptedGateway:
    return ScriptedGateway({"artisan": replies, "critic": replies}, info=info(**changes))


async def test_it_books_and_tells(ledger: Ledger) -> None:
    told: list[tuple[Cost, Mapping[str, Usage]]] = []
    gateway = BudgetedGateway(
        scripted(Reply("one two", cost_usd=0.25), output_usd_per_token=3e-4),
        ledger,
        "run",
        Budget(),
        lambda cost, usage: told.append((cost, usage)),
    )
    await gateway.complete(request())
    await gateway.complete(request(role="critic"))
    assert gateway.cost().usd == pytest.approx(0.5)
    assert gateway.cost().by_role == {"artisan": 0.25, "critic": 0.25}
    assert [(role, u.calls, u.completion_tokens) for role, u in gateway.usage().items()] == [
        ("artisan", 1, 2),
        ("critic", 1, 2),
    ]
    assert await ledger.today_by_role() == {
        role: (pytest.approx(0.25), usage.total_tokens) for role, usage in gateway.usage().items()
    }
    assert gateway.models()["artisan"] == {"model": "scripted/model", "provider": "scripted"}
    assert await ledger.spent(run="run") == pytest.approx(0.5)
    assert told[-1] == (gateway.cost(), gateway.usage()) and len(told) == 2


async def test_worst_case(ledger: Ledger) -> None:
    gateway = BudgetedGateway(scripted(), ledger, "run", Budget())
    asked = request("x" * 3000)
    tokens = prompt_tokens(asked.messages)
    assert await gateway.worst(asked) == pytest.approx(-(-tokens * 11 // 10) * 1e-6 + 1000 * 2e-6, rel=1e-3)
    assert await gateway.worst(request("x" * 3000, max_tokens=10)) < await gateway.worst(asked)
    assert await gateway.worst(request("x" * 3000, max_tokens=10**9)) == await gateway.worst(asked)


@pytest.mark.row("B5")
async def test_over_budget_is_not_sent(ledger: Ledger) -> None:
    inner = scripted("never", output_usd_per_token=0.01)
    gateway = BudgetedGateway(inner, ledger, "run", Budget(usd_per_run=1.0))
    with pytest.raises(OverBudget, match="usd_per_run"):
        await gateway.complete(request())
    assert inner.requests == [] and await ledger.today() == 0.0


@dataclass
class Slow:
    """Prices itself and answers when told to."""

    started: int = 0
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def complete(self, request: CompletionRequest, on_event: OnEvent = ignore_event) -> Completion:
        self.started += 1
        on_event(Delta(attempt=1, text="some words that arrived"))
        await self.go.wait()
        return Completion(text="x", model="m", provider="p", usage=Usage(completion_tokens=1, calls=1), cost_usd=0.01)

    async def describe(self, role: Role) -> ResolvedModel:
        return info(input_usd_per_token=1e-12, output_usd_per_token=1e-3)

    async def close(self) -> None: ...


async def test_fifty_side_by_side_under_a_budget_for_three(ledger: Ledger) -> None:
    slow = Slow()
    gateway = BudgetedGateway(slow, ledger, "run", Budget(usd_per_run=3.1))
    calls = [asyncio.create_task(gateway.complete(request())) for _ in range(50)]
    while sum(call.done() for call in calls) < 47:
        await asyncio.sleep(0.005)
    assert slow.started == 3
    slow.go.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(result, OverBudget) for result in results) == 47
    assert await ledger.today() == pytest.approx(0.03)


@dataclass
class Dies(Slow):
    """Its stream dies after the first text, and it asks again."""

    cancelled: bool = False
    stopping_s: float = 0.0

    async def complete(self, request: CompletionRequest, on_event: OnEvent = ignore_event) -> Completion:
        on_event(Delta(attempt=1, text="thrown away"))
        on_event(Retrying(role="artisan", model="m", attempt=1, wait_ms=500, why="the stream died", paid=1))
        try:
            return await super().complete(request, lambda event: None)
        except asyncio.CancelledError:
            self.cancelled = True
            await asyncio.sleep(self.stopping_s)
            raise


async def test_an_answer_asked_for_again_is_reserved_again(ledger: Ledger) -> None:
    dies = Dies()
    with pytest.raises(OverBudget, match="this run"):
        await BudgetedGateway(dies, ledger, "one", Budget(usd_per_run=1.5)).complete(request())
    assert dies.cancelled and 0 < await ledger.spent(run="one") < 1.0
    call = asyncio.create_task(BudgetedGateway(dies, ledger, "two", Budget(usd_per_run=2.5)).complete(request()))
    while await ledger.spent(run="two") < 2.0:  # both are reserved while it is asked again
        await asyncio.sleep(0.005)
    dies.go.set()
    await call
    assert await ledger.spent(run="two") == pytest.approx(0.01)


async def test_a_cancel_while_a_refused_answer_is_stopped_stays_a_cancel(ledger: Ledger) -> None:
    dies = Dies(stopping_s=0.1)
    call = asyncio.create_task(BudgetedGateway(dies, ledger, "one", Budget(usd_per_run=1.5)).complete(request()))
    await until(lambda: dies.cancelled, call)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert 0 < await ledger.spent(run="one") < 1.0


async def test_a_cancel_after_the_answer_loses_no_cost(ledger: Ledger) -> None:
    """The book is locked by another window while the answer's cost is written down: a cancel then changes nothing."""
    dies = Dies()
    gateway = BudgetedGateway(dies, ledger, "one", Budget(usd_per_run=2.5))
    call = asyncio.create_task(gateway.complete(request()))
    while await ledger.spent(run="one") < 2.0:
        await asyncio.sleep(0.005)
    with sqlite3.connect(ledger._path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        dies.go.set()
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        other.execute("COMMIT")
    other.close()
    while await ledger.spent(run="one") > 1.0:  # settled in its own time
        await asyncio.sleep(0.005)
    assert await ledger.spent(run="one") == pytest.approx(0.01) and gateway.cost().usd == pytest.approx(0.01)


async def test_a_book_of_the_first_version_is_read_on(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.db") as db:
        db.execute(
            "CREATE TABLE calls (id INTEGER PRIMARY KEY, run TEXT NOT NULL, day TEXT NOT NULL, role TEXT NOT NULL,"
            " model TEXT NOT NULL, reserved REAL NOT NULL, actual REAL, at REAL NOT NULL)"
        )
        db.execute("INSERT INTO calls VALUES (1, 'old', '9999-01-01', 'critic', 'm', 1.0, 0.5, 0.0)")
    db.close()
    book = Ledger(tmp_path / "ledger.db")
    gateway = BudgetedGateway(
        scripted(Reply("one two", cost_usd=0.25), output_usd_per_token=3e-4), book, "run", Budget()
    )
    await gateway.complete(request())
    assert await book.today_by_role() == {
        "critic": (0.5, 0),
        "artisan": (pytest.approx(0.25), gateway.usage()["artisan"].total_tokens),
    }
    await book.close()


@pytest.mark.row("B2")
async def test_a_cancelled_call_is_booked_from_what_arrived(ledger: Ledger) -> None:
    slow = Slow()
    gateway = BudgetedGateway(slow, ledger, "run", Budget(usd_per_run=5.0))
    call = asyncio.create_task(gateway.complete(request()))
    await until(lambda: slow.started, call)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    arrived = tokens_of("some words that arrived") * 1e-3
    assert await ledger.today() == pytest.approx(arrived, rel=1e-3)
    assert gateway.cost().usd == pytest.approx(arrived, rel=1e-3)
    assert gateway.usage()["artisan"].completion_tokens == tokens_of("some words that arrived")


@pytest.mark.parametrize("error", [TimedOut("t"), BadAnswer("b"), Unreachable("u"), RuntimeError("bug")])
async def test_a_failed_call_is_never_free(ledger: Ledger, error: Exception) -> None:
    gateway = BudgetedGateway(scripted(Reply(error=error)), ledger, "run", Budget())  # type: ignore[arg-type]
    with pytest.raises(type(error)):
        await gateway.complete(request())
    assert await ledger.today() == pytest.approx(prompt_tokens(request().messages) * 1e-6)
    assert gateway.cost().usd and gateway.usage()["artisan"].prompt_tokens


async def test_a_refused_key_costs_nothing(ledger: Ledger) -> None:
    gateway = BudgetedGateway(scripted(Reply(error=AuthenticationFailed("no"))), ledger, "run", Budget())
    with pytest.raises(AuthenticationFailed):
        await gateway.complete(request())
    assert await ledger.today() == 0.0


@pytest.mark.row("B2")
async def test_unpriced_counts_the_ceiling_and_is_named(ledger: Ledger) -> None:
    inner = ScriptedGateway(
        {"artisan": [Reply("a b c", cost_usd=None)]}, info=info(input_usd_per_token=None, output_usd_per_token=None)
    )
    gateway = BudgetedGateway(inner, ledger, "run", Budget())
    assert await gateway.worst(request()) > 1000 * 39e-6
    await gateway.complete(request())
    assert gateway.cost().usd is None and gateway.cost().unpriced == ("scripted/model",)
    assert await ledger.today() == pytest.approx(gateway.usage()["artisan"].prompt_tokens * 10e-6 + 3 * 40e-6)


async def test_unpriced_may_be_refused(ledger: Ledger) -> None:
    inner = scripted("never", input_usd_per_token=None)
    gateway = BudgetedGateway(inner, ledger, "run", Budget(unpriced="refuse"))
    with pytest.raises(Unpriced, match="scripted/model"):
        await gateway.complete(request())
    assert inner.requests == []


@pytest.mark.asyncio(loop_scope="session")
async def test_the_whole_way(host: object, openai: Provider, anthropic: Provider, tmp_path: Path) -> None:
    """Through the real host: the dearest of the chain is reserved, a broken request is booked beside the good one."""
    from ralphd.model_host.client import HostClient
    from ralphd.model_host.gateway import HostGateway

    assert isinstance(host, HostClient)
    book = Ledger(tmp_path / "l.db")
    models = HostGateway(host, config(deployment(openai, max_tokens=100), deployment(anthropic, max_tokens=100)))
    gateway = BudgetedGateway(models, book, "run", Budget())
    asked = request()
    # the second's prompt may be written to its cache: 3.75 dollars for a million instead of 3
    assert await gateway.worst(asked) == pytest.approx(
        -(-prompt_tokens(asked.messages) * 11 // 10) * 3.75e-6 + 100 * 15e-6
    )
    openai.default = HttpReply(status=401)
    await gateway.complete(asked)
    assert gateway.models()["artisan"]["model"] == "anthropic/claude-sonnet-4-5"
    assert await book.today() == pytest.approx(11 * 3e-6 + 7 * 15e-6)
    # a missing key was never a call
    openai.default, anthropic.default = HttpReply(status=401), HttpReply(status=401)
    before = await book.today()
    with pytest.raises(AuthenticationFailed):
        await gateway.complete(asked)
    assert await book.today() == before
    # cancelled in mid-stream
    openai.default = HttpReply(pieces=tuple("word " for _ in range(500)), pause_s=0.01)
    watch = Watch()
    call = asyncio.create_task(gateway.complete(request("again"), watch))
    await until(lambda: len(watch.of(Delta)) >= 3, call)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await book.today() > before
    await book.close()


@pytest.mark.parametrize("said", [1e12, -1.0, float("nan"), float("inf"), -float("inf")])
async def test_a_cost_that_cannot_be_is_booked_at_the_reserve_and_marked(ledger: Ledger, said: float) -> None:
    gateway = BudgetedGateway(scripted(Reply("text", cost_usd=said)), ledger, "run", Budget())
    worst = await gateway.worst(request())
    await gateway.complete(request())
    assert await ledger.today() == pytest.approx(worst)
    assert gateway.cost().unpriced == ("scripted/model",) and gateway.cost().usd is None


async def test_tokens_limit_local_and_unpriced_models_too(ledger: Ledger) -> None:
    free = scripted("text", "text", input_usd_per_token=0.0, output_usd_per_token=0.0, local=True)
    gateway = BudgetedGateway(free, ledger, "run", Budget(tokens_per_run=1100))
    await gateway.complete(request())  # up to 1,000 and the prompt; it used a handful
    with pytest.raises(OverBudget, match="tokens_per_run"):
        await gateway.complete(request("word " * 100))


def model(**changes: object) -> ResolvedModel:
    return info(**{"input_usd_per_token": 3e-6, "output_usd_per_token": 15e-6, "max_output_tokens": 1000, **changes})


def test_the_worst_case_counts_tiers_cached_writes_and_reasoning() -> None:
    asked = request("word " * 200)
    prompt = math.ceil(prompt_tokens(asked.messages) * 1.1)
    none = (0.0, 0.0)
    assert worst_of(asked, [model()], none).usd == pytest.approx(prompt * 3e-6 + 1000 * 15e-6)
    assert worst_of(asked, [model(cache_write_usd_per_token=3.75e-6)], none).usd == pytest.approx(
        prompt * 3.75e-6 + 1000 * 15e-6
    )
    assert worst_of(asked, [model(reasoning_usd_per_token=60e-6)], none).usd == pytest.approx(
        prompt * 3e-6 + 1000 * 60e-6
    )
    tier = PriceTier(
        above_tokens=300, input_usd_per_token=6e-6, output_usd_per_token=22.5e-6, cache_write_usd_per_token=7.5e-6
    )
    assert worst_of(asked, [model(tiers=(tier,))], none).usd == pytest.approx(prompt * 7.5e-6 + 1000 * 22.5e-6)
    assert worst_of(request("hi"), [model(tiers=(tier,))], none).usd < 0.02  # it does not fall into the tier
    assert worst_of(asked, [model(), model(max_output_tokens=50)], none).tokens == prompt + 1000


@pytest.mark.asyncio(loop_scope="session")
async def test_the_tables_tiers_are_read(host: object) -> None:
    from ralphd.model_host.client import HostClient
    from ralphd.model_host.gateway import HostGateway
    from ralphd.model_host.wire import ConfiguredModel

    assert isinstance(host, HostClient)
    chain = [ConfiguredModel(model=name) for name in ("gemini/gemini-2.5-pro", "anthropic/claude-sonnet-4-5")]
    gemini, claude = await HostGateway(host, config(*chain)).describe_chain("artisan")
    assert [(tier.above_tokens, tier.input_usd_per_token, tier.output_usd_per_token) for tier in gemini.tiers] == [
        (200_000, 2.5e-6, 15e-6)
    ]
    assert claude.cache_write_usd_per_token == 3.75e-6
