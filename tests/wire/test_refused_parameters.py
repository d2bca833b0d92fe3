"""A server that refuses a parameter is asked again without it, once for each, and is remembered; so is its window."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ralphd.errors import ContextTooLong, ModelError
from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from ralphd.model_host.wire import LogConfig
from tests.support.providers import Provider, Recorded, Reply
from tests.wire.conftest import config, deployment, request

pytestmark = pytest.mark.asyncio(loop_scope="session")


def refusing(words: str, status: int = 400, **error: Any) -> Reply:
    body = {"error": {"message": words, "type": "invalid_request_error", "param": None, "code": None, **error}}
    return Reply(status=status, raw=json.dumps(body).encode(), content_type="application/json")


def detail(name: str, words: str) -> Reply:
    """FastAPI's shape of a 422."""
    body = {"detail": [{"type": "extra_forbidden", "loc": ["body", name], "msg": words, "input": 1}]}
    return Reply(status=422, raw=json.dumps(body).encode(), content_type="application/json")


ROWS = [
    (
        "max_completion_tokens",
        lambda body: "max_tokens" in body,
        refusing(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        ),
    ),
    (
        "stream_options",
        lambda body: "stream_options" in body,
        detail("stream_options", "Extra inputs are not permitted"),
    ),
    (
        "temperature",
        lambda body: "temperature" in body,
        refusing("Unsupported value: 'temperature' does not support 0.2 with this model.", param="temperature"),
    ),
    (
        "system role",
        lambda body: any(m["role"] == "system" for m in body["messages"]),
        refusing("System role not supported", 422),
    ),
    (
        "system role, by a template",
        lambda body: any(m["role"] == "system" for m in body["messages"]),
        refusing("Value is not callable: System role not supported", 500, code=500, type="server_error"),
    ),
    (
        "system role, as a detail",
        lambda body: any(m["role"] == "system" for m in body["messages"]),
        detail("messages", "messages[0].role: Input should be 'user', 'assistant' or 'tool'"),
    ),
    (
        "stream",
        lambda body: body.get("stream"),
        refusing("Streaming is not supported for this model.", param="stream", code="unsupported_value"),
    ),
    ("top_k", lambda body: "top_k" in body, detail("top_k", "Extra inputs are not permitted")),
    ("stop", lambda body: "stop" in body, refusing("Unsupported parameter: 'stop'", param="stop")),
]


@pytest.mark.parametrize(("name", "sent", "refusal"), ROWS, ids=[row[0] for row in ROWS])
async def test_each(host: HostClient, openai: Provider, tmp_path: Path, name: str, sent: Any, refusal: Reply) -> None:
    openai.choose = lambda recorded: refusal if sent(recorded.body) else None
    log = tmp_path / "log"
    model = deployment(
        openai,
        model=f"openai/refuses-{name.replace(' ', '-')}",
        temperature=0.2,
        extra_body={"top_k": 5, "stop": ["X"]},
    )
    gateway = HostGateway(host, config(model, retry_attempts=1, log=LogConfig(path=str(log))))
    assert (await gateway.complete(request("one"))).text == "Hello, world"
    assert len(openai.requests) == 2 and not sent(openai.requests[1].body)
    assert (await gateway.complete(request("two"))).text == "Hello, world"
    assert len(openai.requests) == 3  # remembered
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["outcome"] for line in lines] == ["model_error", "ok", "ok"]
    adapted = lines[1]["adapted"]
    assert "adapted" not in lines[0] and adapted == lines[2]["adapted"] and name.partition(",")[0] in adapted[0]
    if name == "max_completion_tokens":
        assert openai.requests[1].body["max_completion_tokens"] == openai.requests[0].body["max_tokens"]
    if name.startswith("system role"):
        (only,) = openai.requests[1].body["messages"]
        assert only["role"] == "user" and "You are terse." in str(only) and "one" in str(only)


async def test_all_at_once_and_no_more_than_once_each(host: HostClient, openai: Provider) -> None:
    def strict(recorded: Recorded) -> Reply | None:
        return next((refusal for _, sent, refusal in ROWS if sent(recorded.body)), None)

    once = [name for name, *_ in ROWS if "," not in name]
    openai.choose = strict
    model = deployment(openai, model="openai/very-strict", temperature=0.2, extra_body={"top_k": 5, "stop": ["X"]})
    assert (await HostGateway(host, config(model, retry_attempts=1)).complete(request())).text == "Hello, world"
    assert len(openai.requests) == len(once) + 1
    openai.requests.clear()
    openai.choose = lambda recorded: refusing("temperature, max_tokens, stream_options, system role not supported")
    stubborn = deployment(openai, model="openai/stubborn", temperature=0.2)
    with pytest.raises(ModelError):
        await HostGateway(host, config(stubborn)).complete(request())
    assert len(openai.requests) <= 6


async def test_what_a_person_leaves_out_and_adds(host: HostClient, provider: Provider) -> None:
    model = deployment(provider, temperature=0.3, drop_params=("temperature",), extra_body={"house_rule": {"a": 1}})
    await HostGateway(host, config(model)).complete(request())
    body = provider.requests[0].body
    assert "0.3" not in json.dumps(body)
    assert body["house_rule"] == {"a": 1}


WINDOWS = [
    "This model's maximum context length is 8192 tokens. However, you requested 9192 tokens (1000 in the messages, 8192 "
    "in the completion). Please reduce the length of the messages or completion.",
    "'max_tokens' or 'max_completion_tokens' is too large: 8192. This model's maximum context length is 8192 tokens and "
    "your request has 1000 input tokens (8192 > 8192 - 1000).",
    "input length and `max_tokens` exceed context limit: 1000 + 8192 > 8192, decrease input length or `max_tokens` and "
    "try again",
]


@pytest.mark.parametrize("words", WINDOWS, ids=["openai", "vllm", "anthropic"])
async def test_an_answer_that_does_not_fit_is_made_smaller(host: HostClient, openai: Provider, words: str) -> None:
    openai.choose = lambda recorded: refusing(words) if recorded.body.get("max_tokens", 0) + 1000 > 8192 else None
    model = deployment(openai, model=f"openai/small-window-{WINDOWS.index(words)}", max_tokens=8192)
    gateway = HostGateway(host, config(model, retry_attempts=1))
    assert (await gateway.complete(request("a", may_shorten=True))).text == "Hello, world"
    assert [sent.body["max_tokens"] for sent in openai.requests] == [8192, 8192 - 1000 - 16]


@pytest.mark.parametrize(
    ("words", "most"),
    [
        (
            "max_tokens is too large: 8192. This model supports at most 4096 completion tokens, whereas you provided 8192.",
            4096,
        ),
        ("max_tokens: 8192 > 4096, which is the maximum allowed number of output tokens for this model", 4096),
        ("Invalid max_tokens value, the valid range of max_tokens is [1, 4096]", 4096),
    ],
    ids=["openai", "anthropic", "deepseek"],
)
async def test_an_answer_longer_than_the_models_longest(
    host: HostClient, openai: Provider, words: str, most: int
) -> None:
    openai.choose = lambda recorded: refusing(words) if recorded.body.get("max_tokens", 0) > most else None
    model = deployment(openai, model=f"openai/short-{abs(hash(words))}", max_tokens=8192)
    gateway = HostGateway(host, config(model, retry_attempts=1))
    await gateway.complete(request("a"))
    await gateway.complete(request("b"))
    assert [sent.body["max_tokens"] for sent in openai.requests] == [8192, most, most]


async def test_a_window_of_the_settings_leaves_room(host: HostClient, openai: Provider) -> None:
    model = deployment(openai, model="openai/unknown-window", max_tokens=8192, context_window=8192)
    gateway = HostGateway(host, config(model))
    await gateway.complete(request("word " * 1000))
    (sent,) = openai.requests
    assert 4096 < sent.body["max_tokens"] < 8192 - 1000
    assert (await gateway.describe("artisan")).context_window == 8192


async def test_a_prompt_that_fills_the_window_alone_is_too_long(host: HostClient, openai: Provider) -> None:
    openai.default = refusing(
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        code="context_length_exceeded",
    )
    with pytest.raises(ContextTooLong):
        await HostGateway(host, config(deployment(openai, model="openai/full"))).complete(request(may_shorten=True))
    assert len(openai.requests) == 1
