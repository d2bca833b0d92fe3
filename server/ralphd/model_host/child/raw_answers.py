"""An answer's bytes on their way from the wire to the provider library: what the library would lose or invent is noted.

LiteLLM turns every reason to end that it does not know into "stop", drops refusals and some errors inside a stream, and
fails on a message whose content is a list of parts, or whose count of tokens is none. So the reason, the refusal and the
error are read here, a list of parts is joined to the text it means, counts that cannot be are left out, and an answer that
comes whole where a stream was asked for is made one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ralphd.core import foreign_json
from ralphd.model_host.child.token_counts import with_sound_usage

STREAMS = ("text/event-stream", "application/x-ndjson", "application/jsonl")
_JSON = "application/json"
_FIELD = re.compile(rb"\s{0,200}(?:data|event|id|retry|error)?:")
"""How an event stream begins, whatever its server calls it."""
_FINISH = re.compile(
    rb'"(finish_reason|finishReason|stop_reason|done_reason)"\s{0,9}:\s{0,9}"([^"\\]{1,60})"|"done"\s{0,9}:\s{0,9}true'
)
"""In the wire formats a reason is a string. In a model's text the quotes are escaped, so that it cannot fake one."""
_NO_ANSWER = re.compile(rb'(?:event|id|retry):|data:\s{0,9}\{\s{0,9}"type"\s{0,9}:\s{0,9}"ping"')
"""Lines of an event stream that hold nothing of an answer, and that libraries take for events without data."""
_PAGE = re.compile(rb"\s{0,200}<(?:!doctype|html|head|body)\b", re.IGNORECASE)
_BOM = b"\xef\xbb\xbf"
_ERROR = re.compile(rb'"error"\s{0,9}:\s{0,9}["{]|^\s{0,9}error:|"type"\s{0,9}:\s{0,9}"error"')
_PARTS = re.compile(rb'"content"\s{0,9}:\s{0,9}\[')
_REFUSAL = re.compile(rb'"refusal"\s{0,9}:\s{0,9}"')
_USAGE = re.compile(rb'"usage(?:Metadata)?"\s{0,9}:\s{0,9}[^n\s]')
_CHOICES = re.compile(rb'"choices"\s{0,9}:')
_LONGEST_REFUSAL = 2000


class RawAnswer:
    """One answer. `feed` and `end` give the bytes that go on to the library. `stream_asked`: a stream was asked for."""

    def __init__(self, content_type: str, *, stream_asked: bool = False) -> None:
        self._streamed = content_type in STREAMS
        self._json = content_type == _JSON
        self._stream_asked = stream_asked
        self._begun = False
        self._error_follows = False
        """The last line was `event: error`: the next one says what it is."""
        self._pending = bytearray()
        self._searched = 0
        self.finish_seen: bool | None = False if self._streamed else None
        """Did the stream say why it ended? None where that cannot be seen."""
        self.finish_reason = ""
        """As the provider wrote it."""
        self.refusal = ""
        self.error = b""
        """The error that stands where an answer should be, or inside a stream, as JSON."""
        self.is_page = False
        """HTML, whatever its server calls it."""

    def feed(self, chunk: bytes) -> bytes:
        if not self._begun:
            chunk = self._begin(chunk)
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

    def _begin(self, chunk: bytes) -> bytes:
        """The first bytes, without the mark of their encoding. What their type does not say, they do."""
        chunk = chunk.removeprefix(_BOM)
        start = chunk.lstrip()[:1]
        if not start:
            return chunk
        self._begun = True
        self.is_page = _PAGE.match(chunk) is not None
        if not (self._streamed or self._json):
            self._json = start == b"{"
            self._streamed = not self._json and _FIELD.match(chunk) is not None
            self.finish_seen = False if self._streamed else None
        return chunk

    def _line(self, line: bytes) -> bytes:
        """One event of a stream, or a whole JSON body."""
        self._note_finish(line)
        self._note_error(line)
        if self._streamed and _NO_ANSWER.match(line):
            return b""
        choices, usage = _CHOICES.search(line), _USAGE.search(line)
        whole = choices is not None and self._json and self._stream_asked
        mended = whole or (choices is not None and (_PARTS.search(line) or _REFUSAL.search(line)))
        if not (mended or usage):
            return line
        head, brace, _ = line.partition(b"{")
        body = line[len(head) :]
        text = body.rstrip()
        try:
            value = foreign_json.parse(text)
        except ValueError:
            return line
        changed = [with_sound_usage(value)] if usage else []
        changed += [self._mend(value)] if mended else []
        if not brace or not (any(changed) or whole):
            return line
        if whole:
            return _as_stream(value)
        return head + json.dumps(value).encode() + body[len(text) :]

    def _note_finish(self, line: bytes) -> None:
        found = {match[1] or b"": match[2] or b"" for match in _FINISH.finditer(line)}
        if found and self._streamed:
            self.finish_seen = True
        if b"finish_reason" in found:  # vLLM says beside it which text or token stopped it
            found.pop(b"stop_reason", None)
        for reason in filter(None, found.values()):
            self.finish_reason = reason.decode("utf-8", "replace")

    def _note_error(self, line: bytes) -> None:
        """Keep the first error: of a whole body, of a chunk, of llama.cpp's lines `error: {…}`, of an `event: error`."""
        name, _, rest = line.strip().partition(b":")
        if self._streamed and name == b"event":
            self._error_follows = rest.strip() == b"error"
            return
        named = self._streamed and (name == b"error" or (name == b"data" and self._error_follows))
        if self.error or not (named or self._json or _ERROR.search(line)):
            return
        text = rest.strip() if self._streamed and name in (b"data", b"error") else line.strip()
        try:
            value = foreign_json.parse(text)
        except ValueError:
            value = text.decode("utf-8", "replace") if named else None
        is_object = isinstance(value, dict)
        if is_object and (value.get("error") or value.get("type") == "error"):
            self.error = text
        elif named or (is_object and self._json and not _is_answer(value)):
            self.error = json.dumps({"error": value}).encode()

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


def _is_answer(value: Mapping[str, Any]) -> bool:
    """Whether a JSON text of status 200 holds what a model said, in any of the wire formats."""
    parts = (value.get(name) for name in ("choices", "content", "candidates", "message", "output"))
    return any(isinstance(part, dict | list) for part in parts) or isinstance(value.get("response"), str)


def _as_stream(value: Any) -> bytes:
    """A whole answer as the one chunk of a stream."""
    choices = [
        {"index": 0, "delta": choice.get("message"), "finish_reason": choice.get("finish_reason")}
        for choice in value.get("choices") or ()
        if isinstance(choice, dict)
    ]
    chunk = {**value, "object": "chat.completion.chunk", "choices": choices}
    return b"data: " + json.dumps(chunk).encode() + b"\n\ndata: [DONE]\n\n"


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
