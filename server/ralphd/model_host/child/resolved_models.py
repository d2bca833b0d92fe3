"""What is known of a deployment before and after a request: provider, endpoint, key, limits, price, use."""

from __future__ import annotations

from dataclasses import dataclass

from ralphd.errors import ModelError, TimedOut
from ralphd.model_host.child.faults import NotStreamed
from ralphd.model_host.child.http_limits import Exchange
from ralphd.model_host.child.keys import Endpoint, Keyring
from ralphd.model_host.child.provider_library import Ask, Facts, Library, Outcome
from ralphd.model_host.child.providers import provider_rules
from ralphd.model_host.wire import Deployment, HostConfig
from ralphd.models.estimate import prompt_tokens, tokens_of
from ralphd.models.gateway import CompletionRequest, ModelInfo, Role, Usage
from ralphd.settings.schema import Price

DEFAULT_MAX_TOKENS = 8192
"""Sent where neither the request nor the settings name a limit: every call has a worst case."""
_FREE = frozenset({"ollama", "ollama_chat"})


@dataclass(frozen=True)
class Target:
    """A deployment with everything that is known of it."""

    deployment: Deployment
    bare: str
    provider: str
    endpoint: Endpoint
    facts: Facts
    own_price: Price | None

    @property
    def model(self) -> str:
        return self.deployment.model

    @property
    def free(self) -> bool:
        """Zero is believed only of the local model, of Ollama, and of the person's own word."""
        return self.own_price is None and (self.deployment.local or self.provider in _FREE)

    def prices(self) -> tuple[float, float] | None:
        """USD per token, in and out; None where no price is known."""
        if self.own_price is not None:
            return self.own_price.input_usd_per_mtok / 1e6, self.own_price.output_usd_per_mtok / 1e6
        if self.free:
            return 0.0, 0.0
        if self.facts.input_usd is None or self.facts.output_usd is None:
            return None
        return self.facts.input_usd, self.facts.output_usd

    def max_tokens(self, wanted: int | None) -> int:
        limit = wanted or self.deployment.max_tokens or DEFAULT_MAX_TOKENS
        return min(limit, self.facts.max_output_tokens or limit)


class Targets:
    """Resolves deployments under one configuration."""

    def __init__(self, library: Library, keyring: Keyring, config: HostConfig) -> None:
        self._library = library
        self._keyring = keyring
        self._config = config

    def of(self, deployment: Deployment) -> Target:
        """Raises `ModelError` where not even the provider can be told."""
        bare, provider = self._library.provider_of(deployment)
        names = (deployment.model, f"{provider}/{bare}", bare)
        return Target(
            deployment,
            bare,
            provider,
            self._keyring.endpoint(deployment, provider, self._config.provider_keys),
            self._library.facts(deployment),
            next((self._config.prices[name] for name in names if name in self._config.prices), None),
        )

    def ask(self, request: CompletionRequest, target: Target) -> Ask:
        temperature = request.temperature if request.temperature is not None else target.deployment.temperature
        return Ask(
            target.deployment,
            target.provider,
            target.endpoint,
            request.messages,
            temperature,
            target.max_tokens(request.max_tokens),
            min(request.stable_prefix, len(request.messages)) if self._config.prompt_caching else 0,
        )

    def info(self, role: Role, deployment: Deployment) -> ModelInfo:
        try:
            target = self.of(deployment)
        except ModelError as error:
            return ModelInfo(
                role=role,
                model=deployment.model,
                provider=deployment.provider or "",
                key_present=False,
                problem=str(error),
            )
        prices = target.prices()
        return ModelInfo(
            role=role,
            model=target.model,
            provider="local" if deployment.local else target.provider,
            local=deployment.local,
            context_window=target.facts.context_window,
            max_output_tokens=target.max_tokens(None),
            input_usd_per_token=prices[0] if prices else None,
            output_usd_per_token=prices[1] if prices else None,
            key_present=target.endpoint.problem is None,
            problem=target.endpoint.problem,
        )

    def address(self, deployment: Deployment) -> str | None:
        """Where it lives, for a look whether anything is there."""
        try:
            target = self.of(deployment)
        except ModelError:
            return None
        if target.endpoint.api_base is not None:
            return target.endpoint.api_base
        if target.provider in _FREE:
            return "http://127.0.0.1:11434"
        hosts = [host for host in provider_rules(target.provider).hosts if not host.startswith(".")]
        return f"https://{hosts[0]}" if hosts else None

    def cost(self, target: Target, outcome: Outcome, usage: Usage) -> float | None:
        """USD by the deployment that was chosen, whatever name stands in the answer; None where no price is known."""
        if target.own_price is None and not target.free:
            return self._library.cost(target.facts, target.provider, outcome, usage)
        prices = target.prices()
        if prices is None:
            return None
        return usage.prompt_tokens * prices[0] + usage.completion_tokens * prices[1]


def used(
    request: CompletionRequest, text: str, outcome: Outcome, exchange: Exchange, error: BaseException | None
) -> Usage:
    """What the provider says, or what must have been used: a broken stream is not free, a refused request is."""
    refused = exchange.status is not None and exchange.status != 200
    never_left = exchange.status is None and isinstance(error, ModelError) and not isinstance(error, TimedOut)
    if refused or never_left or isinstance(error, NotStreamed):
        return Usage(calls=1)
    said = outcome.usage
    if said is not None and outcome.finish_reason != "unknown":
        return said
    outcome.raw_usage = None  # counted for a part only
    return Usage(
        prompt_tokens=prompt_tokens(request) if said is None else said.prompt_tokens,
        completion_tokens=max(tokens_of(text), said.completion_tokens if said else 0),
        cached_tokens=said.cached_tokens if said else 0,
        calls=1,
    )
