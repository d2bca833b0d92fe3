"""From a model as configured to the model as it would be asked: provider, endpoint, key, limits and price.

`ConfiguredModel` (wire.py) is what the settings say; `ResolvedModel` (models/gateway.py) is what is known of it, without
anything secret; `Endpoint` (keys.py) is where its requests go and with which key; `ProviderRequest` is one request.
"""

from __future__ import annotations

from ralphd.core.addresses import address_problem
from ralphd.errors import ModelError
from ralphd.model_host.child.keys import Endpoint, Keyring
from ralphd.model_host.child.provider_library import Library, ProviderRequest
from ralphd.model_host.child.providers import QUIRKS, provider_rules
from ralphd.model_host.child.room import fitting
from ralphd.model_host.wire import CallConfig, ConfiguredModel
from ralphd.models.estimate import prompt_tokens
from ralphd.models.gateway import CompletionRequest, ResolvedModel

DEFAULT_MAX_TOKENS = 8192
"""Sent where neither the request nor the settings name a limit: every call has a worst case."""
_FREE = frozenset({"ollama", "ollama_chat"})
"""Providers that run on the person's own machines: a price of zero is right for them."""
_OLLAMA = "http://127.0.0.1:11434"


class ModelResolver:
    """Resolves the models of one configuration."""

    def __init__(self, library: Library, keyring: Keyring, config: CallConfig) -> None:
        self._library = library
        self._keyring = keyring
        self._config = config

    def resolve(self, configured: ConfiguredModel) -> tuple[ResolvedModel, Endpoint]:
        """Raises `ModelError` where not even its provider or its address can be told."""
        if configured.api_base is not None and (problem := address_problem(configured.api_base)) is not None:
            raise ModelError(f"{configured.model}: {problem}", "Correct api_base.")
        bare, provider = self._library.provider_of(configured)
        endpoint = self._keyring.endpoint(configured, provider, self._config.provider_keys)
        known = self._library.known(configured.model, provider, bare)
        free = configured.local or provider in _FREE
        own = next(
            (
                self._config.prices[name]
                for name in (configured.model, f"{provider}/{bare}", bare)
                if name in self._config.prices
            ),
            None,
        )
        # Zero is believed only of the local model, of Ollama, and of the person's own word.
        price_in, price_out = (
            (own.input_usd_per_mtok / 1e6, own.output_usd_per_mtok / 1e6)
            if own is not None
            else (0.0, 0.0)
            if free
            else (known.input_usd_per_token, known.output_usd_per_token)
        )
        return known.model_copy(
            update={
                "model": configured.model,
                "provider": "local" if configured.local else provider,
                "sent_as": bare,
                "local": configured.local,
                "address": endpoint.api_base or (None if configured.local else _own_address(provider)),
                "context_window": configured.context_window or known.context_window,
                "max_output_tokens": _limit(configured.max_tokens, known),
                "input_usd_per_token": price_in,
                "output_usd_per_token": price_out,
                "cache_write_usd_per_token": None if own is not None or free else known.cache_write_usd_per_token,
                "reasoning_usd_per_token": None if own is not None or free else known.reasoning_usd_per_token,
                "tiers": () if own is not None or free else known.tiers,
                "price_entry": None if own is not None or free else known.price_entry,
                "quirks": "" if configured.local else QUIRKS.get(provider, ""),
                "key_present": endpoint.problem is None,
                "key_from": endpoint.source,
                "problem": configured.problem or endpoint.problem,
            }
        ), endpoint

    def describe(self, configured: ConfiguredModel) -> ResolvedModel:
        """As `resolve`, with what is wrong as the `problem`."""
        try:
            return self.resolve(configured)[0]
        except ModelError as error:
            return ResolvedModel(
                model=configured.model, provider=configured.provider or "", key_present=False, problem=str(error)
            )

    def request(
        self, asked: CompletionRequest, configured: ConfiguredModel, resolved: ResolvedModel, endpoint: Endpoint
    ) -> ProviderRequest:
        """The request that answers `asked`, everything decided."""
        temperature = asked.temperature if asked.temperature is not None else configured.temperature
        limit = min(asked.max_tokens or 1 << 60, resolved.max_output_tokens or DEFAULT_MAX_TOKENS)
        return ProviderRequest(
            configured,
            resolved,
            endpoint,
            asked.messages,
            None if "temperature" in configured.drop_params else temperature,
            fitting(limit, resolved.context_window, prompt_tokens(asked.messages)),
            min(asked.stable_prefix, len(asked.messages)) if self._config.prompt_caching else 0,
            left_out=frozenset(configured.drop_params),
        )


def _limit(wanted: int | None, known: ResolvedModel) -> int:
    limit = wanted or DEFAULT_MAX_TOKENS
    return min(limit, known.max_output_tokens or limit)


def _own_address(provider: str) -> str | None:
    """Where the provider itself lives; None where that depends on a region or an account."""
    if provider in _FREE:
        return _OLLAMA
    hosts = [host for host in provider_rules(provider).hosts if not host.startswith(".")]
    return f"https://{hosts[0]}" if hosts else None
