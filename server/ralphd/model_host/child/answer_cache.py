"""The cache of whole answers: what makes the same question a second time cost nothing. Knows keys and values only.

It keeps LiteLLM's cache backends (disk, Redis) at arm's length: a cache that is slow, down or holds nonsense is a miss.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass

from ralphd.model_host.child.provider_library import Ask, Cache
from ralphd.model_host.child.resolved_models import Target
from ralphd.models.gateway import CompletionRequest

_WAIT_S = 2.0


@dataclass(frozen=True)
class Answer:
    text: str
    finish_reason: str


class Answers:
    def __init__(self, cache: Cache, ttl_s: int, scope: str) -> None:
        self._cache = cache
        self._ttl_s = ttl_s
        self._scope = scope

    def key(self, request: CompletionRequest, ask: Ask, target: Target) -> str:
        """Everything that shapes an answer, and nothing else: not the role, not the key."""
        parts = {
            "model": [target.provider, target.bare],
            "api_base": target.endpoint.api_base,
            "api_version": target.endpoint.api_version,
            "headers": sorted(target.endpoint.headers),
            "messages": [[message.role, message.content] for message in request.messages],
            "temperature": ask.temperature,
            "max_tokens": ask.max_tokens,
            "sample": request.sample,
            "scope": self._scope,
        }
        return "ralphd:1:" + hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    async def get(self, key: str) -> Answer | None:
        try:
            async with asyncio.timeout(_WAIT_S):
                value = await self._cache.async_get_cache(key)
            if isinstance(value, str):
                value = json.loads(value)  # Redis gives back the text, the disk what the text says
        except Exception:
            return None
        value = value if isinstance(value, dict) else {}
        text, reason = value.get("text"), value.get("finish_reason")
        if not isinstance(text, str) or not isinstance(reason, str) or not text:
            return None
        return Answer(text, reason)

    async def put(self, key: str, answer: Answer) -> None:
        """Only an answer that its model said was complete."""
        if answer.finish_reason != "stop":
            return
        value = json.dumps({"text": answer.text, "finish_reason": answer.finish_reason})
        try:
            async with asyncio.timeout(_WAIT_S):
                await self._cache.async_set_cache(key, value, ttl=self._ttl_s)
        except Exception:
            return
