"""Asks providers through LiteLLM: one request to one model. The only importer of litellm, and only in functions.

No retry, no fallback, no log and no cache policy here (see calls.py): LiteLLM's own retry loop is off. Its Router is
not used: it waits without telling anybody, goes by classes that LiteLLM picks from body texts, and cools deployments
down by rules that nobody sees.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import math
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ralphd.errors import ModelError
from ralphd.model_host.child import http_limits
from ralphd.model_host.child.answers import AnswerDetails, AnswerReader, StreamPart
from ralphd.model_host.child.error_bodies import is_error
from ralphd.model_host.child.faults import NotStreamed, to_model_error
from ralphd.model_host.child.keys import Endpoint
from ralphd.model_host.child.providers import spelled
from ralphd.model_host.child.token_counts import count
from ralphd.model_host.wire import ConfiguredModel
from ralphd.models.gateway import Message, PriceTier, ResolvedModel, Usage


@dataclass(frozen=True)
class ProviderRequest:
    """One request to one model, everything decided."""

    configured: ConfiguredModel
    resolved: ResolvedModel
    endpoint: Endpoint
    messages: tuple[Message, ...]
    temperature: float | None
    max_tokens: int
    stable_prefix: int
    """How many leading messages a provider may cache; 0: none."""
    stream: bool = True
    left_out: frozenset[str] = frozenset()
    """Parameters and fields of `extra_body` that are not sent."""
    renamed: bool = False
    """`max_tokens` is sent as `max_completion_tokens`."""

    def fields(self) -> Mapping[str, Any]:
        """What goes into the request's body beside what the library puts there."""
        renamed = {"max_completion_tokens": self.max_tokens} if self.renamed else {}
        return {**self.configured.extra_body, **renamed}

    def left(self) -> frozenset[str]:
        """What does not go into the request's body."""
        return self.left_out | {"max_tokens"} if self.renamed else self.left_out


class Library:
    """LiteLLM, loaded and tamed."""

    def __init__(self, litellm: ModuleType) -> None:
        self._litellm: Any = litellm

    def provider_of(self, configured: ConfiguredModel) -> tuple[str, str]:
        """(bare model, provider) as LiteLLM finds them; an unknown name at an own address speaks OpenAI's format."""
        given = spelled(configured.provider) if configured.provider else None
        try:
            model, provider, _, _ = self._litellm.get_llm_provider(
                model=configured.model.removeprefix(f"{given}/") if given else configured.model,
                custom_llm_provider=given,
                api_base=configured.api_base,
                api_key="none",
            )
        except Exception:
            if configured.api_base is None:
                raise ModelError(
                    f"No provider is known for the model {configured.model!r}.",
                    "Write it as provider/model, for instance openai/gpt-4.1, or give it an api_base.",
                ) from None
            return configured.model, "openai"
        # Ollama's chat endpoint applies the model's own template; "ollama" alone is its older completion endpoint.
        return str(model), "ollama_chat" if provider == "ollama" else str(provider)

    def known(self, model: str, provider: str, bare: str) -> ResolvedModel:
        """What LiteLLM's table says of a model: limits, and prices where both are positive.

        Only a literal entry is believed: LiteLLM's lookups guess, and give 0 for some names they do not know.
        """
        table: Mapping[str, Mapping[str, Any]] = self._litellm.model_cost
        for name in (model, f"{provider}/{bare}", bare):
            entry = table.get(name)
            if entry is None or (name == bare and not _same_family(str(entry.get("litellm_provider", "")), provider)):
                continue
            price_in, price_out = _price(entry, "input_cost_per_token"), _price(entry, "output_cost_per_token")
            priced = price_in is not None and price_out is not None
            return ResolvedModel(
                model=model,
                provider=provider,
                context_window=count(entry.get("max_input_tokens")) or None,
                max_output_tokens=count(entry.get("max_output_tokens") or entry.get("max_tokens")) or None,
                input_usd_per_token=price_in if priced else None,
                output_usd_per_token=price_out if priced else None,
                cache_write_usd_per_token=_price(entry, "cache_creation_input_token_cost"),
                reasoning_usd_per_token=_price(entry, "output_cost_per_reasoning_token"),
                tiers=_tiers(entry) if priced else (),
                price_entry=name if priced else None,
                marks_cached_prefix=provider in ("anthropic", "bedrock") and "cache_creation_input_token_cost" in entry,
            )
        return ResolvedModel(model=model, provider=provider)

    def cost(self, resolved: ResolvedModel, details: AnswerDetails, usage: Usage) -> float | None:
        """USD by the model that was chosen, whatever name stands in the answer, cached tokens at their own price; None
        where no price is known."""
        if resolved.input_usd_per_token is None or resolved.output_usd_per_token is None:
            return None
        plain = (
            usage.prompt_tokens * resolved.input_usd_per_token + usage.completion_tokens * resolved.output_usd_per_token
        )
        if resolved.price_entry is None or details.raw_usage is None:
            return plain
        try:
            parts = self._litellm.cost_per_token(
                model=resolved.price_entry, usage_object=details.raw_usage, custom_llm_provider=resolved.provider
            )
            total = float(sum(parts))
        except Exception:
            return plain
        return total if math.isfinite(total) and total > 0 else plain

    async def stream(self, request: ProviderRequest, details: AnswerDetails) -> AsyncGenerator[StreamPart, None]:
        """The parts of one answer. Raises `ModelError`; `details` are filled as far as the answer came."""
        exchange = http_limits.current.get()
        assert exchange is not None
        exchange.stream_asked = request.stream
        if request.resolved.provider not in _SIGNED:
            exchange.extra_body, exchange.left_out = request.fields(), request.left()
        response: Any = None
        reader = AnswerReader(details)
        try:
            response = await self._litellm.acompletion(**self._parameters(request))
            if not request.stream:
                for part in reader.whole(response):
                    yield part
                reader.ended(exchange.answer)
                return
            heard = False
            async for chunk in response:
                for part in reader.chunk(chunk):
                    heard = True
                    yield part
            for part in reader.rest():
                yield part
            reader.ended(exchange.answer)
            if exchange.content_type == "application/json" and not heard:
                raise NotStreamed
        except (ModelError, NotStreamed) as error:
            if exchange.status == 200 and not _is_no_error(exchange):
                raise to_model_error(error, exchange, request.configured) from None
            raise
        except Exception as error:
            if request.stream and exchange.content_type == "application/json" and _is_no_error(exchange):
                raise NotStreamed from error  # the library could not read a stream in it
            raise to_model_error(error, exchange, request.configured) from error
        finally:
            if request.stream and response is not None:
                with contextlib.suppress(Exception):
                    await response.aclose()

    def _parameters(self, request: ProviderRequest) -> dict[str, Any]:
        resolved, endpoint = request.resolved, request.endpoint
        parameters: dict[str, Any] = {
            "model": resolved.sent_as,
            "custom_llm_provider": "openai" if resolved.local else resolved.provider,
            "messages": [message.model_dump() for message in request.messages],
            "stream": request.stream,
            "timeout": request.configured.timeout_s,
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": True,
            "no-log": True,
            "caching": False,
            **endpoint.extra,
        }
        if endpoint.key:
            parameters["api_key"] = endpoint.key
        if request.stream:
            parameters["stream_options"] = {"include_usage": True}
        optional = {
            "temperature": request.temperature,
            "max_tokens": request.max_tokens,
            "api_base": endpoint.api_base,
            "api_version": endpoint.api_version,
            "extra_headers": dict(endpoint.headers) or None,
        }
        parameters.update({name: value for name, value in optional.items() if value is not None})
        parameters = {name: value for name, value in parameters.items() if name not in request.left_out}
        if request.stable_prefix and resolved.marks_cached_prefix:
            parameters["cache_control_injection_points"] = [{"location": "message", "index": request.stable_prefix - 1}]
        return parameters


_SIGNED = ("bedrock", "sagemaker")
"""AWS signs the body before it is sent: nothing may be changed in it."""
_LATE = (
    "anyio._backends._asyncio",
    "openai.resources",
    "openai.resources.chat",
    "litellm.llms.openai.openai",
    "litellm.llms.anthropic.chat.handler",
)
"""Modules that the first call would import, half a second of it: better now than under a person's first click."""


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
    for name in _LATE:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    with contextlib.suppress(Exception):
        module.token_counter(model="gpt-4o", text="warm")
    return Library(litellm)


def _is_no_error(exchange: http_limits.Exchange) -> bool:
    return exchange.status == 200 and exchange.fault is None and not is_error(exchange.body)


def _same_family(listed: str, provider: str) -> bool:
    return listed == provider or listed.startswith((f"{provider}-", f"{provider}_"))


_ABOVE = re.compile(r"^input_cost_per_token_above_(\d{1,6})k_tokens$")


def _tiers(entry: Mapping[str, Any]) -> tuple[PriceTier, ...]:
    """Prices of long prompts, in both ways that LiteLLM's table writes them."""
    tiers = []
    for name in entry:
        match = _ABOVE.match(name)
        if match is None:
            continue
        suffix = f"_above_{match[1]}k_tokens"
        price_in, price_out = _price(entry, name), _price(entry, f"output_cost_per_token{suffix}")
        tiers.append(
            PriceTier(
                above_tokens=int(match[1]) * 1000,
                input_usd_per_token=price_in or 0.0,
                output_usd_per_token=price_out or 0.0,
                cache_write_usd_per_token=_price(entry, f"cache_creation_input_token_cost{suffix}"),
            )
        )
    for step in entry.get("tiered_pricing") or ():
        low = count(next(iter(step.get("range") or ()), 0))
        price_out = max(
            _price(step, "output_cost_per_token") or 0.0, _price(step, "output_cost_per_reasoning_token") or 0.0
        )
        tiers.append(
            PriceTier(
                above_tokens=low or 0,
                input_usd_per_token=_price(step, "input_cost_per_token") or 0.0,
                output_usd_per_token=price_out,
            )
        )
    return tuple(tiers)


def _price(entry: Mapping[str, Any], name: str) -> float | None:
    value = entry.get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) and value > 0 else None
