"""A gateway that answers from a list: for tests, demos without a model, and replay. Shipped as what it is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ralphd.errors import BadAnswer, ModelError
from ralphd.models.gateway import (
    Completion,
    CompletionRequest,
    Delta,
    ModelChosen,
    OnEvent,
    Reading,
    ResolvedModel,
    Role,
    Usage,
    ignore_event,
)


@dataclass(frozen=True)
class Reply:
    """One scripted answer. Tokens are counted as words, so that usage is never zero."""

    text: str = ""
    error: ModelError | None = None
    delay_s: float = 0.0
    """Before the first text; a cancel in it is a cancel in mid-call."""
    finish_reason: str = "stop"
    cost_usd: float | None = 0.001


@dataclass
class ScriptedGateway:
    """`replies` by role, used in order; `requests` records what was asked."""

    replies: Mapping[str, Sequence[Reply | str]]
    model: str = "scripted/model"
    local: bool = False
    info: ResolvedModel | None = None
    requests: list[CompletionRequest] = field(default_factory=list)
    closed: bool = False
    _used: dict[str, int] = field(default_factory=dict)

    async def complete(self, request: CompletionRequest, on_event: OnEvent = ignore_event) -> Completion:
        self.requests.append(request)
        index = self._used.get(request.role, 0)
        script = self.replies.get(request.role, ())
        if index >= len(script):
            raise BadAnswer(f"The script has no answer number {index + 1} for the {request.role}.")
        self._used[request.role] = index + 1
        entry = script[index]
        reply = Reply(entry) if isinstance(entry, str) else entry
        on_event(ModelChosen(role=request.role, model=self.model, attempt=1))
        await asyncio.sleep(reply.delay_s)
        if reply.error is not None:
            raise reply.error
        for at in range(0, len(reply.text), 40):
            on_event(Delta(attempt=1, text=reply.text[at : at + 40]))
            await asyncio.sleep(0)
        prompt = sum(len(m.content.split()) for m in request.messages)
        usage = Usage(prompt_tokens=prompt, completion_tokens=len(reply.text.split()) or 1, calls=1)
        return Completion(
            text=reply.text,
            model=self.model,
            provider="scripted",
            finish_reason=reply.finish_reason,
            usage=usage,
            cost_usd=reply.cost_usd,
        )

    async def log_reading(self, reading: Reading) -> None:
        """There is no request log."""

    async def describe(self, role: Role) -> ResolvedModel:
        return self.first(role)

    def first(self, role: Role) -> ResolvedModel:
        return self.info or ResolvedModel(
            model=self.model,
            provider="scripted",
            local=self.local,
            input_usd_per_token=1e-6,
            output_usd_per_token=1e-6,
        )

    async def close(self) -> None:
        self.closed = True
