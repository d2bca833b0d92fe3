"""Servers that speak OpenAI's format with words, fields and errors of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from tests.support.providers.openai import KINDS, OpenAI, usage_as_asked
from tests.support.providers.replies import Recorded, Reply
from tests.support.providers.wire_format import sse


class Mistral(OpenAI):
    """Thoughts are parts of the content; a field that it does not know is a 422 with FastAPI's list of details."""

    finishes: ClassVar[Mapping[str, str]] = {"stop": "stop", "length": "model_length", "filter": "error"}
    known = frozenset(
        "model messages temperature top_p max_tokens stream stop random_seed response_format tools tool_choice "
        "presence_penalty frequency_penalty n prediction parallel_tool_calls prompt_mode safe_prompt".split()
    )

    def usage(self, reply: Reply) -> dict[str, Any]:
        return {
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": reply.completion_tokens,
            "total_tokens": reply.prompt_tokens + reply.completion_tokens,
        }

    def message(self, reply: Reply) -> dict[str, Any]:
        content: Any = reply.text
        if reply.thoughts:
            content = [_thinking(reply.thoughts), {"type": "text", "text": reply.text}]
        return {"role": "assistant", "tool_calls": None, "content": content}

    def deltas(self, reply: Reply) -> Iterator[dict[str, Any]]:
        yield {"role": "assistant", "content": ""}
        if reply.thoughts:
            yield {"content": [_thinking(reply.thoughts)]}
        for piece in reply.pieces:
            yield {"content": [{"type": "text", "text": piece}] if reply.thoughts else piece}

    def events(self, model: str, reply: Reply) -> Iterator[bytes]:
        """The usage comes with the last choice, asked for or not."""
        *events, last, done = super().events(model, replace(reply, usage=False))
        yield from events
        if reply.finish is None or not reply.usage:
            yield last
        else:
            value = json.loads(last.removeprefix(b"data: "))
            yield sse({**value, "usage": self.usage(reply)}, crlf=reply.crlf)
        yield done

    def error(self, reply: Reply) -> Any:
        if reply.status == 401:
            return {"message": reply.error, "request_id": "0f1e"}
        if reply.status == 422:
            detail = {"type": "extra_forbidden", "loc": ["body", "x"], "msg": reply.error, "input": 1}
            return {"object": "error", "message": {"detail": [{**detail, **(reply.error_fields or {})}]}, "type": "invalid_request_error", "param": None, "code": None}  # fmt: skip
        code = {429: "1300", 400: "3051"}.get(reply.status, "1000")
        kind = {429: "rate_limited", 400: "invalid_request_message_order"}.get(reply.status, "internal_server_error")
        return {"object": "error", "message": reply.error, "type": kind, "param": None, "code": code}

    def complains(self, request: Recorded) -> Reply | None:
        unknown = sorted(set(request.body) - self.known) if isinstance(request.body, dict) else []
        if not unknown:
            return None
        fields = {"loc": ["body", unknown[0]], "input": request.body[unknown[0]]}
        return Reply(status=422, error="Extra inputs are not permitted", error_fields=fields)


def _thinking(text: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


class DeepSeek(OpenAI):
    """Thoughts in `reasoning_content`; cached tokens in fields of its own; comments and empty lines while one waits."""

    keep_alive = b": keep-alive\n\n"

    def usage(self, reply: Reply) -> dict[str, Any]:
        usage = super().usage(reply)
        del usage["prompt_tokens_details"]
        return {
            **usage,
            "prompt_cache_hit_tokens": reply.cached_tokens,
            "prompt_cache_miss_tokens": reply.prompt_tokens - reply.cached_tokens,
        }

    def message(self, reply: Reply) -> dict[str, Any]:
        thoughts = {"reasoning_content": reply.thoughts} if reply.thoughts else {}
        return {**super().message(reply), **thoughts}

    def deltas(self, reply: Reply) -> Iterator[dict[str, Any]]:
        yield {"role": "assistant", "content": "" if not reply.thoughts else None}
        if reply.thoughts:
            yield {"content": None, "reasoning_content": reply.thoughts}
        for piece in reply.pieces:
            yield {"content": piece, **({"reasoning_content": None} if reply.thoughts else {})}

    def events(self, model: str, reply: Reply) -> Iterator[bytes]:
        yield self.keep_alive
        yield from super().events(model, reply)

    first_text = 2

    def error(self, reply: Reply) -> Any:
        kind = "authentication_error" if reply.status == 401 else "unknown_error" if reply.status == 402 else None
        kind = kind or KINDS.get(reply.status, "invalid_request_error")
        return {"error": {"message": reply.error, "type": kind, "param": None, "code": "invalid_request_error"}}


class OpenRouter(OpenAI):
    """Passes requests on. Comments while one waits; thoughts in `reasoning`; its price in the usage; the errors of the
    provider behind it in `metadata.raw`, also inside a stream."""

    keep_alive = b": OPENROUTER PROCESSING\n\n"
    first_text = 2

    def usage(self, reply: Reply) -> dict[str, Any]:
        return {**super().usage(reply), "cost": 0.00014, "is_byok": False, "cost_details": {"upstream_inference_cost": None}}  # fmt: skip

    def answer(self) -> dict[str, Any]:
        return {"provider": "Backend"}

    def choice(self, finish: str | None) -> dict[str, Any]:
        return {"index": 0, "finish_reason": finish, "native_finish_reason": finish and f"native_{finish}"}

    def message(self, reply: Reply) -> dict[str, Any]:
        return {**super().message(reply), "refusal": None, "reasoning": reply.thoughts or None}

    def deltas(self, reply: Reply) -> Iterator[dict[str, Any]]:
        yield {"role": "assistant", "content": ""}
        if reply.thoughts:
            details = [{"type": "reasoning.text", "text": reply.thoughts, "format": "unknown", "index": 0}]
            yield {"role": "assistant", "content": "", "reasoning": reply.thoughts, "reasoning_details": details}
        for piece in reply.pieces:
            yield {"role": "assistant", "content": piece}

    def events(self, model: str, reply: Reply) -> Iterator[bytes]:
        yield self.keep_alive
        yield from super().events(model, reply)

    def error(self, reply: Reply) -> Any:
        return {"error": {"message": reply.error, "code": reply.status, **(reply.error_fields or {})}, "user_id": "u1"}

    def broke(self, said: str, code: int = 502) -> bytes:
        """An error inside a stream: the provider behind it said `said`."""
        error = {"code": code, "message": "Provider returned error", "metadata": {"raw": said, "provider_name": "B"}}
        choice = {**self.choice("error"), "delta": {"role": "assistant", "content": ""}}
        return sse({"id": "gen-1", "object": "chat.completion.chunk", "error": error, "choices": [choice]})


class Vllm(OpenAI):
    """Its errors lie flat in the body; the usage of a stream comes to those who ask; `stop_reason` says what ended it."""

    stopped_by: Any = None
    """The stop string or the token that ended the answer, beside `finish_reason`."""

    def choice(self, finish: str | None) -> dict[str, Any]:
        return {"index": 0, "logprobs": None, "finish_reason": finish, "stop_reason": self.stopped_by if finish else None}  # fmt: skip

    def message(self, reply: Reply) -> dict[str, Any]:
        return {**super().message(reply), "reasoning_content": reply.thoughts or None, "tool_calls": []}

    def deltas(self, reply: Reply) -> Iterator[dict[str, Any]]:
        yield {"role": "assistant", "content": ""}
        if reply.thoughts:
            yield {"reasoning_content": reply.thoughts}
        for piece in reply.pieces:
            yield {"content": piece}

    def asked(self, request: Recorded, reply: Reply) -> Reply:
        return replace(reply, usage=usage_as_asked(request, reply))

    def error(self, reply: Reply) -> Any:
        kind = {400: "BadRequestError", 401: "Unauthorized", 404: "NotFoundError"}.get(
            reply.status, "InternalServerError"
        )
        if reply.status == 401:
            return {"error": "Unauthorized"}
        return {"object": "error", "message": reply.error, "type": kind, "param": None, "code": reply.status}


class LlamaCpp(Vllm):
    """llama.cpp's own server: `timings` in each answer; a window that is passed and a model that loads have names."""

    def choice(self, finish: str | None) -> dict[str, Any]:
        return {"index": 0, "finish_reason": finish}

    def answer(self) -> dict[str, Any]:
        return {"system_fingerprint": "b6000", "timings": {"prompt_n": 11, "predicted_n": 7, "predicted_ms": 70.5}}

    def error(self, reply: Reply) -> Any:
        kinds = {503: "unavailable_error", 500: "server_error", **KINDS}
        kind = kinds.get(reply.status, "server_error")
        return {"error": {"code": reply.status, "message": reply.error, "type": kind, **(reply.error_fields or {})}}


class LmStudio(Vllm):
    """LM Studio: an error is one string; inside a stream it is an event of its own."""

    def choice(self, finish: str | None) -> dict[str, Any]:
        return {"index": 0, "logprobs": None, "finish_reason": finish}

    def answer(self) -> dict[str, Any]:
        return {"stats": {}, "system_fingerprint": "qwen2.5-coder"}

    def error(self, reply: Reply) -> Any:
        return {"error": reply.error}

    def broke(self, said: str) -> bytes:
        """An error inside a stream."""
        return sse({"error": {"message": said}}, "error")
