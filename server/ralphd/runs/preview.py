"""What a run would send, found without sending it: the run's own code, on a gateway that takes prompts and asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ralphd.core.run import RunRequest, RunResult
from ralphd.core.wording import dollars
from ralphd.errors import ModelError
from ralphd.model_host.chains import NOT_RUNNING
from ralphd.models.gateway import Completion, CompletionRequest, Gateway, OnEvent, Reading, ResolvedModel, ignore_event
from ralphd.models.gateway import Role as ModelRole
from ralphd.models.prices import worst_of
from ralphd.settings.schema import Settings

_PER_MILLION = 1e6


class NotSent(ModelError):
    """In place of an answer."""


@dataclass
class PreviewGateway:
    """Keeps the first prompt of each role."""

    inner: Gateway
    asked: dict[ModelRole, CompletionRequest] = field(default_factory=dict)

    async def complete(self, request: CompletionRequest, on_event: OnEvent = ignore_event) -> Completion:
        self.asked.setdefault(request.role, request)
        raise NotSent("Nothing was sent.")

    async def log_reading(self, reading: Reading) -> None:
        """No answer was read."""

    def first(self, role: ModelRole) -> ResolvedModel:
        return self.inner.first(role)

    async def describe(self, role: ModelRole) -> ResolvedModel:
        return await self.inner.describe(role)

    async def close(self) -> None:
        """The inner gateway outlives this one."""

    async def chain(self, role: ModelRole) -> Sequence[ResolvedModel]:
        describe_chain: Callable[..., Any] | None = getattr(self.inner, "describe_chain", None)
        return await describe_chain(role) if describe_chain is not None else (await self.inner.describe(role),)

    async def masked(self, texts: Sequence[str]) -> Sequence[str]:
        """The texts as they would leave: the host masks the keys that it knows."""
        mask: Callable[..., Any] | None = getattr(self.inner, "masked", None)
        return await mask(texts) if mask is not None else texts


async def document(
    request: RunRequest, settings: Settings, gateway: PreviewGateway, result: RunResult, tests: str, estimate: str
) -> str:
    """All of it as one text. `result`: how the run ended that asked nobody; `tests`: what was done about them."""
    lines = [
        f"What `{request.command}` on {request.path} would send. Nothing was sent.",
        "",
        estimate,
        tests,
    ]
    if not gateway.asked:
        lines.append(f"It would end before any model is asked: {result.outcome}: {result.reason}")
    for role, asked in gateway.asked.items():
        lines += ["", *await _prompt(settings, gateway, role, asked)]
    if later := _later(request, settings, gateway.asked):
        lines += ["", f"Not known before there is an answer: {later}. Each further prompt holds what came back before."]
    return "\n".join(lines) + "\n"


async def _prompt(
    settings: Settings, gateway: PreviewGateway, role: ModelRole, asked: CompletionRequest
) -> Sequence[str]:
    chain = await gateway.chain(role)
    ceiling = settings.budget.ceiling_usd_per_mtok
    worst = worst_of(asked, chain, (ceiling.input / _PER_MILLION, ceiling.output / _PER_MILLION))
    lines = [f"==== {role}: at most {worst.tokens:,} tokens and {dollars(worst.usd)} for this call ===="]
    for number, model in enumerate(chain):
        where = model.address or ("this machine" if model.local else "its provider's own host")
        problem = f" (cannot be asked: {model.problem})" if model.problem not in (None, NOT_RUNNING) else ""
        lines.append(f"{'then, if that fails, to' if number else 'to'} {model.model} at {where}{problem}")
    texts = await gateway.masked([message.content for message in asked.messages])
    for message, text in zip(asked.messages, texts, strict=True):
        lines += [f"---- {message.role} ----", text]
    return lines


def _later(request: RunRequest, settings: Settings, asked: Mapping[ModelRole, CompletionRequest]) -> str:
    """The roles that a run goes on to ask about what it was answered."""
    if request.command not in ("implement", "fix"):
        return ""
    roles = [
        *(["the critic"] if settings.loop.critic != "never" else []),
        *(["chaos"] if settings.testing.adversarial_tests else []),
    ]
    return " and ".join(roles) + "'s prompts" if roles and asked else ""
