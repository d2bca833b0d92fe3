"""The one table of parameters that servers refuse, and what is sent instead.

A 400 or a 422 that names one is asked again, once for each parameter, without it or with its replacement. What was
learned is remembered for that model at that address as long as the host lives, and said in the request log.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ralphd.model_host.child.error_bodies import LONGEST
from ralphd.model_host.child.provider_library import ProviderRequest
from ralphd.models.gateway import Message


@dataclass(frozen=True)
class Refusal:
    """One row: when a refusal means this parameter, whether it was sent, and the request to send instead."""

    name: str
    """What the log says."""
    means: re.Pattern[str]
    sent: Callable[[ProviderRequest], bool]
    instead: Callable[[ProviderRequest], ProviderRequest]


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _without(name: str) -> Callable[[ProviderRequest], ProviderRequest]:
    return lambda request: replace(request, left_out=request.left_out | {name})


def _joined(request: ProviderRequest) -> ProviderRequest:
    """The system messages' texts put before the first message of the person."""
    system = [message.content for message in request.messages if message.role == "system"]
    rest = [message for message in request.messages if message.role != "system"]
    if not rest or rest[0].role != "user":
        rest.insert(0, Message(role="user", content=""))
    first = Message(role="user", content="\n\n".join([*system, rest[0].content]).strip())
    return replace(request, messages=(first, *rest[1:]), stable_prefix=min(1, request.stable_prefix))


TABLE: tuple[Refusal, ...] = (
    Refusal(
        "max_tokens as max_completion_tokens",
        _words(r"\bmax_completion_tokens\b"),
        lambda request: not request.renamed and "max_tokens" not in request.left_out,
        lambda request: replace(request, renamed=True),
    ),
    Refusal(
        "without max_tokens",
        _words(r"\bmax_(?:output_|completion_|new_)?tokens\b"),
        lambda request: "max_tokens" not in request.left_out,
        lambda request: replace(request, renamed=False, left_out=request.left_out | {"max_tokens"}),
    ),
    Refusal(
        "without stream_options",
        _words(r"\bstream_options\b|\binclude_usage\b"),
        lambda request: request.stream and "stream_options" not in request.left_out,
        _without("stream_options"),
    ),
    Refusal(
        "without temperature",
        _words(r"\btemperature\b"),
        lambda request: request.temperature is not None,
        lambda request: replace(request, temperature=None),
    ),
    Refusal(
        "system role joined to the first user message",
        _words(
            r"\bsystem(?:`|'|\")?[ _](?:role|message|prompt|instruction)s?\b.{0,60}(?:not|un)[ ]?(?:support|enabl|allow|permit)"
            r"|developer instruction is not enabled|roles must alternate|only user(?:,| and) (?:assistant|model)"
            r"|(?:not|un)[ ]?support\w* .{0,40}\bsystem\b|invalid role:? ?.{0,3}system"
            r"|\brole\b.{0,60}(?:should|must) be .{0,20}\buser\b"
        ),
        lambda request: any(message.role == "system" for message in request.messages),
        _joined,
    ),
    Refusal(
        "not streamed",
        _words(r"\bstream(?:ing)?\b.{0,60}(?:not support|unsupport|not allow|not enabled)|verified to stream"),
        lambda request: request.stream,
        lambda request: replace(request, stream=False),
    ),
)


def refused(body: str, request: ProviderRequest) -> Refusal | None:
    """The parameter of `request` that a server's 400 or 422 is about; None where it is about none."""
    text = body[:LONGEST]
    for row in TABLE:
        if row.sent(request) and row.means.search(text):
            return row
    for name in request.configured.extra_body:
        if name not in request.left_out and re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", text):
            return Refusal(f"without {name}", _words("$^"), lambda _: True, _without(name))
    return None


@dataclass
class Learned:
    """What one model at one address has shown of itself."""

    refusals: dict[str, Refusal] = field(default_factory=dict)
    """By name, in the order in which they were met."""
    context_window: int | None = None
    most_output: int | None = None

    def adapt(self, request: ProviderRequest) -> ProviderRequest:
        for row in self.refusals.values():
            if row.sent(request):
                request = row.instead(request)
        return request


class Quirks:
    """What was learned of every server that this host has asked. Shared by all configurations: it is of the server."""

    def __init__(self) -> None:
        self._by_model: dict[tuple[str, str, str | None], Learned] = {}

    def of(self, request: ProviderRequest) -> Learned:
        resolved = request.resolved
        return self._by_model.setdefault((resolved.provider, resolved.sent_as, request.endpoint.api_base), Learned())
