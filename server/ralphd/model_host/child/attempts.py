"""One request to a provider and what became of it: what it has used, and its line in the request log."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from ralphd.core.tokens import tokens_of
from ralphd.errors import ModelError, TimedOut
from ralphd.model_host.child.answers import AnswerDetails
from ralphd.model_host.child.faults import NotStreamed
from ralphd.model_host.child.http_limits import Exchange
from ralphd.model_host.child.provider_library import ProviderRequest
from ralphd.models.estimate import prompt_tokens
from ralphd.models.gateway import CompletionRequest, ResolvedModel, Usage


@dataclass
class Attempt:
    """Filled while the request runs."""

    number: int
    """Of the call's requests to all its models, from 1."""
    request: ProviderRequest
    exchange: Exchange
    adapted: tuple[str, ...] = ()
    """What differs from a plain request because this server refused something before."""
    started: float = field(default_factory=time.monotonic)
    details: AnswerDetails = field(default_factory=AnswerDetails)
    text: str = ""
    first_text_s: float | None = None
    error: BaseException | None = None

    @property
    def duration_s(self) -> float:
        return time.monotonic() - self.started


def used(asked: CompletionRequest, attempt: Attempt) -> Usage:
    """What the provider says, or what must have been used: a broken stream is not free, a refused request is."""
    exchange, error, said = attempt.exchange, attempt.error, attempt.details.usage
    refused = exchange.status is not None and exchange.status != 200
    never_left = exchange.status is None and isinstance(error, ModelError) and not isinstance(error, TimedOut)
    if refused or never_left:
        return Usage(calls=1)
    if isinstance(error, NotStreamed):
        # The whole answer came, was paid for, and could not be read: its size in bytes is all that is known of it.
        attempt.details.raw_usage = None
        return Usage(prompt_tokens=prompt_tokens(asked.messages), completion_tokens=tokens_of(exchange.body), calls=1)
    said = said or Usage()
    whole = attempt.details.finish_reason != "unknown"
    if whole and said.prompt_tokens and (said.completion_tokens or not attempt.text):
        return said
    attempt.details.raw_usage = None  # it was counted for a part only
    # No prompt is nothing, and no text is: what the provider leaves out, or says to be zero, is counted here.
    counted = said.completion_tokens if whole else 0
    return Usage(
        prompt_tokens=said.prompt_tokens or prompt_tokens(asked.messages),
        completion_tokens=counted or max(tokens_of(attempt.text), said.completion_tokens),
        cached_tokens=said.cached_tokens,
        calls=1,
    )


def attempt_record(
    asked: CompletionRequest, call: str, attempt: Attempt, usage: Usage, cost: float | None, *, cache: str, bodies: bool
) -> dict[str, Any]:
    """The request's line in the log, before it is masked. `bodies`: with the texts."""
    request, resolved, details = attempt.request, attempt.request.resolved, attempt.details
    record: dict[str, Any] = {
        "call": call,
        "role": asked.role,
        "model": resolved.model,
        "answered_as": details.answered_as,
        "provider": resolved.provider,
        "endpoint": request.endpoint.api_base or "default",
        "key_from": request.endpoint.source,
        "attempt": attempt.number,
        "sample": asked.sample,
        "outcome": _outcome(attempt.error),
        "status": attempt.exchange.status,
        "finish_reason": details.finish_reason,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cached_tokens": usage.cached_tokens,
        "cost_usd": cost,
        "duration_s": round(attempt.duration_s, 3),
        "first_text_s": None if attempt.first_text_s is None else round(attempt.first_text_s, 3),
        "cache": cache,
    }
    if attempt.adapted:
        record["adapted"] = list(attempt.adapted)
    if isinstance(attempt.error, ModelError):
        record["error"] = attempt.error.message
    if bodies:
        record["request"] = {
            "messages": [message.model_dump() for message in request.messages],
            "temperature": request.temperature,
            "max_tokens": request.max_tokens,
            "streamed": request.stream,
        }
        record["response"] = attempt.text
    return record


def cache_record(asked: CompletionRequest, call: str, resolved: ResolvedModel, number: int) -> dict[str, Any]:
    """The line of an answer that came from the cache."""
    return {
        "call": call,
        "role": asked.role,
        "model": resolved.model,
        "provider": resolved.provider,
        "attempt": number,
        "sample": asked.sample,
        "outcome": "ok",
        "cost_usd": 0.0,
        "cache": "hit",
    }


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return "ok"
    if isinstance(error, ModelError):
        return error.code
    return {asyncio.CancelledError: "cancelled", NotStreamed: "not_streamed"}.get(type(error), "model_error")
