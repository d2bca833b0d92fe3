"""What a provider's server answers, and what it was asked: values that are the same for every wire format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Wire = Literal[
    "openai",
    "anthropic",
    "gemini",
    "azure",
    "ollama",
    "mistral",
    "deepseek",
    "openrouter",
    "vllm",
    "llama_cpp",
    "lm_studio",
]
Break = Literal["reset", "eof", "clean_eof", "stall", "keepalive"]


@dataclass(frozen=True)
class Fault:
    """What happens to a stream after `after` bytes of its body (None: after `events` whole events)."""

    kind: Break
    after: int | None = None
    events: int = 0


@dataclass(frozen=True)
class Reply:
    """One answer. `status` other than 200 gives the provider's own error shape with `error` as its message."""

    pieces: tuple[str, ...] = ("Hello", ", ", "world")
    prompt_tokens: int = 11
    completion_tokens: int = 7
    """Of the text and the thoughts together."""
    cached_tokens: int = 0
    finish: str | None = "stop"
    """stop, length or filter; None: the stream ends without saying why."""
    model: str | None = None
    """The name that the answer bears; None: the one that was asked for."""
    usage: bool = True
    status: int = 200
    error: str = "it went wrong"
    error_fields: Mapping[str, Any] | None = None
    """Put into the error object beside what is always there."""
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None
    """Sent as it is, with `content_type`."""
    content_type: str | None = None
    ignore_stream: bool = False
    """Answer a streamed request with one JSON body."""
    extra_events: tuple[bytes, ...] = ()
    """Put into the stream as they are after the first piece."""
    pause_s: float = 0.0
    """Between pieces."""
    split: int | None = None
    """Write the stream in slices of this many bytes, whatever they cut through."""
    crlf: bool = False
    fault: Fault | None = None
    thoughts: str = ""
    """What the model thinks before it writes, in the form in which this provider shows it."""
    reasoning_tokens: int = 0

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True)
class Recorded:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    at: float

    @property
    def streamed(self) -> bool:
        if "streamGenerateContent" in self.path:
            return True
        return bool(self.body.get("stream")) if isinstance(self.body, dict) else False

    @property
    def model(self) -> str:
        """The model that is asked, from the body or the path."""
        if isinstance(self.body, dict) and isinstance(self.body.get("model"), str):
            return str(self.body["model"])
        for mark in ("/models/", "/deployments/"):
            if mark in self.path:
                return self.path.partition(mark)[2].partition("/")[0].partition(":")[0]
        return "unknown"


def broken(reply: Reply, kind: Break, *, after: int | None = None, events: int = 0) -> Reply:
    return replace(reply, fault=Fault(kind, after, events))
