"""A provider that counts tokens wrongly: the answer is used, and neither fills nor empties the books."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from ralphd.models.estimate import prompt_tokens
from ralphd.models.gateway import Message
from tests.support.providers import Provider, Reply
from tests.wire.conftest import config, deployment, request
from tests.wire.test_prompt_caching import anthropic_stream, gemini_stream, openai_stream

pytestmark = pytest.mark.asyncio(loop_scope="session")
GOOD = {"prompt_tokens": 40, "completion_tokens": 10, "total_tokens": 50}
DETAILS = "prompt_tokens_details"
NAN, INFINITE = float("nan"), float("inf")
OPENAI: dict[str, Any] = {
    "none": None,
    "empty": {},
    "a text": "many",
    "a number": 50,
    "a list": [GOOD],
    "a list in it": {**GOOD, "prompt_tokens": [40]},
    "an object in it": {**GOOD, "prompt_tokens": {"total": 40}},
    "true": {**GOOD, "completion_tokens": True},
    "words": {**GOOD, "prompt_tokens": "forty"},
    "numbers as texts": {"prompt_tokens": "40", "completion_tokens": "10", "total_tokens": "50"},
    "parts of a token": {**GOOD, "prompt_tokens": 40.5},
    "whole as a fraction": {"prompt_tokens": 40.0, "completion_tokens": 10.0, "total_tokens": 50.0},
    "nan": {**GOOD, "completion_tokens": NAN},
    "infinite": {**GOOD, "prompt_tokens": INFINITE},
    "negative": {"prompt_tokens": -40, "completion_tokens": -10, "total_tokens": -50},
    "a negative part": {**GOOD, "completion_tokens": -10},
    "1e12": {"prompt_tokens": 1e12, "completion_tokens": 1e12, "total_tokens": 2e12},
    "a billion": {"prompt_tokens": 10**9, "completion_tokens": 10**9, "total_tokens": 2 * 10**9},
    "beyond 64 bits": {**GOOD, "prompt_tokens": 10**30},
    "zero": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    "only a total": {"total_tokens": 50},
    "zero with a total": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 1},
    "no prompt": {"completion_tokens": 10, "total_tokens": 10},
    "no answer": {"prompt_tokens": 40, "total_tokens": 40},
    "no total": {"prompt_tokens": 40, "completion_tokens": 10},
    "null parts": {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
    "more cached than asked": {**GOOD, DETAILS: {"cached_tokens": 4000}},
    "negative cached": {**GOOD, DETAILS: {"cached_tokens": -4000}},
    "cached as text": {**GOOD, DETAILS: {"cached_tokens": "all"}},
    "details as text": {**GOOD, DETAILS: "none"},
    "details as list": {**GOOD, DETAILS: [1]},
    "1e12 written to a cache": {**GOOD, "cache_creation_input_tokens": 1e12, "cache_read_input_tokens": -1e12},
    "1e12 of reasoning": {**GOOD, "completion_tokens_details": {"reasoning_tokens": 1e12}},
    "negative reasoning": {**GOOD, "completion_tokens_details": {"reasoning_tokens": -1000}},
    "deep": {**GOOD, "x": json.loads("[" * 50 + "]" * 50)},
    "right": GOOD,
}
ORDINARY = {"words", "nan", "only a total", "more cached than asked", "1e12", "gemini, text"}
MAY_BE_DEAR = {"a billion"}
"""What could be true is believed here; the books then keep it at the worst case."""


def sample(cases: Iterable[str]) -> list[ParameterSet]:
    """A few of each kind in the ordinary tests, the others in the full ones."""
    return [pytest.param(case, marks=() if case in ORDINARY else pytest.mark.full) for case in cases]


@pytest.mark.parametrize("case", sample(OPENAI))
async def test_openai(host: HostClient, openai: Provider, case: str) -> None:
    openai.default = openai_stream(OPENAI[case])
    await costs_what_it_may(host, openai, case)


async def costs_what_it_may(host: HostClient, provider: Provider, case: str, **model: Any) -> None:
    """The text is there, after one request; what is counted and what it costs lies between what must have been and thrice."""
    asked = request("word " * 20)
    answer = await HostGateway(host, config(deployment(provider, **model), retry_attempts=1)).complete(asked)
    assert (answer.text, answer.usage.calls, len(provider.requests)) == ("text", 1, 1)
    assert answer.usage.prompt_tokens > 0 and answer.usage.completion_tokens > 0
    assert 0 <= answer.usage.cached_tokens <= answer.usage.prompt_tokens
    assert answer.cost_usd is not None and answer.cost_usd > 0
    if case not in MAY_BE_DEAR:
        most = prompt_tokens((*asked.messages, Message(role="user", content="")))
        assert answer.usage.total_tokens <= 3 * (most + 10), answer.usage
        assert answer.cost_usd < 0.01


OTHERS: dict[str, tuple[str, Reply]] = {
    "anthropic, negative": ("anthropic", anthropic_stream({"input_tokens": -5}, -5)),
    "anthropic, text": ("anthropic", anthropic_stream({"input_tokens": "many"}, 10)),
    "anthropic, cached": ("anthropic", anthropic_stream({"input_tokens": 40, "cache_read_input_tokens": -10_000}, 10)),
    "anthropic, 1e12": ("anthropic", anthropic_stream({"input_tokens": 10**12}, 10**12)),
    "anthropic, none": ("anthropic", anthropic_stream({}, 0)),
    "gemini, negative": ("gemini", gemini_stream({"promptTokenCount": -40, "candidatesTokenCount": -1})),
    "gemini, text": ("gemini", gemini_stream({"promptTokenCount": "many", "candidatesTokenCount": "few"})),
    "gemini, cached": (
        "gemini",
        gemini_stream({"promptTokenCount": 40, "candidatesTokenCount": 10, "cachedContentTokenCount": 10_000}),
    ),
    "gemini, none": ("gemini", gemini_stream({})),
}


@pytest.mark.parametrize("case", sample(OTHERS))
async def test_others(host: HostClient, servers: dict[str, Provider], case: str) -> None:
    wire, reply = OTHERS[case]
    servers[wire].reset()
    servers[wire].default = reply
    await costs_what_it_may(host, servers[wire], case)
