"""What a call can cost at most, and what tokens cost where nobody counts better. Pure arithmetic on a model's prices."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ralphd.models.estimate import prompt_tokens
from ralphd.models.gateway import CompletionRequest, ResolvedModel, Usage

_MARGIN = 1.1
"""On the estimate of a prompt's tokens, which is an upper one already: for what a provider adds around the messages."""
_OUT_TOKENS = 8192
"""The longest answer where nobody names a limit."""


@dataclass(frozen=True)
class Worst:
    """The most that one request can use."""

    usd: float
    tokens: int


def worst_of(request: CompletionRequest, models: Iterable[ResolvedModel], ceiling: tuple[float, float]) -> Worst:
    """By the dearest model of a chain. `ceiling`: USD per token in and out of a model without a known price."""
    prompt = math.ceil(prompt_tokens(request.messages) * _MARGIN)
    usd, tokens = 0.0, 0
    for model in models:
        answer = min(request.max_tokens or 1 << 60, model.max_output_tokens or _OUT_TOKENS)
        price_in, price_out = worst_prices(model, prompt, ceiling)
        usd = max(usd, prompt * price_in + answer * price_out)
        tokens = max(tokens, prompt + answer)
    return Worst(usd, tokens)


def worst_prices(model: ResolvedModel, prompt: int, ceiling: tuple[float, float]) -> tuple[float, float]:
    """USD per token, in and out, of the dearest that can happen: every prompt token may be written to a cache, every
    token of the answer may be reasoning, and the prompt counts at the tier that it may fall into."""
    if model.input_usd_per_token is None or model.output_usd_per_token is None:
        return ceiling
    price_in = max(model.input_usd_per_token, model.cache_write_usd_per_token or 0.0)
    price_out = max(model.output_usd_per_token, model.reasoning_usd_per_token or 0.0)
    for tier in model.tiers:
        if prompt > tier.above_tokens:
            price_in = max(price_in, tier.input_usd_per_token, tier.cache_write_usd_per_token or 0.0)
            price_out = max(price_out, tier.output_usd_per_token)
    return price_in, price_out


def plain_cost(usage: Usage, price_in: float, price_out: float) -> float:
    return usage.prompt_tokens * price_in + usage.completion_tokens * price_out
