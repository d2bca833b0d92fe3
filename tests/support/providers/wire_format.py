"""What a provider's server has to know of its own wire format, and the two framings that streams have."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tests.support.providers.replies import Recorded, Reply


class WireFormat:
    """One provider's bodies. A format overrides what is its own."""

    base = ""
    """What a person writes after the address: part of `api_base`."""
    streamed_as = "text/event-stream"
    keep_alive = b": ping\n\n"
    """What its server sends while nothing is to be said."""
    first_text = 0
    """Number of the event that holds the first piece of text."""
    finishes: ClassVar[Mapping[str, str]] = {}
    """By our three reasons to end (stop, length, filter), this provider's word."""

    def whole(self, model: str, reply: Reply) -> Any:
        """An answer that is not streamed, as JSON."""
        raise NotImplementedError

    def events(self, model: str, reply: Reply) -> Iterator[bytes]:
        """The events of a streamed answer, each as the bytes on the wire."""
        raise NotImplementedError

    def error(self, reply: Reply) -> Any:
        """Its own shape of an error."""
        raise NotImplementedError

    def complains(self, request: Recorded) -> Reply | None:
        """The refusal of a request that a real server of this kind would not take."""
        return None

    def asked(self, request: Recorded, reply: Reply) -> Reply:
        """The reply as this request changes it: some leave out what was not asked for."""
        return reply

    def ended(self, reply: Reply) -> str | None:
        return None if reply.finish is None else self.finishes.get(reply.finish, reply.finish)


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def sse(value: Any, event: str | None = None, *, crlf: bool = False) -> bytes:
    """One server-sent event; `value` is JSON, or bytes that are sent as they are."""
    end = b"\r\n" if crlf else b"\n"
    head = b"event: " + event.encode() + end if event else b""
    data = value if isinstance(value, bytes) else as_json(value)
    return head + b"data: " + data + end + end
