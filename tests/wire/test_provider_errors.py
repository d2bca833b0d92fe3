"""Each provider's own errors: the sentence a person reads is the provider's, and what is done fits it."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import Any

import pytest

from ralphd.errors import (
    AuthenticationFailed,
    ContentRefused,
    ContextTooLong,
    ModelError,
    OutOfCredit,
    RateLimited,
    Unreachable,
)
from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from tests.support.providers import Provider, Reply
from tests.wire.conftest import config, deployment, request

pytestmark = pytest.mark.asyncio(loop_scope="session")
Case = tuple[str, int, Any, type[ModelError], str]

CASES: list[Case] = [
    ("openai quota", 429, {"error": {"message": "You exceeded your current quota, please check your plan and billing details.", "type": "insufficient_quota", "code": "insufficient_quota"}}, OutOfCredit, "exceeded your current quota"),
    ("anthropic credit", 400, {"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low to access the Anthropic API."}}, OutOfCredit, "credit balance is too low"),
    ("deepseek balance", 402, {"error": {"message": "Insufficient Balance", "type": "unknown_error", "code": "invalid_request_error"}}, OutOfCredit, "Insufficient Balance"),
    ("openrouter credits", 402, {"error": {"message": "This request requires more credits, or fewer max_tokens.", "code": 402}}, OutOfCredit, "requires more credits"),
    ("xai credits", 403, {"code": "The caller does not have permission", "error": "Your team has used all available credits."}, OutOfCredit, "used all available credits"),
    ("mistral key", 401, {"detail": "Unauthorized", "message": "Invalid model key"}, AuthenticationFailed, "Invalid model key"),
    ("mistral 422", 422, {"object": "error", "message": {"detail": [{"type": "missing", "loc": ["body", "messages", 0], "msg": "Field required"}]}, "type": "invalid_request_error"}, ModelError, "Field required (body.messages.0)"),
    ("openrouter moderation", 403, {"error": {"code": 403, "message": "Input was flagged by moderation", "metadata": {"reasons": ["violence"], "provider_name": "OpenAI"}}}, ContentRefused, "was flagged"),
    ("openrouter provider", 502, {"error": {"code": 502, "message": "Provider returned error", "metadata": {"raw": "{\"error\": {\"message\": \"the backend is on fire\"}}", "provider_name": "X"}}}, Unreachable, "the backend is on fire"),
    ("vllm window", 400, {"object": "error", "message": "This model's maximum context length is 4096 tokens. However, your prompt contains 5000 input tokens.", "type": "BadRequestError", "code": 400}, ContextTooLong, "4096"),
    ("vllm model", 404, {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404}, ModelError, "does not exist"),
    ("llama.cpp loading", 503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, Unreachable, "Loading model"),
    ("llama.cpp window", 400, {"error": {"code": 400, "message": "the request exceeds the available context size", "type": "exceed_context_size_error", "n_prompt_tokens": 9000, "n_ctx": 4096}}, ContextTooLong, "available context size"),
    ("lm studio", 404, {"error": {"message": "No models loaded. Please load a model in the developer page.", "type": "invalid_request_error"}}, ModelError, "No models loaded"),
    ("gemini key", 400, {"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}}, ModelError, "API key not valid"),
    ("plain text", 500, "upstream connect error or disconnect", Unreachable, "upstream connect error"),
    ("nothing", 500, "", Unreachable, "(500)"),
    ("a page", 502, "<html><title>502</title></html>", Unreachable, "(502)"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
async def test_its_own_sentence(host: HostClient, openai: Provider, case: Case) -> None:
    _, status, body, kind, words = case
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    kind_of = "application/json" if not isinstance(body, str) else "text/html" if "<" in body else "text/plain"
    openai.default = Reply(status=status, raw=raw, content_type=kind_of)
    gateway = HostGateway(host, config(deployment(openai, model="openai/has-errors"), retry_attempts=1))
    with pytest.raises(ModelError) as caught:
        await gateway.complete(request())
    assert isinstance(caught.value, kind) and words in caught.value.message, caught.value
    for foreign in ("litellm", "async for", "Traceback", "Exception"):
        assert foreign not in str(caught.value)
    assert len(openai.requests) == 1


async def test_no_money_is_not_asked_again_and_the_next_model_is(
    host: HostClient, openai: Provider, anthropic: Provider
) -> None:
    body = {"error": {"message": "You exceeded your current quota.", "code": "insufficient_quota"}}
    openai.default = Reply(status=429, raw=json.dumps(body).encode(), content_type="application/json")
    gateway = HostGateway(host, config(deployment(openai), deployment(anthropic)))
    assert (await gateway.complete(request())).model == "anthropic/claude-sonnet-4-5"
    assert len(openai.requests) == 1


GOOGLE = {
    "error": {
        "code": 429,
        "message": "You exceeded your current quota, please check your plan and billing details.",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3600s"}],
    }
}


@pytest.mark.parametrize(
    ("headers", "body", "wait"),
    [
        ({"Retry-After": "3600"}, {}, 3600),
        ({"retry-after-ms": "3600000"}, {}, 3600),
        ({}, GOOGLE, 3600),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "60m0s"}, {}, 3600),
        ({"x-ratelimit-remaining-tokens": "9", "x-ratelimit-reset-tokens": "9h", "x-ratelimit-remaining-requests": "0",
          "x-ratelimit-reset-requests": "1h"}, {}, 3600),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, {}, 360),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "{in an hour, in milliseconds}"}, {}, 3600),
        ({"Retry-After": "{in an hour, as a date}"}, {}, 3600),
        ({"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "{in an hour}"}, {}, 3600),
        ({"Retry-After": "1e400"}, {}, None),
        ({"Retry-After": "99999999999999999999"}, {}, None),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, {}, "years"),
        ({"retry-after-ms": "1" + "0" * 60}, {}, "years"),
        ({"Retry-After": "soon"}, {}, None),
        ({"Retry-After": "nan"}, {}, None),
        ({"Retry-After": "-5"}, {}, None),
    ],
)  # fmt: skip
async def test_how_long_it_asks_to_wait(
    host: HostClient, openai: Provider, headers: dict[str, str], body: Any, wait: int | str | None
) -> None:
    raw = json.dumps(body or {"error": {"message": "slow down"}}).encode()
    then = time.time() + 3600
    moments = {
        "{in an hour, in milliseconds}": str(int(then * 1000)),
        "{in an hour, as a date}": formatdate(then, usegmt=True),
        "{in an hour}": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(then)),
    }
    headers = {name: moments.get(value, value) for name, value in headers.items()}
    openai.default = Reply(status=429, raw=raw, content_type="application/json", headers=tuple(headers.items()))
    gateway = HostGateway(host, config(deployment(openai), retry_attempts=1))
    with pytest.raises(RateLimited) as caught:
        await gateway.complete(request())
    found = caught.value.retry_after_s
    if isinstance(wait, int):
        assert found is not None and wait - 300 <= found <= wait + 5
    else:
        assert found is None if wait is None else found is not None and found > 1e8
