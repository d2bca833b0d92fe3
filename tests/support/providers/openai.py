"""OpenAI's chat completions, and Azure's, which differ in their errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tests.support.providers.replies import Recorded, Reply
from tests.support.providers.wire_format import WireFormat, sse

KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "payment_required",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
"""The `type` of an error by its status."""


class OpenAI(WireFormat):
    base = "/v1"
    first_text = 1
    finishes: ClassVar[Mapping[str, str]] = {"stop": "stop", "length": "length", "filter": "content_filter"}

    def usage(self, reply: Reply) -> dict[str, Any]:
        return {
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": reply.completion_tokens,
            "total_tokens": reply.prompt_tokens + reply.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": reply.cached_tokens},
            **self.reasoning_usage(reply),
        }

    def reasoning_usage(self, reply: Reply) -> dict[str, Any]:
        if not reply.reasoning_tokens:
            return {}
        return {"completion_tokens_details": {"reasoning_tokens": reply.reasoning_tokens}}

    def message(self, reply: Reply) -> dict[str, Any]:
        """The message of an answer that is not streamed."""
        return {"role": "assistant", "content": reply.text}

    def deltas(self, reply: Reply) -> Iterator[dict[str, Any]]:
        """The changes that make the message of a streamed answer, the first one without text."""
        yield {"role": "assistant", "content": ""}
        for piece in reply.pieces:
            yield {"content": piece}

    def choice(self, finish: str | None) -> dict[str, Any]:
        """What each choice says beside its message."""
        return {"index": 0, "finish_reason": finish}

    def answer(self) -> dict[str, Any]:
        """What each answer and each chunk says beside the usual."""
        return {}

    def whole(self, model: str, reply: Reply) -> Any:
        choice = {**self.choice(self.ended(reply)), "message": self.message(reply)}
        usage = {"usage": self.usage(reply)} if reply.usage else {}
        return {**self._head("chat.completion", reply.model or model), "choices": [choice], **usage}

    def events(self, model: str, reply: Reply) -> Iterator[bytes]:
        head = self._head("chat.completion.chunk", reply.model or model)

        def chunk(choices: list[dict[str, Any]], **more: Any) -> bytes:
            return sse({**head, "choices": choices, **more}, crlf=reply.crlf)

        for delta in self.deltas(reply):
            yield chunk([{**self.choice(None), "delta": delta}])
        if reply.finish is not None:
            yield chunk([{**self.choice(self.ended(reply)), "delta": {}}])
        if reply.usage:
            yield chunk([], usage=self.usage(reply))
        yield sse(b"[DONE]", crlf=reply.crlf)

    def error(self, reply: Reply) -> Any:
        code = {401: "invalid_api_key", 429: "rate_limit_exceeded"}.get(reply.status)
        if "context length" in reply.error:
            code = "context_length_exceeded"
        kind = KINDS.get(reply.status, "api_error")
        return {
            "error": {"message": reply.error, "type": kind, "param": None, "code": code, **(reply.error_fields or {})}
        }

    def _head(self, kind: str, model: str) -> dict[str, Any]:
        return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": model, **self.answer()}


class Azure(OpenAI):
    base = ""

    def error(self, reply: Reply) -> Any:
        return {"error": {"code": str(reply.status), "message": reply.error, **(reply.error_fields or {})}}


def usage_as_asked(request: Recorded, reply: Reply) -> bool:
    """Whether a streamed answer brings its usage: many servers send it only to those who ask for it."""
    body: Mapping[str, Any] = request.body if isinstance(request.body, dict) else {}
    asked = (body.get("stream_options") or {}).get("include_usage", False)
    return reply.usage and (bool(asked) or not request.streamed)
