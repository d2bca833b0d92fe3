"""Anthropic's messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tests.support.providers.openai import KINDS
from tests.support.providers.replies import Reply
from tests.support.providers.wire_format import WireFormat, sse


class Anthropic(WireFormat):
    first_text = 2
    finishes: ClassVar[Mapping[str, str]] = {"stop": "end_turn", "length": "max_tokens", "filter": "refusal"}

    def whole(self, model: str, reply: Reply) -> Any:
        return {
            **_message(reply.model or model),
            "content": [{"type": "text", "text": reply.text}],
            "stop_reason": self.ended(reply),
            "usage": _usage(reply, reply.completion_tokens),
        }

    def events(self, model: str, reply: Reply) -> Iterator[bytes]:
        def event(kind: str, **value: Any) -> bytes:
            return sse({"type": kind, **value}, kind, crlf=reply.crlf)

        yield event("message_start", message={**_message(reply.model or model), "usage": _usage(reply, 1)})
        yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        for piece in reply.pieces:
            yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
        yield event("content_block_stop", index=0)
        if reply.finish is not None:
            stop = {"stop_reason": self.ended(reply), "stop_sequence": None}
            yield event("message_delta", delta=stop, usage={"output_tokens": reply.completion_tokens})
        yield event("message_stop")

    def error(self, reply: Reply) -> Any:
        kind = KINDS.get(reply.status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": reply.error}, "request_id": "req_1"}


def _message(model: str) -> dict[str, Any]:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": model}
    return {**head, "stop_reason": None, "stop_sequence": None}


def _usage(reply: Reply, out: int) -> dict[str, Any]:
    # Anthropic counts cached tokens beside `input_tokens`, not in them.
    return {
        "input_tokens": reply.prompt_tokens - reply.cached_tokens,
        "cache_read_input_tokens": reply.cached_tokens,
        "cache_creation_input_tokens": 0,
        "output_tokens": out,
    }
