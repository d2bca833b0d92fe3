"""An answer's bytes on their way from the wire to the provider library: what the library would lose or invent is noted.

LiteLLM turns every reason to end that it does not know into "stop", drops refusals, and fails on a message whose content
is a list of parts. So the reason and the refusal are read here, and a list of parts is joined to the text it means.
"""

from __future__ import annotations

import json
import re
from typing import Any

STREAMS = ("text/event-stream", "application/x-ndjson")
_FINISH = re.compile(
    rb'"(?:finish_reason|finishReason|stop_reason|done_reason)"\s{0,9}:\s{0,9}"([^"\\]{1,60})"|"done"\s{0,9}:\s{0,9}true'
)
"""In the wire formats a reason is a string. In a model's text the quotes are escaped, so that it cannot fake one."""
_PARTS = re.compile(rb'"content"\s{0,9}:\s{0,9}\[')
_REFUSAL = re.compile(rb'"refusal"\s{0,9}:\s{0,9}"')
_CHOICES = re.compile(rb'"choices"\s{0,9}:')
_LONGEST_REFUSAL = 2000


class RawAnswer:
    """One answer. `feed` and `end` give the bytes that go on to the library."""

    def __init__(self, content_type: str) -> None:
        self._streamed = content_type in STREAMS
        self._json = content_type == "application/json"
        self._pending = bytearray()
        self._searched = 0
        self.finish_seen: bool | None = False if self._streamed else None
        """Did the stream say why it ended? None where that cannot be seen."""
        self.finish_reason = ""
        """As the provider wrote it."""
        self.refusal = ""

    def feed(self, chunk: bytes) -> bytes:
        if self._json:
            self._pending += chunk
            return b""
        if not self._streamed:
            return chunk
        self._pending += chunk
        end = self._pending.rfind(b"\n", self._searched)
        self._searched = len(self._pending)
        if end < 0:
            return b""
        whole = bytes(self._pending[: end + 1])
        del self._pending[: end + 1]
        self._searched = len(self._pending)
        return b"".join(self._line(line) for line in whole.splitlines(keepends=True))

    def end(self) -> bytes:
        rest = bytes(self._pending)
        self._pending.clear()
        return self._line(rest) if self._streamed or self._json else rest

    def _line(self, line: bytes) -> bytes:
        """One event of a stream, or a whole JSON body."""
        for found in _FINISH.finditer(line):
            if self._streamed:
                self.finish_seen = True
            if found[1]:
                self.finish_reason = found[1].decode("utf-8", "replace")
        if not (_PARTS.search(line) or _REFUSAL.search(line)) or not _CHOICES.search(line):
            return line
        head, brace, _ = line.partition(b"{")
        body = line[len(head) :]
        text = body.rstrip()
        try:
            value = json.loads(text)
        except ValueError:
            return line
        if not brace or not self._mend(value):
            return line
        return head + json.dumps(value).encode() + body[len(text) :]

    def _mend(self, value: Any) -> bool:
        """Join lists of parts in place, and note refusals. True where something was changed."""
        changed = False
        for choice in value.get("choices") or () if isinstance(value, dict) else ():
            for name in ("delta", "message"):
                message = choice.get(name) if isinstance(choice, dict) else None
                if not isinstance(message, dict):
                    continue
                if isinstance(message.get("refusal"), str):
                    self.refusal = (self.refusal + message["refusal"])[:_LONGEST_REFUSAL]
                if isinstance(message.get("content"), list):
                    text, thoughts = joined(message["content"])
                    message["content"] = text or None
                    if thoughts:
                        message["reasoning_content"] = thoughts
                    changed = True
        return changed


def joined(parts: list[Any]) -> tuple[str, str]:
    """(text, thoughts) of a message's parts."""
    text, thoughts = "", ""
    for part in parts:
        if isinstance(part, str):
            text += part
        elif isinstance(part, dict):
            inner = part.get("thinking")
            if part.get("type") in ("thinking", "reasoning", "redacted_thinking"):
                thoughts += joined(inner)[0] if isinstance(inner, list) else str(inner or part.get("text") or "…")
            elif isinstance(part.get("text"), str):
                text += part["text"]
    return text, thoughts
