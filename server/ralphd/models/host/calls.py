"""One question to one role: which deployment is asked, how often, when another takes over, and what it all has cost.

The whole policy of retry and fallback stands here, in one table (`_wait`). An answer comes whole from one request; the
text of a broken one is thrown away. Knows nothing of pipes and nothing of litellm's types.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
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
from ralphd.models.estimate import prompt_tokens, tokens_of
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
from ralphd.models.host import guard
from ralphd.models.host.faults import NotStreamed, TemperatureRefused
from ralphd.models.host.keys import Endpoint, Keyring
from ralphd.models.host.redaction import Redactor
from ralphd.models.host.request_log import RequestLog
from ralphd.models.host.router import Ask, Cache, Facts, Library, Outcome, open_cache, own_price
from ralphd.models.wire import Deployment, HostConfig

DEFAULT_MAX_TOKENS = 8192
"""Sent where neither the request nor the settings name a limit: every call has a worst case."""
_CACHE_WAIT_S = 2.0
_FREE = frozenset({"ollama", "ollama_chat"})


@dataclass
class Tally:
    """What a call has used so far, broken and cancelled requests included."""

    usage: Usage = Usage()
    cost_usd: float | None = 0.0

    def add(self, usage: Usage, cost: float | None) -> None:
        self.usage = self.usage + usage
        self.cost_usd = None if cost is None or self.cost_usd is None else self.cost_usd + cost


@dataclass(frozen=True)
class _Target:
    """A deployment with everything that is known of it."""

    deployment: Deployment
    bare: str
    provider: str
    endpoint: Endpoint
    facts: Facts


@dataclass
class _Call:
    """One `complete` under way."""

    request: CompletionRequest
    on_event: OnEvent
    tally: Tally
    sent: int = 0
    """Requests so far: the number of the attempt."""
    texts: list[str] = field(default_factory=list)


class Calls:
    """Asks models by role, under one configuration."""

    def __init__(self, library: Library, keyring: Keyring, config: HostConfig) -> None:
        self._library = library
        self._keyring = keyring
        self._config = config
        self._log = RequestLog(config.log) if config.log is not None else None
        self._cache: Cache | None = open_cache(config.cache) if config.cache is not None else None
        self._too_long: set[Role] = set()

    async def complete(self, request: CompletionRequest, on_event: OnEvent, tally: Tally) -> Completion:
        chain = self._config.roles.get(request.role, ())
        if not chain:
            raise ModelError(f"No model is configured for the {request.role}.", "Set models in ralph.config.yaml, or a provider's key.")
        call = _Call(request, on_event, tally)
        failures: list[tuple[str, ModelError]] = []
        for number, deployment in enumerate(chain):
            if failures:
                on_event(FellBack(role=request.role, from_model=failures[-1][0], to_model=deployment.model, why=_short(failures[-1][1])))
            try:
                completion = await self._ask_model(call, self._target(deployment))
            except ContextTooLong as error:
                # First the caller shrinks the prompt; when it did and that was not enough, the next model has its turn.
                if request.role not in self._too_long or number + 1 == len(chain):
                    self._too_long.add(request.role)
                    raise
                failures.append((deployment.model, error))
            except ModelError as error:
                failures.append((deployment.model, error))
            else:
                self._too_long.discard(request.role)
                return completion
        raise _all_failed(failures)

    def describe(self, role: Role) -> tuple[ModelInfo, ...]:
        return tuple(self._info(role, deployment) for deployment in self._config.roles.get(role, ()))

    def addresses(self, role: Role) -> tuple[str | None, ...]:
        """Where each deployment of the chain lives; None: at its provider's default."""
        found = []
        for deployment in self._config.roles.get(role, ()):
            try:
                target = self._target(deployment)
                found.append(target.endpoint.api_base or _default_address(target.provider))
            except ModelError:
                found.append(None)
        return tuple(found)

    def redactor(self) -> Redactor:
        return Redactor(self._keyring.values())

    # one model

    async def _ask_model(self, call: _Call, target: _Target) -> Completion:
        """This model, again where the table says so. Raises the error of the last request."""
        if target.endpoint.problem is not None:
            raise AuthenticationFailed(target.endpoint.problem)
        role, model = call.request.role, target.deployment.model
        ask = self._ask(call.request, target)
        key = self._cache_key(call.request, ask, target)
        if (hit := await self._cached(call, target, key)) is not None:
            return hit
        call.on_event(ModelChosen(role=role, model=model, attempt=call.sent + 1))
        tries, whole = 0, 0
        while True:
            tries += 1
            before = len(call.texts)
            try:
                return await self._attempt(call, target, ask, key)
            except TemperatureRefused as error:
                if ask.temperature is None:
                    raise
                ask, tries, wait, why = replace(ask, temperature=None), tries - 1, 0.0, _short(error)
            except NotStreamed:
                if not ask.stream:
                    raise BadAnswer(f"{model} answered with something that is not an answer.", "Check api_base.") from None
                ask, tries, wait, why = replace(ask, stream=False), tries - 1, 0.0, "it does not stream"
            except ModelError as error:
                broken = len(call.texts) > before
                planned = self._wait(error, tries, broken=broken, whole=whole)
                if planned is None:
                    raise
                wait, why = planned, _short(error)
                whole += broken or isinstance(error, TimedOut | BadAnswer)
            call.on_event(Retrying(role=role, model=model, attempt=call.sent + 1, wait_ms=round(wait * 1000), why=why))
            await asyncio.sleep(wait)

    def _wait(self, error: ModelError, tries: int, *, broken: bool, whole: int) -> float | None:
        """Seconds until the same model is asked again; None: not again.

        A stream that died after its first text, a stall and an empty answer are asked for once more, whole, at once.
        """
        delay = self._config.retry_delay_ms / 1000 * tries
        if isinstance(error, RateLimited):
            asked = error.retry_after_s
            if tries >= self._config.retry_attempts or (asked or 0.0) > self._config.limits.retry_after_s:
                return None
            return delay if asked is None else asked
        if broken or isinstance(error, TimedOut) or (isinstance(error, BadAnswer) and _worth_asking_again(error)):
            return 0.0 if whole == 0 and self._config.retry_attempts > 1 else None
        if isinstance(error, Unreachable):
            return delay if tries < self._config.retry_attempts else None
        return None

    async def _attempt(self, call: _Call, target: _Target, ask: Ask, key: str) -> Completion:
        """One request, watched: text must keep coming, and the whole must end."""
        call.sent += 1
        attempt, started = call.sent, time.monotonic()
        exchange = guard.Exchange(self._config.limits.max_response_bytes)
        token = guard.current.set(exchange)
        outcome, parts, first_text_s = Outcome(), [], None
        error: BaseException | None = None
        limit = target.deployment.timeout_s
        clock = asyncio.get_running_loop().time
        deadline = clock() + limit * self._config.limits.total_factor
        try:
            async with asyncio.timeout(limit) as watchdog, aclosing(self._library.stream(ask, outcome)) as pieces:
                async for piece in pieces:
                    watchdog.reschedule(min(clock() + limit, deadline))
                    if piece.text:
                        first_text_s = first_text_s or time.monotonic() - started
                        parts.append(piece.text)
                        call.texts.append(piece.text)
                        call.on_event(Delta(attempt=attempt, text=piece.text))
            if not "".join(parts).strip():
                raise _empty(target, outcome)
        except TimeoutError:
            error = TimedOut(f"{ask.deployment.model} sent no text for {limit:g} s.", "Raise timeout_s, or use another model.")
            raise error from None
        except BaseException as raised:
            error = raised
            raise
        finally:
            guard.current.reset(token)
            text = "".join(parts)
            usage = self._usage(call.request, text, outcome, exchange, error)
            cost = self._cost(target, outcome, usage)
            call.tally.add(usage, cost)
            self._record(call, target, ask, attempt, outcome, exchange, error, text, usage, cost, time.monotonic() - started, first_text_s)
        completion = Completion(
            text=text,
            model=ask.deployment.model,
            provider=target.provider,
            finish_reason=outcome.finish_reason,
            usage=call.tally.usage,
            cost_usd=call.tally.cost_usd,
            duration_s=time.monotonic() - started,
        )
        await self._store(key, completion)
        return completion

    # what is known, what it costs

    def _target(self, deployment: Deployment) -> _Target:
        bare, provider = self._library.provider_of(deployment)
        endpoint = self._keyring.endpoint(deployment, provider, self._config.provider_keys)
        return _Target(deployment, bare, provider, endpoint, self._library.facts(deployment))

    def _ask(self, request: CompletionRequest, target: _Target) -> Ask:
        wanted = request.max_tokens or target.deployment.max_tokens or DEFAULT_MAX_TOKENS
        temperature = request.temperature if request.temperature is not None else target.deployment.temperature
        return Ask(
            target.deployment,
            target.provider,
            target.endpoint,
            request.messages,
            temperature,
            min(wanted, target.facts.max_output_tokens or wanted),
            min(request.stable_prefix, len(request.messages)) if self._config.prompt_caching else 0,
        )

    def _info(self, role: Role, deployment: Deployment) -> ModelInfo:
        try:
            target = self._target(deployment)
        except ModelError as error:
            return ModelInfo(role=role, model=deployment.model, provider=deployment.provider or "", key_present=False, problem=str(error))
        wanted = deployment.max_tokens or DEFAULT_MAX_TOKENS
        prices = self._prices(target)
        return ModelInfo(
            role=role,
            model=deployment.model,
            provider="local" if deployment.local else target.provider,
            local=deployment.local,
            context_window=target.facts.context_window,
            max_output_tokens=min(wanted, target.facts.max_output_tokens or wanted),
            input_usd_per_token=prices[0] if prices else None,
            output_usd_per_token=prices[1] if prices else None,
            key_present=target.endpoint.problem is None,
            problem=target.endpoint.problem,
        )

    def _prices(self, target: _Target) -> tuple[float, float] | None:
        """USD per token, in and out; zero is believed only of the local model, Ollama and the person's own word."""
        own = own_price(self._config.prices, target.deployment.model, target.bare, target.provider)
        if own is not None:
            return own.input_usd_per_mtok / 1e6, own.output_usd_per_mtok / 1e6
        if target.deployment.local or target.provider in _FREE:
            return 0.0, 0.0
        if target.facts.input_usd is None or target.facts.output_usd is None:
            return None
        return target.facts.input_usd, target.facts.output_usd

    def _cost(self, target: _Target, outcome: Outcome, usage: Usage) -> float | None:
        own = own_price(self._config.prices, target.deployment.model, target.bare, target.provider)
        prices = self._prices(target)
        if own is None and not target.deployment.local and target.provider not in _FREE:
            return self._library.cost(target.facts, target.provider, outcome, usage)
        return None if prices is None else usage.prompt_tokens * prices[0] + usage.completion_tokens * prices[1]

    def _usage(
        self, request: CompletionRequest, text: str, outcome: Outcome, exchange: guard.Exchange, error: BaseException | None
    ) -> Usage:
        """What the provider says, or what must have been used: a broken stream is not free."""
        refused = exchange.status is not None and exchange.status != 200
        never_arrived = exchange.status is None and isinstance(error, ModelError) and not isinstance(error, TimedOut)
        if refused or never_arrived or isinstance(error, NotStreamed):
            return Usage(calls=1)
        said = outcome.usage
        if said is not None and outcome.finish_reason != "unknown":
            return said
        outcome.raw_usage = None
        return Usage(
            prompt_tokens=max(prompt_tokens(request), said.prompt_tokens if said else 0) if said is None else said.prompt_tokens,
            completion_tokens=max(tokens_of(text), said.completion_tokens if said else 0),
            cached_tokens=said.cached_tokens if said else 0,
            calls=1,
        )

    def _record(
        self,
        call: _Call,
        target: _Target,
        ask: Ask,
        attempt: int,
        outcome: Outcome,
        exchange: guard.Exchange,
        error: BaseException | None,
        text: str,
        usage: Usage,
        cost: float | None,
        duration_s: float,
        first_text_s: float | None,
    ) -> None:
        if self._log is None:
            return
        record: dict[str, Any] = {
            "role": call.request.role,
            "model": ask.deployment.model,
            "answered_as": outcome.answered_as,
            "provider": target.provider,
            "endpoint": target.endpoint.api_base or "default",
            "key_from": target.endpoint.source,
            "attempt": attempt,
            "sample": call.request.sample,
            "outcome": _outcome(error),
            "status": exchange.status,
            "finish_reason": outcome.finish_reason,
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "cached_tokens": usage.cached_tokens,
            "cost_usd": cost,
            "duration_s": round(duration_s, 3),
            "first_text_s": None if first_text_s is None else round(first_text_s, 3),
            "cache": "miss" if self._cache is not None else "off",
        }
        if isinstance(error, ModelError):
            record["error"] = error.message
        if self._log.bodies:
            record["request"] = {
                "messages": [message.model_dump() for message in ask.messages],
                "temperature": ask.temperature,
                "max_tokens": ask.max_tokens,
                "streamed": ask.stream,
            }
            record["response"] = text
        self._log.write(record, self.redactor())

    # cache

    def _cache_key(self, request: CompletionRequest, ask: Ask, target: _Target) -> str:
        """Everything that shapes an answer, and nothing else: not the role, not the key."""
        parts = {
            "model": [target.provider, target.bare],
            "api_base": target.endpoint.api_base,
            "api_version": target.endpoint.api_version,
            "headers": sorted(target.deployment.headers.items()),
            "messages": [[message.role, message.content] for message in request.messages],
            "temperature": ask.temperature,
            "max_tokens": ask.max_tokens,
            "sample": request.sample,
            "scope": self._config.cache_scope,
        }
        return "ralphd:1:" + hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    async def _cached(self, call: _Call, target: _Target, key: str) -> Completion | None:
        if self._cache is None:
            return None
        try:
            async with asyncio.timeout(_CACHE_WAIT_S):
                value = await self._cache.async_get_cache(key)
        except Exception:
            return None  # a cache that is down must not stop the call
        value = value if isinstance(value, dict) else {}
        text, reason = value.get("text"), value.get("finish_reason")
        if not isinstance(text, str) or not isinstance(reason, str) or not text:
            return None
        role, model = call.request.role, target.deployment.model
        call.sent += 1
        call.on_event(ModelChosen(role=role, model=model, attempt=call.sent))
        call.on_event(Delta(attempt=call.sent, text=text))
        if self._log is not None:
            record = {"role": role, "model": model, "provider": target.provider, "outcome": "ok", "cache": "hit", "cost_usd": 0.0}
            self._log.write({**record, "attempt": call.sent, "sample": call.request.sample}, self.redactor())
        return Completion(
            text=text,
            model=model,
            provider=target.provider,
            finish_reason=reason,
            usage=call.tally.usage,
            cost_usd=call.tally.cost_usd,
            cached=True,
        )

    async def _store(self, key: str, completion: Completion) -> None:
        """Only an answer that its model said was complete."""
        if self._cache is None or self._config.cache is None or completion.finish_reason != "stop":
            return
        value = json.dumps({"text": completion.text, "finish_reason": completion.finish_reason})
        try:
            async with asyncio.timeout(_CACHE_WAIT_S):
                await self._cache.async_set_cache(key, value, ttl=self._config.cache.ttl_s)
        except Exception:
            return


def _empty(target: _Target, outcome: Outcome) -> BadAnswer:
    if outcome.finish_reason == "length":
        return BadAnswer(f"{target.deployment.model} used up max_tokens before it wrote any text.", "Raise max_tokens.")
    return BadAnswer(f"{target.deployment.model} answered with nothing.", "Check that api_base is a model's API.")


def _worth_asking_again(error: BadAnswer) -> bool:
    """An empty answer may be an accident; a web page, a redirect or a used up limit is not."""
    return "answered with nothing" in error.message


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return "ok"
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    return error.code if isinstance(error, ModelError) else "not_streamed" if isinstance(error, NotStreamed) else "model_error"


def _short(error: ModelError) -> str:
    return error.message


def _default_address(provider: str) -> str | None:
    from ralphd.models.host.keys import provider_rules

    hosts = [host for host in provider_rules(provider).hosts if not host.startswith(".")]
    if provider in _FREE:
        return "http://127.0.0.1:11434"
    return f"https://{hosts[0]}" if hosts else None


def _all_failed(failures: list[tuple[str, ModelError]]) -> ModelError:
    """One error: alone as it is; of several models, each with its reason, of the kind that they share."""
    if len(failures) == 1:
        return failures[0][1]
    first = failures[0][1]
    kinds = {type(error) for _, error in failures}
    message = "All models failed: " + "; ".join(f"{model}: {error.message}" for model, error in failures)
    hint = next((error.hint for _, error in failures if error.hint), "")
    waits = [error.retry_after_s for _, error in failures if isinstance(error, RateLimited) and error.retry_after_s]
    if kinds == {RateLimited}:
        return RateLimited(message, hint, retry_after_s=min(waits, default=None))
    return (type(first) if len(kinds) == 1 else ModelError)(message, hint)
