"""One question to one role: which model is asked, how often, when another takes over, and what it all has cost.

The whole policy of retry and fallback stands here, in one table (`_wait`). An answer comes whole from one request; the
text of a broken one is thrown away. Knows nothing of pipes and nothing of litellm's types.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from ralphd.errors import (
    AuthenticationFailed,
    BadAnswer,
    ContentRefused,
    ContextTooLong,
    ModelError,
    RateLimited,
    TimedOut,
    Unreachable,
)
from ralphd.model_host.child import http_limits
from ralphd.model_host.child.answer_cache import AnswerCache, CachedAnswer
from ralphd.model_host.child.answer_stores import open_store
from ralphd.model_host.child.answers import AnswerDetails
from ralphd.model_host.child.attempts import Attempt, attempt_record, cache_record, used
from ralphd.model_host.child.faults import BadRequest, EmptyAnswer, NotStreamed
from ralphd.model_host.child.keys import Keyring
from ralphd.model_host.child.provider_library import Library, ProviderRequest
from ralphd.model_host.child.redaction import Redactor
from ralphd.model_host.child.refused_parameters import Learned, Quirks, refused
from ralphd.model_host.child.request_log import RequestLog
from ralphd.model_host.child.resolved_models import ModelResolver
from ralphd.model_host.child.room import fitting, said, smaller
from ralphd.model_host.wire import CallConfig, ConfiguredModel
from ralphd.models.estimate import prompt_tokens
from ralphd.models.gateway import (
    Completion,
    CompletionRequest,
    Delta,
    FellBack,
    ModelChosen,
    OnEvent,
    ResolvedModel,
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

    asked: CompletionRequest
    on_event: OnEvent
    tally: Tally
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    """Joins its lines in the request log."""
    sent: int = 0
    """Requests so far: the number of the attempt."""
    paid: int = 0
    """Of those, the ones that used tokens."""


@dataclass
class _Tries:
    """How often one model was asked within a call, and what was done about it."""

    requests: int = 0
    """Those that count against `retry_attempts`."""
    whole: int = 0
    """How often the whole answer was asked for again after a part, a stall or an empty one."""


class Calls:
    """Asks models by role, under one configuration."""

    def __init__(self, library: Library, keyring: Keyring, config: CallConfig, quirks: Quirks) -> None:
        self._library = library
        self._quirks = quirks
        self._keyring = keyring
        self._config = config
        self._resolver = ModelResolver(library, keyring, config)
        self._log = RequestLog(config.log) if config.log is not None else None
        self._cache: AnswerCache | None = None
        if config.cache is not None:
            url = keyring.resolve(config.cache.url) if config.cache.url is not None else None
            with contextlib.suppress(Exception):  # without a cache every question is asked, that is all
                self._cache = AnswerCache(open_store(config.cache, url), config.cache.ttl_s, config.cache_scope)

    def tally(self) -> Tally:
        """For a new call; what it holds when the call fails is what the call has used."""
        return Tally()

    async def complete(self, asked: CompletionRequest, on_event: OnEvent, tally: Tally) -> Completion:
        chain = self._config.roles.get(asked.role, ())
        if not chain:
            raise ModelError(f"No model is configured for the {asked.role}.", "Set models, or a provider's key.")
        call = _Call(self._without_keys(asked), on_event, tally)
        failures: list[tuple[str, ModelError]] = []
        for configured in chain:
            if failures:
                model, error = failures[-1]
                on_event(
                    FellBack(
                        role=asked.role,
                        from_model=model,
                        to_model=configured.model,
                        why=error.message,
                        paid=call.paid,
                    )
                )
            try:
                return await self._ask_model(call, configured)
            except ContextTooLong as too_long:
                if asked.may_shorten:
                    raise
                failures.append((configured.model, too_long))
            except ModelError as failed:
                failures.append((configured.model, failed))
        raise _all_failed(failures)

    def describe(self, role: Role) -> tuple[ResolvedModel, ...]:
        return tuple(self._resolver.describe(configured) for configured in self._config.roles.get(role, ()))

    def addresses(self, role: Role) -> tuple[str | None, ...]:
        return tuple(found.address for found in self.describe(role))

    async def _ask_model(self, call: _Call, configured: ConfiguredModel) -> Completion:
        """This model, again where the table says so. Raises the error of the last request."""
        if configured.problem is not None:
            raise Unreachable(configured.problem)
        resolved, endpoint = self._resolver.resolve(configured)
        if endpoint.problem is not None:
            raise AuthenticationFailed(endpoint.problem)
        plain = self._resolver.request(call.asked, configured, resolved, endpoint)
        learned = self._quirks.of(plain)
        request = _adapted(plain, learned)
        key = self._cache.key(call.asked, plain) if self._cache is not None else ""
        if self._cache is not None and (answer := await self._cache.get(key)) is not None:
            return self._from_cache(call, resolved, answer)
        call.on_event(ModelChosen(role=call.asked.role, model=resolved.model, attempt=call.sent + 1))
        tries = _Tries()
        while True:
            tries.requests += 1
            limits = self._config.limits
            exchange = http_limits.Exchange(limits.max_response_bytes, connect_s=limits.connect_s)
            attempt = Attempt(call.sent + 1, request, exchange, tuple(learned.refusals))
            try:
                completion = await self._attempt(call, attempt)
            except (ModelError, NotStreamed) as error:
                request, wait, why = self._again(attempt, error, tries, learned)
            else:
                if self._cache is not None:
                    await self._cache.put(key, CachedAnswer(completion.text, completion.finish_reason))
                return completion
            call.on_event(
                Retrying(
                    role=call.asked.role,
                    model=resolved.model,
                    attempt=call.sent + 1,
                    wait_ms=round(wait * 1000),
                    why=why,
                    paid=call.paid,
                )
            )
            await asyncio.sleep(wait)

    def _again(
        self, attempt: Attempt, error: ModelError | NotStreamed, tries: _Tries, learned: Learned
    ) -> tuple[ProviderRequest, float, str]:
        """(the next request to the same model, seconds to wait before it, why); raises `error` where there is none."""
        request = attempt.request
        if isinstance(error, NotStreamed):
            if not request.stream:
                raise BadAnswer(
                    f"{request.resolved.model} answered with nothing that can be read.", "Check api_base."
                ) from None
            tries.requests -= 1
            return replace(request, stream=False), 0.0, "it does not stream"
        if isinstance(error, BadRequest | ContextTooLong) and (other := _other_request(attempt, learned)) is not None:
            tries.requests -= 1
            return other, 0.0, error.message
        wait = self._wait(error, tries, broken=bool(attempt.text))
        if wait is None:
            raise error
        tries.whole += bool(attempt.text) or isinstance(error, TimedOut | EmptyAnswer)
        return request, wait, error.message

    def _wait(self, error: ModelError, tries: _Tries, *, broken: bool) -> float | None:
        """Seconds until the same model is asked again; None: not again, the next model has its turn.

        A stream that died after its first text, a stall and an empty answer are asked for once more, whole, at once.
        """
        attempts = self._config.retry_attempts
        delay = self._config.retry_delay_ms / 1000 * tries.requests
        if isinstance(error, RateLimited):
            asked = error.retry_after_s
            if tries.requests >= attempts or (asked or 0.0) > self._config.limits.retry_after_s:
                return None
            return delay if asked is None else asked
        if isinstance(error, TimedOut | EmptyAnswer) or (broken and isinstance(error, Unreachable)):
            return 0.0 if tries.whole == 0 and attempts > 1 else None
        if isinstance(error, Unreachable):
            return delay if tries.requests < attempts else None
        return None

    async def _attempt(self, call: _Call, attempt: Attempt) -> Completion:
        """One request, booked and logged whatever becomes of it."""
        call.sent = attempt.number
        token = http_limits.current.set(attempt.exchange)
        resolved = attempt.request.resolved
        try:
            await self._read(call, attempt)
        except BaseException as raised:
            attempt.error = raised
            raise
        finally:
            http_limits.current.reset(token)
            usage = used(call.asked, attempt)
            cost = self._library.cost(resolved, attempt.details, usage)
            call.tally.add(usage, cost)
            call.paid += usage.total_tokens > 0
            if self._log is not None:
                cache = "off" if self._cache is None else "miss"
                record = attempt_record(call.asked, call.id, attempt, usage, cost, cache=cache, bodies=self._log.bodies)
                self._log.write(record, self._redactor())
        return Completion(
            text=attempt.text,
            model=resolved.model,
            provider=resolved.provider,
            finish_reason=attempt.details.finish_reason,
            usage=call.tally.usage,
            cost_usd=call.tally.cost_usd,
            duration_s=attempt.duration_s,
            call=call.id,
        )

    async def _read(self, call: _Call, attempt: Attempt) -> None:
        """Reads the answer under two limits: text must keep coming, and the whole must end."""
        request, parts = attempt.request, []
        first = limit = request.configured.timeout_s
        clock = asyncio.get_running_loop().time
        deadline = clock() + limit * self._config.limits.total_factor
        try:
            async with (
                asyncio.timeout(limit) as watchdog,
                aclosing(self._library.stream(request, attempt.details)) as stream,
            ):
                async for part in stream:
                    if part.text:
                        limit = first * self._config.limits.silence_factor
                    watchdog.reschedule(min(clock() + limit, deadline))
                    if part.text:
                        if attempt.first_text_s is None:
                            attempt.first_text_s = attempt.duration_s
                        parts.append(part.text)
                        call.on_event(Delta(attempt=attempt.number, text=part.text))
        except TimeoutError:
            over = clock() >= deadline
            raise _too_slow(
                attempt, limit, deadline_s=first * self._config.limits.total_factor if over else None
            ) from None
        finally:
            attempt.text = "".join(parts)
        if not attempt.text.strip():
            raise _empty(request.resolved, attempt.details)

    def _from_cache(self, call: _Call, resolved: ResolvedModel, answer: CachedAnswer) -> Completion:
        call.sent += 1
        call.on_event(ModelChosen(role=call.asked.role, model=resolved.model, attempt=call.sent))
        call.on_event(Delta(attempt=call.sent, text=answer.text))
        if self._log is not None:
            self._log.write(cache_record(call.asked, call.id, resolved, call.sent), self._redactor())
        return Completion(
            text=answer.text,
            model=resolved.model,
            provider=resolved.provider,
            finish_reason=answer.finish_reason,
            usage=call.tally.usage,
            cost_usd=call.tally.cost_usd,
            cached=True,
            call=call.id,
        )

    def _without_keys(self, asked: CompletionRequest) -> CompletionRequest:
        """`asked` as it may leave: a key that a test printed, or that stands in a file, reaches no provider."""
        mask = self._redactor()
        messages = tuple(m.model_copy(update={"content": mask.keys(m.content)}) for m in asked.messages)
        return asked.model_copy(update={"messages": messages})

    def _redactor(self) -> Redactor:
        return Redactor(self._keyring.values())


def _adapted(request: ProviderRequest, learned: Learned) -> ProviderRequest:
    """The request as this server takes it, by what was learned of it."""
    request = learned.adapt(request)
    limit = fitting(request.max_tokens, learned.context_window, _estimate(request))
    return replace(request, max_tokens=min(limit, learned.most_output or limit))


def _other_request(attempt: Attempt, learned: Learned) -> ProviderRequest | None:
    """What to send instead of a request that was refused for its form; None where it was not refused for that."""
    request, body = attempt.request, attempt.exchange.body
    numbers = said(body)
    learned.context_window = numbers.window or learned.context_window
    limit = smaller(request.max_tokens, numbers, _estimate(request))
    if limit is not None:
        learned.most_output = numbers.most_output or learned.most_output
        return replace(request, max_tokens=limit)
    if isinstance(attempt.error, ContextTooLong):
        return None
    row = refused(body, request)
    if row is None:
        return None
    learned.refusals[row.name] = row
    return row.instead(request)


def _estimate(request: ProviderRequest) -> int:
    return prompt_tokens(request.messages)


def _too_slow(attempt: Attempt, limit: float, *, deadline_s: float | None) -> TimedOut:
    """Names which of the limits was passed."""
    model, hint = attempt.request.resolved.model, "Raise timeout_s, or use another model."
    if deadline_s is not None:
        return TimedOut(f"The answer of {model} was not at its end after {deadline_s:g} s.", hint)
    if attempt.first_text_s is not None:
        return TimedOut(f"{model} stopped in the middle of its answer: no text for {limit:g} s.", hint)
    if attempt.exchange.status is not None:
        return TimedOut(f"{model} accepted the request and sent no text for {limit:g} s.", hint)
    return TimedOut(f"{model} did not answer the request within {limit:g} s.", hint)


def _empty(resolved: ResolvedModel, details: AnswerDetails) -> ModelError:
    if details.finish_reason == "length":
        return BadAnswer(f"{resolved.model} used up max_tokens before it wrote any text.", "Raise max_tokens.")
    if details.refusal:
        return ContentRefused(
            f"{resolved.model} refused: {details.refusal[:400]}", "Rephrase the task, or use another model."
        )
    if details.tool_calls or details.finish_reason == "tool":
        return BadAnswer(
            f"{resolved.model} answered with a call of a tool instead of text; it was offered none.",
            "Use another model for this role.",
        )
    return EmptyAnswer(f"{resolved.model} answered with nothing.", "Check that api_base is a model's API.")


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
