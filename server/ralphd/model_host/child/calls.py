"""One question to one role: which deployment is asked, how often, when another takes over, and what it all has cost.

The whole policy of retry and fallback stands here, in one table (`_wait`). An answer comes whole from one request; the
text of a broken one is thrown away. Knows nothing of pipes and nothing of litellm's types.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from ralphd.errors import (
    AuthenticationFailed,
    BadAnswer,
    ContextTooLong,
    ModelError,
    RateLimited,
    TimedOut,
    Unreachable,
)
from ralphd.model_host.child import http_limits
from ralphd.model_host.child.answer_cache import Answer, Answers
from ralphd.model_host.child.faults import EmptyAnswer, NotStreamed, TemperatureRefused
from ralphd.model_host.child.keys import Keyring
from ralphd.model_host.child.provider_library import Ask, Library, Outcome, open_cache
from ralphd.model_host.child.redaction import Redactor
from ralphd.model_host.child.request_log import RequestLog
from ralphd.model_host.child.resolved_models import Target, Targets, used
from ralphd.model_host.wire import HostConfig
from ralphd.models.gateway import (
    Completion,
    CompletionRequest,
    Delta,
    FellBack,
    ModelChosen,
    ModelInfo,
    OnEvent,
    Retrying,
    Role,
    Usage,
)


@dataclass
class Tally:
    """What a call has used so far, broken and cancelled requests included."""

    usage: Usage = field(default_factory=Usage)
    cost_usd: float | None = 0.0

    def add(self, usage: Usage, cost: float | None) -> None:
        self.usage = self.usage + usage
        self.cost_usd = None if cost is None or self.cost_usd is None else self.cost_usd + cost


@dataclass
class _Call:
    """One `complete` under way."""

    request: CompletionRequest
    on_event: OnEvent
    tally: Tally
    sent: int = 0
    """Requests so far: the number of the attempt."""
    paid: int = 0
    """Of those, the ones that used tokens."""


@dataclass
class _Attempt:
    """One request, for the log and for the table."""

    number: int
    ask: Ask
    exchange: http_limits.Exchange
    started: float
    outcome: Outcome
    text: str = ""
    first_text_s: float | None = None
    error: BaseException | None = None


class Calls:
    """Asks models by role, under one configuration."""

    def __init__(self, library: Library, keyring: Keyring, config: HostConfig) -> None:
        self._library = library
        self._keyring = keyring
        self._config = config
        self._targets = Targets(library, keyring, config)
        self._log = RequestLog(config.log) if config.log is not None else None
        self._answers: Answers | None = None
        if config.cache is not None:
            url = keyring.resolve(config.cache.url) if config.cache.url is not None else None
            with contextlib.suppress(Exception):  # without a cache every question is asked, that is all
                self._answers = Answers(open_cache(config.cache, url), config.cache.ttl_s, config.cache_scope)
        self._too_long: set[Role] = set()

    async def complete(self, request: CompletionRequest, on_event: OnEvent, tally: Tally) -> Completion:
        chain = self._config.roles.get(request.role, ())
        if not chain:
            raise ModelError(f"No model is configured for the {request.role}.", "Set models, or a provider's key.")
        call = _Call(request, on_event, tally)
        failures: list[tuple[str, ModelError]] = []
        for number, deployment in enumerate(chain):
            if failures:
                model, error = failures[-1]
                on_event(
                    FellBack(
                        role=request.role,
                        from_model=model,
                        to_model=deployment.model,
                        why=error.message,
                        paid=call.paid,
                    )
                )
            try:
                completion = await self._ask_model(call, self._targets.of(deployment))
            except ContextTooLong as too_long:
                # First the caller shrinks the prompt; when it did and that was not enough, the next model has its turn.
                if request.role not in self._too_long or number + 1 == len(chain):
                    self._too_long.add(request.role)
                    raise
                failures.append((deployment.model, too_long))
            except ModelError as failed:
                failures.append((deployment.model, failed))
            else:
                self._too_long.discard(request.role)
                return completion
        raise _all_failed(failures)

    def describe(self, role: Role) -> tuple[ModelInfo, ...]:
        return tuple(self._targets.info(role, deployment) for deployment in self._config.roles.get(role, ()))

    def addresses(self, role: Role) -> tuple[str | None, ...]:
        return tuple(self._targets.address(deployment) for deployment in self._config.roles.get(role, ()))

    def redactor(self) -> Redactor:
        return Redactor(self._keyring.values())

    async def _ask_model(self, call: _Call, target: Target) -> Completion:
        """This model, again where the table says so. Raises the error of the last request."""
        if target.deployment.problem is not None:
            raise Unreachable(target.deployment.problem)
        if target.endpoint.problem is not None:
            raise AuthenticationFailed(target.endpoint.problem)
        role, model = call.request.role, target.model
        ask = self._targets.ask(call.request, target)
        key = self._answers.key(call.request, ask, target) if self._answers is not None else ""
        if self._answers is not None and (answer := await self._answers.get(key)) is not None:
            return self._from_cache(call, target, answer)
        call.on_event(ModelChosen(role=role, model=model, attempt=call.sent + 1))
        tries, whole = 0, 0
        while True:
            tries += 1
            attempt = _Attempt(
                call.sent + 1,
                ask,
                http_limits.Exchange(self._config.limits.max_response_bytes),
                time.monotonic(),
                Outcome(),
            )
            try:
                completion = await self._attempt(call, target, attempt)
            except TemperatureRefused as error:
                if ask.temperature is None:
                    raise
                ask, tries, wait, why = replace(ask, temperature=None), tries - 1, 0.0, error.message
            except NotStreamed:
                if not ask.stream:
                    raise BadAnswer(f"{model} answered with nothing that can be read.", "Check api_base.") from None
                ask, tries, wait, why = replace(ask, stream=False), tries - 1, 0.0, "it does not stream"
            except ModelError as error:
                planned = self._wait(error, tries, broken=bool(attempt.text), whole=whole)
                if planned is None:
                    raise
                wait, why = planned, error.message
                whole += bool(attempt.text) or isinstance(error, TimedOut | EmptyAnswer)
            else:
                if self._answers is not None:
                    await self._answers.put(key, Answer(completion.text, completion.finish_reason))
                return completion
            call.on_event(
                Retrying(
                    role=role, model=model, attempt=call.sent + 1, wait_ms=round(wait * 1000), why=why, paid=call.paid
                )
            )
            await asyncio.sleep(wait)

    def _wait(self, error: ModelError, tries: int, *, broken: bool, whole: int) -> float | None:
        """Seconds until the same model is asked again; None: not again, the next model has its turn.

        A stream that died after its first text, a stall and an empty answer are asked for once more, whole, at once.
        """
        delay = self._config.retry_delay_ms / 1000 * tries
        if isinstance(error, RateLimited):
            asked = error.retry_after_s
            if tries >= self._config.retry_attempts or (asked or 0.0) > self._config.limits.retry_after_s:
                return None
            return delay if asked is None else asked
        if isinstance(error, TimedOut | EmptyAnswer) or (broken and isinstance(error, Unreachable)):
            return 0.0 if whole == 0 and self._config.retry_attempts > 1 else None
        if isinstance(error, Unreachable):
            return delay if tries < self._config.retry_attempts else None
        return None

    async def _attempt(self, call: _Call, target: Target, attempt: _Attempt) -> Completion:
        """One request, watched: text must keep coming, and the whole must end."""
        call.sent = attempt.number
        token = http_limits.current.set(attempt.exchange)
        parts: list[str] = []
        limit = target.deployment.timeout_s
        clock = asyncio.get_running_loop().time
        deadline = clock() + limit * self._config.limits.total_factor
        try:
            async with (
                asyncio.timeout(limit) as watchdog,
                aclosing(self._library.stream(attempt.ask, attempt.outcome)) as pieces,
            ):
                async for piece in pieces:
                    watchdog.reschedule(min(clock() + limit, deadline))
                    if piece.text:
                        if attempt.first_text_s is None:
                            attempt.first_text_s = time.monotonic() - attempt.started
                        parts.append(piece.text)
                        call.on_event(Delta(attempt=attempt.number, text=piece.text))
            if not "".join(parts).strip():
                raise _empty(target, attempt.outcome)
        except TimeoutError:
            attempt.error = TimedOut(
                f"{target.model} sent no text for {limit:g} s.", "Raise timeout_s, or use another model."
            )
            raise attempt.error from None
        except BaseException as raised:
            attempt.error = raised
            raise
        finally:
            http_limits.current.reset(token)
            attempt.text = "".join(parts)
            usage = used(call.request, attempt.text, attempt.outcome, attempt.exchange, attempt.error)
            cost = self._targets.cost(target, attempt.outcome, usage)
            call.tally.add(usage, cost)
            call.paid += usage.total_tokens > 0
            self._record(call, target, attempt, usage, cost)
        return Completion(
            text=attempt.text,
            model=target.model,
            provider="local" if target.deployment.local else target.provider,
            finish_reason=attempt.outcome.finish_reason,
            usage=call.tally.usage,
            cost_usd=call.tally.cost_usd,
            duration_s=time.monotonic() - attempt.started,
        )

    def _from_cache(self, call: _Call, target: Target, answer: Answer) -> Completion:
        call.sent += 1
        role = call.request.role
        call.on_event(ModelChosen(role=role, model=target.model, attempt=call.sent))
        call.on_event(Delta(attempt=call.sent, text=answer.text))
        if self._log is not None:
            record = {
                "role": role,
                "model": target.model,
                "provider": target.provider,
                "attempt": call.sent,
                "sample": call.request.sample,
                "outcome": "ok",
                "cost_usd": 0.0,
                "cache": "hit",
            }
            self._log.write(record, self.redactor())
        return Completion(
            text=answer.text,
            model=target.model,
            provider="local" if target.deployment.local else target.provider,
            finish_reason=answer.finish_reason,
            usage=call.tally.usage,
            cost_usd=call.tally.cost_usd,
            cached=True,
        )

    def _record(self, call: _Call, target: Target, attempt: _Attempt, usage: Usage, cost: float | None) -> None:
        if self._log is None:
            return
        ask, outcome = attempt.ask, attempt.outcome
        record: dict[str, Any] = {
            "role": call.request.role,
            "model": target.model,
            "answered_as": outcome.answered_as,
            "provider": target.provider,
            "endpoint": target.endpoint.api_base or "default",
            "key_from": target.endpoint.source,
            "attempt": attempt.number,
            "sample": call.request.sample,
            "outcome": _outcome(attempt.error),
            "status": attempt.exchange.status,
            "finish_reason": outcome.finish_reason,
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "cached_tokens": usage.cached_tokens,
            "cost_usd": cost,
            "duration_s": round(time.monotonic() - attempt.started, 3),
            "first_text_s": None if attempt.first_text_s is None else round(attempt.first_text_s, 3),
            "cache": "off" if self._answers is None else "miss",
        }
        if isinstance(attempt.error, ModelError):
            record["error"] = attempt.error.message
        if self._log.bodies:
            record["request"] = {
                "messages": [message.model_dump() for message in ask.messages],
                "temperature": ask.temperature,
                "max_tokens": ask.max_tokens,
                "streamed": ask.stream,
            }
            record["response"] = attempt.text
        self._log.write(record, self.redactor())


def _empty(target: Target, outcome: Outcome) -> BadAnswer:
    if outcome.finish_reason == "length":
        return BadAnswer(f"{target.model} used up max_tokens before it wrote any text.", "Raise max_tokens.")
    return EmptyAnswer(f"{target.model} answered with nothing.", "Check that api_base is a model's API.")


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return "ok"
    if isinstance(error, ModelError):
        return error.code
    return {asyncio.CancelledError: "cancelled", NotStreamed: "not_streamed"}.get(type(error), "model_error")


def _all_failed(failures: list[tuple[str, ModelError]]) -> ModelError:
    """One error: alone as it is; of several models, each with its reason, of the kind that they share."""
    if len(failures) == 1:
        return failures[0][1]
    errors = [error for _, error in failures]
    message = "All models failed: " + "; ".join(f"{model}: {error.message}" for model, error in failures)
    hint = next((error.hint for error in errors if error.hint), "")
    if all(isinstance(error, RateLimited) for error in errors):
        waits = [error.retry_after_s for error in errors if isinstance(error, RateLimited) and error.retry_after_s]
        return RateLimited(message, hint, retry_after_s=min(waits, default=None))
    kinds = {type(error) for error in errors}
    return (kinds.pop() if len(kinds) == 1 else ModelError)(message, hint)
