"""Answers of status 200 that are not the usual text: each is right text or an error that names what it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ralphd.errors import BadAnswer, ContentRefused, ModelError, RateLimited, Unreachable
from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from tests.support.providers import Provider, Reply
from tests.wire.conftest import config, deployment, request

pytestmark = pytest.mark.asyncio(loop_scope="session")
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


def stream(*deltas: Mapping[str, Any], finish: str | None = "stop") -> Reply:
    chunks: list[Mapping[str, Any]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    if finish is not None:
        chunks.append({"index": 0, "delta": {}, "finish_reason": finish})
    events = [
        {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [chunk]}
        for chunk in chunks
    ]
    events.append(
        {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": USAGE}
    )
    raw = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"
    return Reply(raw=raw, content_type="text/event-stream")


def whole(message: Mapping[str, Any] | None, finish: str = "stop") -> Reply:
    choices = (
        [] if message is None else [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}]
    )
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, "usage": USAGE}
    return Reply(raw=json.dumps(body).encode(), content_type="application/json")


def framed(
    *, head: bytes = b"", content_type: str = "text/event-stream", status: int = 200, change: Any = None
) -> Reply:
    """The usual stream, its bytes framed in another way that servers have."""
    raw = stream({"content": "the "}, {"content": "answer"}).raw or b""
    return Reply(raw=head + (change(raw) if change else raw), content_type=content_type, status=status)


def error(body: str, content_type: str = "application/json", status: int = 200) -> Reply:
    return Reply(raw=body.encode(), content_type=content_type, status=status)


PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "hmm"}]}, {"type": "text", "text": "the answer"}]
TEXTS = [
    ("parts", stream({"content": [PARTS[0]]}, {"content": [PARTS[1]]})),
    ("parts, whole", whole({"content": PARTS})),
    ("reasoning beside", stream({"reasoning_content": "hmm"}, {"content": "the answer"})),
    ("reasoning beside, whole", whole({"content": "the answer", "reasoning_content": "hmm"})),
    ("reasoning as openrouter", stream({"reasoning": "hmm"}, {"content": "the answer"})),
    ("thoughts inline", stream({"content": "<thi"}, {"content": "nk>hm"}, {"content": "m</th"}, {"content": "ink>\n\nthe answer"})),
    ("thoughts inline, whole", whole({"content": "<think>hmm</think>\nthe answer"})),
    ("no role", stream({"content": "the "}, {"content": "answer"})),
    ("no space after the colon", framed(change=lambda raw: raw.replace(b"data: ", b"data:"))),
    ("crlf", framed(change=lambda raw: raw.replace(b"\n", b"\r\n"))),
    ("without [DONE]", framed(change=lambda raw: raw.replace(b"data: [DONE]\n\n", b""))),
    ("a byte order mark", framed(head=b"\xef\xbb\xbf")),
    ("comments, pings and ids", framed(head=b': alive\n\n:\n\nretry: 3000\n\nid: 1\n\nevent: ping\ndata: {"type": "ping"}\n\n')),
    ("a stream called text", framed(content_type="text/plain")),
    ("a stream of status 201", framed(status=201)),
    ("usage first, without a choice", framed(head=b'data: ' + json.dumps({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": USAGE}).encode() + b"\n\n")),
    ("what stopped it beside why", framed(change=lambda raw: raw.replace(b'"finish_reason": "stop"', b'"finish_reason": "stop", "stop_reason": "```"'))),
    ("whole, called text", Reply(**{**whole({"content": "the answer"}).__dict__, "content_type": "text/plain"})),
]  # fmt: skip


@pytest.mark.parametrize("reply", [reply for _, reply in TEXTS], ids=[name for name, _ in TEXTS])
async def test_the_text_and_nothing_else(host: HostClient, openai: Provider, reply: Reply) -> None:
    openai.default = reply
    answer = await HostGateway(host, config(deployment(openai), retry_attempts=1)).complete(request())
    assert (answer.text, answer.finish_reason) == ("the answer", "stop")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (
        11 * answer.usage.calls - 11 * (answer.usage.calls - 1),
        7,
    )


async def test_text_that_only_begins_like_a_thought(host: HostClient, openai: Provider) -> None:
    openai.default = stream({"content": "<th"}, {"content": "ead> is a tag, <think> is not first"})
    answer = await HostGateway(host, config(deployment(openai))).complete(request())
    assert answer.text == "<thead> is a tag, <think> is not first"


CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ERRORS: list[tuple[str, Reply, type[ModelError], str]] = [
    ("refusal", stream({"refusal": "I will not "}, {"refusal": "do that."}), ContentRefused, "I will not do that."),
    ("refusal, whole", whole({"content": None, "refusal": "I will not do that."}), ContentRefused, "I will not do that."),
    ("tool", stream({"tool_calls": [{"index": 0, **CALL}]}, finish="tool_calls"), BadAnswer, "call of a tool"),
    ("tool, whole", whole({"content": None, "tool_calls": [CALL]}, "tool_calls"), BadAnswer, "call of a tool"),
    ("no choice", whole(None), BadAnswer, "no choice"),
    ("only thoughts", stream({"reasoning_content": "hmm"}), BadAnswer, "nothing"),
    ("thoughts without an end", stream({"content": "<think>hmm"}, finish="length"), BadAnswer, "used up max_tokens"),
    ("error, whole", Reply(raw=b'{"error": {"message": "the backend is on fire", "code": 503}}', content_type="application/json"), Unreachable, "the backend is on fire"),
    ("error, rate", Reply(raw=b'{"error": {"message": "slow down", "code": 429}}', content_type="application/json"), RateLimited, "slow down"),
    ("error in a stream", Reply(raw=b': OPENROUTER PROCESSING\n\ndata: {"error":{"code":502,"message":"the backend is on fire"},"choices":[]}\n\n', content_type="text/event-stream"), Unreachable, "the backend is on fire"),
    ("error after text", Reply(extra_events=(b'data: {"error":{"code":429,"message":"slow down"}}\n\n',)), RateLimited, "slow down"),
    ("error as an event", error('event: error\ndata: {"message": "the backend is on fire"}\n\n', "text/event-stream"), Unreachable, "the backend is on fire"),
    ("error as words", error("event: error\ndata: the backend is on fire\n\n", "text/event-stream"), Unreachable, "the backend is on fire"),
    ("error by its type", error('data: {"error": {"type": "rate_limit_error", "message": "slow down"}}\n\n', "text/event-stream"), RateLimited, "slow down"),
    ("a detail instead of an answer", error('{"detail": "the backend is on fire"}'), Unreachable, "the backend is on fire"),
    ("flat error instead of an answer", error('{"object": "error", "message": "the backend is on fire", "code": 40303}'), Unreachable, "the backend is on fire"),
    ("a list instead of an answer", error("[]"), BadAnswer, "nothing that can be read"),
    ("nothing instead of an answer", error(""), BadAnswer, "nothing that can be read"),
    ("a page called a stream", error("\n<!DOCTYPE html><title>Sign in</title>", "text/event-stream"), BadAnswer, "a web page"),
    ("a page of a firewall", error("<html>you have been blocked</html>", "text/html", 403), BadAnswer, "a web page (403)"),
    ("a proxy on the way", error("who are you?", "text/plain", 407), Unreachable, "proxy did not let"),
    ("recitation", stream({"content": "a"}, finish="content_filter"), ContentRefused, "filter"),
]  # fmt: skip


@pytest.mark.parametrize("case", ERRORS, ids=[case[0] for case in ERRORS])
async def test_what_is_no_text_is_named(
    host: HostClient, openai: Provider, case: tuple[str, Reply, type[ModelError], str]
) -> None:
    _, openai.default, kind, words = case
    with pytest.raises(ModelError) as caught:
        await HostGateway(host, config(deployment(openai), retry_attempts=1)).complete(request())
    assert isinstance(caught.value, kind) and words in caught.value.message, caught.value
    assert "litellm" not in str(caught.value)


@pytest.mark.parametrize(
    ("reason", "meaning"),
    [("stop", "stop"), ("eos", "stop"), ("end_turn", "stop"), ("length", "length"), ("model_length", "length"), ("max_tokens", "length")],
)  # fmt: skip
async def test_every_providers_reason_to_end(host: HostClient, openai: Provider, reason: str, meaning: str) -> None:
    openai.default = stream({"content": "text"}, finish=reason)
    answer = await HostGateway(host, config(deployment(openai))).complete(request())
    assert answer.finish_reason == meaning


@pytest.mark.parametrize(("reason", "kind"), [("SAFETY", ContentRefused), ("RECITATION", ContentRefused)])
async def test_geminis_reasons(
    host: HostClient, servers: dict[str, Provider], reason: str, kind: type[ModelError]
) -> None:
    gemini = servers["gemini"]
    gemini.reset()
    gemini.default = Reply(finish=reason)
    with pytest.raises(kind):
        await HostGateway(host, config(deployment(gemini), retry_attempts=1)).complete(request())
