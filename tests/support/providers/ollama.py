"""Ollama's own API: lines of JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tests.support.providers.replies import Reply
from tests.support.providers.wire_format import WireFormat, as_json


class Ollama(WireFormat):
    streamed_as = "application/x-ndjson"
    keep_alive = b"\n"
    finishes: ClassVar[Mapping[str, str]] = {"stop": "stop", "length": "length", "filter": "stop"}

    def whole(self, model: str, reply: Reply) -> Any:
        counts = {"prompt_eval_count": reply.prompt_tokens, "eval_count": reply.completion_tokens}
        ended = {"done": True, "done_reason": self.ended(reply) or "stop"}
        return {**_line(reply.model or model, reply.text), **ended, **counts}

    def events(self, model: str, reply: Reply) -> Iterator[bytes]:
        name = reply.model or model
        for piece in reply.pieces:
            yield as_json(_line(name, piece)) + b"\n"
        if reply.finish is not None:
            counts = {"prompt_eval_count": reply.prompt_tokens, "eval_count": reply.completion_tokens}
            ended = {"done": True, "done_reason": self.ended(reply), **(counts if reply.usage else {})}
            yield as_json({**_line(name, ""), **ended}) + b"\n"

    def error(self, reply: Reply) -> Any:
        return {"error": reply.error}


def _line(model: str, text: str) -> dict[str, Any]:
    return {
        "model": model,
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": text},
        "response": text,
        "done": False,
    }
