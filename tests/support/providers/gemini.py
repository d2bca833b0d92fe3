"""Google's generateContent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tests.support.providers.replies import Reply
from tests.support.providers.wire_format import WireFormat, sse

_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 429: "RESOURCE_EXHAUSTED"}


class Gemini(WireFormat):
    finishes: ClassVar[Mapping[str, str]] = {"stop": "STOP", "length": "MAX_TOKENS", "filter": "SAFETY"}

    def whole(self, model: str, reply: Reply) -> Any:
        candidate = {**_candidate(reply.text), "finishReason": self.ended(reply)}
        return {"candidates": [candidate], "usageMetadata": _usage(reply), "modelVersion": reply.model or model}

    def events(self, model: str, reply: Reply) -> Iterator[bytes]:
        last = len(reply.pieces) - 1
        for number, piece in enumerate(reply.pieces):
            candidate = _candidate(piece)
            value: dict[str, Any] = {"candidates": [candidate], "modelVersion": reply.model or model}
            if number == last:
                if reply.finish is not None:
                    candidate["finishReason"] = self.ended(reply)
                if reply.usage:
                    value["usageMetadata"] = _usage(reply)
            yield sse(value, crlf=reply.crlf)

    def error(self, reply: Reply) -> Any:
        status = _STATUS.get(reply.status, "INTERNAL")
        return {"error": {"code": reply.status, "message": reply.error, "status": status, **(reply.error_fields or {})}}


def _candidate(text: str) -> dict[str, Any]:
    return {"index": 0, "content": {"role": "model", "parts": [{"text": text}]}}


def _usage(reply: Reply) -> dict[str, Any]:
    return {
        "promptTokenCount": reply.prompt_tokens,
        "candidatesTokenCount": reply.completion_tokens,
        "totalTokenCount": reply.prompt_tokens + reply.completion_tokens,
        "cachedContentTokenCount": reply.cached_tokens,
    }
