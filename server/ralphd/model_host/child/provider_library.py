"""Asks providers through LiteLLM: one request to one deployment. The only importer of litellm, and only in functions.

No retry, no fallback, no log and no cache policy here (see calls.py): LiteLLM's own retry loop is off. Its Router is
not used: it waits without telling anybody, goes by classes that LiteLLM picks from body texts, and cools deployments
down by rules that nobody sees.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import math
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from ralphd.errors import BadAnswer, ContentRefused, ModelError
from ralphd.model_host.child import http_limits
from ralphd.model_host.child.faults import NotStreamed, to_model_error
from ralphd.model_host.child.keys import Endpoint
from ralphd.model_host.child.providers import spelled
from ralphd.model_host.wire import CacheConfig, Deployment
from ralphd.models.gateway import Message, Usage


@dataclass(frozen=True)
class Ask:
    """One request to one deployment, everything decided."""

    deployment: Deployment
    provider: str
    endpoint: Endpoint
    messages: tuple[Message, ...]
    temperature: float | None
    max_tokens: int | None
    stable_prefix: int
    """How many leading messages a provider may cache; 0: none."""
    stream: bool = True


@dataclass(frozen=True)
class Piece:
    """What a stream brings: text; or life without text (`thinking`), which also holds off the watchdog."""

    text: str = ""
    thinking: bool = False


@dataclass
class Outcome:
    """Filled while a stream is read."""

    finish_reason: str = "unknown"
    usage: Usage | None = None
    raw_usage: Any = None
    answered_as: str = ""
    """The model's name in the answer: logged, never priced by."""


@dataclass(frozen=True)
class Facts:
    """What LiteLLM's map knows of a deployment. Prices only of a literal entry with positive ones."""

    context_window: int | None = None
    max_output_tokens: int | None = None
    input_usd: float | None = None
    output_usd: float | None = None
    entry: str | None = None
    explicit_caching: bool = False


class Cache(Protocol):
    """The part of LiteLLM's caches that is used."""

    async def async_get_cache(self, key: str) -> Any: ...

    async def async_set_cache(self, key: str, value: Any, **kwargs: Any) -> Any: ...


class Library:
    """LiteLLM, loaded and tamed."""

    def __init__(self, litellm: ModuleType) -> None:
        self._litellm: Any = litellm

    def provider_of(self, deployment: Deployment) -> tuple[str, str]:
        """(bare model, provider) as LiteLLM finds them; an unknown name at an own address speaks OpenAI's format."""
        given = spelled(deployment.provider) if deployment.provider else None
        try:
            model, provider, _, _ = self._litellm.get_llm_provider(
                model=deployment.model.removeprefix(f"{given}/") if given else deployment.model,
                custom_llm_provider=given,
                api_base=deployment.api_base,
                api_key="none",
            )
        except Exception:
            if deployment.api_base is None:
                raise ModelError(
                    f"No provider is known for the model {deployment.model!r}.",
                    "Write it as provider/model, for instance openai/gpt-4.1, or give it an api_base.",
                ) from None
            return deployment.model, "openai"
        # Ollama's chat endpoint applies the model's own template; "ollama" alone is its older completion endpoint.
        return str(model), "ollama_chat" if provider == "ollama" else str(provider)

    def facts(self, deployment: Deployment) -> Facts:
        """Only a literal entry is believed: LiteLLM's lookups guess, and give 0 for some names they do not know."""
        bare, provider = self.provider_of(deployment)
        costs: Mapping[str, Mapping[str, Any]] = self._litellm.model_cost
        for name in (deployment.model, f"{provider}/{bare}", bare):
            entry = costs.get(name)
            if entry is None or (name == bare and not _same_family(str(entry.get("litellm_provider", "")), provider)):
                continue
            prices = entry.get("input_cost_per_token"), entry.get("output_cost_per_token")
            known = all(isinstance(p, int | float) and math.isfinite(p) and p > 0 for p in prices)
            return Facts(
                _count(entry.get("max_input_tokens")),
                _count(entry.get("max_output_tokens") or entry.get("max_tokens")),
                float(prices[0]) if known and prices[0] is not None else None,
                float(prices[1]) if known and prices[1] is not None else None,
                name if known else None,
                provider in ("anthropic", "bedrock") and "cache_creation_input_token_cost" in entry,
            )
        return Facts()

    def cost(self, facts: Facts, provider: str, outcome: Outcome, usage: Usage) -> float | None:
        """USD by the deployment that was chosen, cached tokens at their own price; None where no price is known."""
        if facts.entry is None or facts.input_usd is None or facts.output_usd is None:
            return None
        plain = usage.prompt_tokens * facts.input_usd + usage.completion_tokens * facts.output_usd
        if outcome.raw_usage is None:
            return plain
        try:
            parts = self._litellm.cost_per_token(
                model=facts.entry, usage_object=outcome.raw_usage, custom_llm_provider=provider
            )
            total = float(sum(parts))
        except Exception:
            return plain
        return total if math.isfinite(total) and total > 0 else plain

    async def stream(self, ask: Ask, outcome: Outcome) -> AsyncGenerator[Piece, None]:
        """The pieces of one answer. Raises `ModelError`; `outcome` is filled as far as the stream came."""
        exchange = http_limits.current.get()
        assert exchange is not None
        response: Any = None
        try:
            response = await self._litellm.acompletion(**self._parameters(ask))
            if not ask.stream:
                for piece in _whole(response, outcome):
                    yield piece
                return
            heard = False
            async for chunk in response:
                for piece in _pieces(chunk, outcome):
                    heard = True
                    yield piece
            if exchange.finish_seen is False:
                outcome.finish_reason = "unknown"  # LiteLLM invents a "stop" here
            if exchange.content_type == "application/json" and not heard:
                raise NotStreamed
        except (ModelError, NotStreamed):
            raise
        except Exception as error:
            raise to_model_error(error, exchange, ask.deployment) from error
        finally:
            if ask.stream and response is not None:
                with contextlib.suppress(Exception):
                    await response.aclose()

    def _parameters(self, ask: Ask) -> dict[str, Any]:
        deployment, endpoint = ask.deployment, ask.endpoint
        bare, _ = self.provider_of(deployment)
        parameters: dict[str, Any] = {
            "model": bare,
            "custom_llm_provider": ask.provider,
            "messages": [message.model_dump() for message in ask.messages],
            "stream": ask.stream,
            "timeout": deployment.timeout_s,
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": True,
            "no-log": True,
            "caching": False,
            **endpoint.extra,
        }
        if endpoint.key:
            parameters["api_key"] = endpoint.key
        if ask.stream:
            parameters["stream_options"] = {"include_usage": True}
        optional = {
            "temperature": ask.temperature,
            "max_tokens": ask.max_tokens,
            "api_base": endpoint.api_base,
            "api_version": endpoint.api_version,
            "extra_headers": dict(endpoint.headers) or None,
        }
        parameters.update({name: value for name, value in optional.items() if value is not None})
        if ask.stable_prefix and self.facts(deployment).explicit_caching:
            parameters["cache_control_injection_points"] = [{"location": "message", "index": ask.stable_prefix - 1}]
        return parameters


_LATE = (
    "anyio._backends._asyncio",
    "openai.resources",
    "openai.resources.chat",
    "litellm.llms.openai.openai",
    "litellm.llms.anthropic.chat.handler",
)


def load() -> Library:
    """Import LiteLLM (seconds) with everything off that reaches out, prints or redirects on its own account."""
    import httpx
    import litellm
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler, HTTPHandler

    module: Any = litellm
    module.suppress_debug_info = True
    module.telemetry = False
    module.drop_params = True
    module.disable_hf_tokenizer_download = True
    module.disable_streaming_logging = True
    module.turn_off_message_logging = True
    module.callbacks, module.success_callback, module.failure_callback = [], [], []
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    inner: Callable[..., Any] = AsyncHTTPHandler.create_async_transport

    def guarded(*args: Any, **kwargs: Any) -> http_limits.GuardedTransport:
        return http_limits.GuardedTransport(inner(*args, **kwargs) or httpx.AsyncHTTPTransport())

    # Every client that LiteLLM makes, for OpenAI's SDK and for its own handlers, takes its transport here.
    handler: Any = AsyncHTTPHandler
    handler.create_async_transport = staticmethod(guarded)
    # LiteLLM asks Ollama's /api/show of its own accord, for a price that is known to be zero.
    module.module_level_client = HTTPHandler(client=httpx.Client(transport=http_limits.Closed()))
    # What the first call would import, half a second of it; better here than under a person's first click.
    for name in _LATE:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    with contextlib.suppress(Exception):
        module.token_counter(model="gpt-4o", text="warm")
    return Library(litellm)


def open_cache(config: CacheConfig, url: str | None) -> Cache:
    """LiteLLM's own caches, used by key and value. `url` of a Redis; it may hold a password."""
    if config.type == "redis":
        from litellm.caching.redis_cache import RedisCache

        redis: Any = RedisCache(url=url) if url else RedisCache()
        return redis  # type: ignore[no-any-return]
    from litellm.caching.disk_cache import DiskCache

    disk: Any = DiskCache(disk_cache_dir=config.dir)
    return disk  # type: ignore[no-any-return]


def _same_family(listed: str, provider: str) -> bool:
    return listed == provider or listed.startswith((f"{provider}-", f"{provider}_"))


def _count(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and value > 0 else None


def _pieces(chunk: Any, outcome: Outcome) -> list[Piece]:
    _note(chunk, outcome)
    pieces = []
    for choice in getattr(chunk, "choices", None) or ():
        if getattr(choice, "index", 0) not in (0, None):
            continue
        delta = getattr(choice, "delta", None)
        text = getattr(delta, "content", None)
        if isinstance(text, str) and text:
            pieces.append(Piece(text))
        elif getattr(delta, "reasoning_content", None):
            pieces.append(Piece(thinking=True))
        if getattr(choice, "finish_reason", None):
            _finish(str(choice.finish_reason), outcome)
    return pieces


def _whole(response: Any, outcome: Outcome) -> list[Piece]:
    _note(response, outcome)
    choices = getattr(response, "choices", None) or ()
    if not choices:
        raise BadAnswer("The provider's answer holds no choice.")
    if choices[0].finish_reason:
        _finish(str(choices[0].finish_reason), outcome)
    text = choices[0].message.content
    return [Piece(text)] if isinstance(text, str) and text else []


def _finish(reason: str, outcome: Outcome) -> None:
    outcome.finish_reason = reason
    if reason in ("content_filter", "refusal", "safety"):
        raise ContentRefused(
            "The provider's content filter ended the answer.", "Rephrase the task, or use another model."
        )


def _note(chunk: Any, outcome: Outcome) -> None:
    outcome.answered_as = str(getattr(chunk, "model", "") or outcome.answered_as)
    usage = getattr(chunk, "usage", None)
    if usage is None or not getattr(usage, "total_tokens", 0):
        return
    details = getattr(usage, "prompt_tokens_details", None)
    outcome.raw_usage = usage
    outcome.usage = Usage(
        prompt_tokens=int(usage.prompt_tokens or 0),
        completion_tokens=int(usage.completion_tokens or 0),
        cached_tokens=int(getattr(details, "cached_tokens", 0) or 0),
        calls=1,
    )
