"""Servers that speak OpenAI's format with fields, comments and errors of their own: the text, what it used, its errors."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ralphd.errors import (
    AuthenticationFailed,
    ContextTooLong,
    ModelError,
    OutOfCredit,
    RateLimited,
    Unreachable,
)
from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from tests.support.providers import Provider, Reply, Wire
from tests.support.providers.openai_compatible import LmStudio, OpenRouter
from tests.wire.conftest import config, deployment, request

pytestmark = pytest.mark.asyncio(loop_scope="session")
THOUGHT = Reply(thoughts="let me see", prompt_tokens=120, completion_tokens=30, reasoning_tokens=20, cached_tokens=100)


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
async def test_text_without_thoughts_and_what_it_used(host: HostClient, compatible: Provider, streamed: bool) -> None:
    compatible.default = THOUGHT if streamed else Reply(**{**THOUGHT.__dict__, "ignore_stream": True})
    answer = await HostGateway(host, config(deployment(compatible), retry_attempts=1)).complete(request())
    assert (answer.text, answer.finish_reason) == ("Hello, world", "stop")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (120, 30), answer
    if compatible.wire in ("deepseek", "openrouter"):
        assert answer.usage.cached_tokens == 100
    assert len(compatible.requests) == 1


@dataclass(frozen=True)
class Error:
    wire: Wire
    reply: Reply
    kind: type[ModelError]
    words: str


ERRORS = [
    Error("mistral", Reply(status=401, error="Unauthorized"), AuthenticationFailed, "Unauthorized"),
    Error("mistral", Reply(status=429, error="Requests rate limit exceeded"), RateLimited, "Requests rate limit exceeded"),
    Error("mistral", Reply(status=400, error="Prompt contains 40000 tokens, too large for model with 32768 maximum context length"), ContextTooLong, "40000 tokens"),
    Error("deepseek", Reply(status=402, error="Insufficient Balance"), OutOfCredit, "Insufficient Balance"),
    Error("deepseek", Reply(status=401, error="Authentication Fails, Your api key: ****cdef is invalid"), AuthenticationFailed, "Authentication Fails"),
    Error("deepseek", Reply(finish="insufficient_system_resource"), Unreachable, "insufficient_system_resource"),
    Error("openrouter", Reply(status=402, error="This request requires more credits, or fewer max_tokens."), OutOfCredit, "requires more credits"),
    Error("openrouter", Reply(status=429, error="Provider returned error", error_fields={"metadata": {"raw": "qwen3-coder is temporarily rate-limited upstream", "provider_name": "B"}}), RateLimited, "rate-limited upstream"),
    Error("openrouter", Reply(status=404, error="No endpoints found for qwen/nothing."), ModelError, "No endpoints found"),
    Error("openrouter", Reply(extra_events=(OpenRouter().broke('{"error":{"message":"the backend is on fire"}}'),)), Unreachable, "the backend is on fire"),
    Error("openrouter", Reply(extra_events=(OpenRouter().broke("slow down", 429),)), RateLimited, "slow down"),
    Error("vllm", Reply(status=404, error="The model `x` does not exist."), ModelError, "does not exist"),
    Error("vllm", Reply(status=401), AuthenticationFailed, "Unauthorized"),
    Error("vllm", Reply(status=400, error="This model's maximum context length is 4096 tokens. However, you requested 5000 tokens in the messages, Please reduce the length of the messages."), ContextTooLong, "4096"),
    Error("llama_cpp", Reply(status=503, error="Loading model"), Unreachable, "Loading model"),
    Error("llama_cpp", Reply(status=401, error="Invalid API Key"), AuthenticationFailed, "Invalid API Key"),
    Error("llama_cpp", Reply(status=400, error="the request exceeds the available context size, try increasing it", error_fields={"type": "exceed_context_size_error", "n_prompt_tokens": 9000, "n_ctx": 4096}), ContextTooLong, "available context size"),
    Error("llama_cpp", Reply(extra_events=(b'error: {"code":500,"message":"context shift is disabled","type":"server_error"}\n\n',), fault=None, finish=None), ModelError, "context shift is disabled"),
    Error("llama_cpp", Reply(extra_events=(b'data: {"error":{"code":500,"message":"context shift is disabled","type":"server_error"}}\n\n',), finish=None), Unreachable, "context shift is disabled"),
    Error("lm_studio", Reply(status=400, error="The number of tokens to keep from the initial prompt is greater than the context length. Try to load the model with a larger context length, or provide a shorter input"), ContextTooLong, "tokens to keep"),
    Error("lm_studio", Reply(status=404, error='Model "x" not found. Please load it first.'), ModelError, "not found"),
    Error("lm_studio", Reply(extra_events=(LmStudio().broke("The model has crashed without additional information."),), finish=None), Unreachable, "The model has crashed"),
    Error("lm_studio", Reply(raw=b'{"error":"Unexpected endpoint or method. (POST /chat/completions). Returning 200 anyway"}', content_type="application/json"), ModelError, "is not known at its provider (404)"),
]  # fmt: skip


@pytest.mark.parametrize("case", ERRORS, ids=[f"{case.wire}: {case.words}" for case in ERRORS])
async def test_its_own_error(host: HostClient, servers: dict[Wire, Provider], case: Error) -> None:
    server = servers[case.wire]
    server.reset()
    server.default = case.reply
    with pytest.raises(ModelError) as caught:
        await HostGateway(host, config(deployment(server, max_tokens=64), retry_attempts=1)).complete(request())
    assert isinstance(caught.value, case.kind) and case.words in caught.value.message, repr(caught.value)
    for foreign in ("litellm", "async for", "Traceback", "Exception"):
        assert foreign not in str(caught.value)
    assert len(server.requests) == 1
