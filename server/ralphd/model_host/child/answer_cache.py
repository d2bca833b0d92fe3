"""The cache of whole answers: what makes the same question a second time cost nothing.

A store that is slow, down or holds nonsense is a miss. What stores hold is JSON text and is read as nothing else: a row
that somebody else wrote can at most be a wrong answer, never code.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass

from ralphd.core import foreign_json
from ralphd.model_host.child.answer_stores import AnswerStore
from ralphd.model_host.child.provider_library import ProviderRequest
from ralphd.models.gateway import CompletionRequest

_WAIT_S = 2.0
"""A store that needs longer costs more than it saves."""


@dataclass(frozen=True)
class CachedAnswer:
    text: str
    finish_reason: str


class AnswerCache:
    """`scope`: part of every key, so that answers of one trust are not given to another."""

    def __init__(self, store: AnswerStore, ttl_s: int, scope: str) -> None:
        self._store = store
        self._ttl_s = ttl_s
        self._scope = scope

    def key(self, asked: CompletionRequest, request: ProviderRequest) -> str:
        """A hash of everything that shapes an answer, and of nothing else: not of the role, not of the key."""
        parts = {
            "model": [request.resolved.provider, request.resolved.sent_as],
            "api_base": request.endpoint.api_base,
            "api_version": request.endpoint.api_version,
            "headers": sorted(request.endpoint.headers),
            "messages": [[message.role, message.content] for message in request.messages],
            "temperature": request.temperature,
            "max_tokens": request.max_tokens,
            "sample": asked.sample,
            "scope": self._scope,
        }
        return "ralphd:2:" + hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    async def get(self, key: str) -> CachedAnswer | None:
        try:
            async with asyncio.timeout(_WAIT_S):
                stored = await self._store.get(key)
            value = foreign_json.parse(stored) if stored is not None else None
        except Exception:
            return None
        value = value if isinstance(value, dict) else {}
        text, reason = value.get("text"), value.get("finish_reason")
        if not isinstance(text, str) or reason != "stop" or not text:
            return None
        return CachedAnswer(text, reason)

    async def put(self, key: str, answer: CachedAnswer) -> None:
        """Keeps only an answer that its model said was complete."""
        if answer.finish_reason != "stop":
            return
        value = json.dumps({"text": answer.text, "finish_reason": answer.finish_reason})
        try:
            async with asyncio.timeout(_WAIT_S):
                await self._store.set(key, value, self._ttl_s)
        except Exception:
            return
