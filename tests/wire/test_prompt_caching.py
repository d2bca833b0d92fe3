"""What a call costs where the provider caches prompts: equal to a count by hand, to a millionth of a cent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from tests.support.providers import Provider, Reply
from tests.wire.conftest import config, deployment, request

pytestmark = pytest.mark.asyncio(loop_scope="session")
M = 1e-6


def openai_stream(usage: dict[str, Any]) -> Reply:
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    events = [
        {**chunk, "choices": [{"index": 0, "delta": {"content": "text"}, "finish_reason": None}]},
        {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {**chunk, "choices": [], "usage": usage},
    ]
    raw = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"
    return Reply(raw=raw, content_type="text/event-stream")


def anthropic_stream(usage: dict[str, Any], out: int) -> Reply:
    events = [
        ("message_start", {"message": {"id": "m", "type": "message", "role": "assistant", "content": [], "model": "m",
                                       "stop_reason": None, "usage": {**usage, "output_tokens": 1}}}),
        ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "text"}}),
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": out}}),
        ("message_stop", {}),
    ]  # fmt: skip
    raw = b"".join(f"event: {kind}\ndata: {json.dumps({'type': kind, **value})}\n\n".encode() for kind, value in events)
    return Reply(raw=raw, content_type="text/event-stream")


def gemini_stream(usage: dict[str, Any]) -> Reply:
    event = {
        "candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": "text"}]}, "finishReason": "STOP"}],
        "usageMetadata": usage,
    }
    return Reply(raw=b"data: " + json.dumps(event).encode() + b"\n\n", content_type="text/event-stream")


CASES = [
    # 10,000 read from the cache, 2,000 written to it, 500 neither: 0.30, 3.75 and 3.00 dollars for a million
    ("anthropic", "anthropic/claude-sonnet-4-5",
     anthropic_stream({"input_tokens": 500, "cache_read_input_tokens": 10_000, "cache_creation_input_tokens": 2_000}, 100),
     500 * 3 * M + 10_000 * 0.3 * M + 2_000 * 3.75 * M + 100 * 15 * M),
    ("openai", "openai/gpt-4.1-mini",
     openai_stream({"prompt_tokens": 12_500, "completion_tokens": 100, "total_tokens": 12_600,
                    "prompt_tokens_details": {"cached_tokens": 10_000}}),
     2_500 * 0.4 * M + 10_000 * 0.1 * M + 100 * 1.6 * M),
    ("gemini", "gemini/gemini-2.5-pro",
     gemini_stream({"promptTokenCount": 12_500, "candidatesTokenCount": 60, "thoughtsTokenCount": 40,
                    "totalTokenCount": 12_600, "cachedContentTokenCount": 10_000}),
     2_500 * 1.25 * M + 10_000 * 0.125 * M + 100 * 10 * M),
    # above 200,000 tokens of prompt every token is dearer
    ("gemini", "gemini/gemini-2.5-pro",
     gemini_stream({"promptTokenCount": 250_000, "candidatesTokenCount": 100, "totalTokenCount": 250_100}),
     250_000 * 2.5 * M + 100 * 15 * M),
    ("openai", "deepseek/deepseek-chat",
     openai_stream({"prompt_tokens": 12_500, "completion_tokens": 100, "total_tokens": 12_600,
                    "prompt_cache_hit_tokens": 10_000, "prompt_cache_miss_tokens": 2_500}),
     2_500 * 0.28 * M + 10_000 * 0.028 * M + 100 * 0.42 * M),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=["anthropic", "openai", "gemini", "gemini, long", "deepseek"])
async def test_cost_by_hand(
    host: HostClient, servers: dict[str, Provider], case: tuple[str, str, Reply, float]
) -> None:
    wire, name, reply, dollars = case
    servers[wire].reset()
    servers[wire].default = reply
    answer = await HostGateway(host, config(deployment(servers[wire], model=name))).complete(request())
    assert answer.text == "text"
    assert answer.cost_usd == pytest.approx(dollars, abs=1e-8)
