"""The typed messages between the server and the model host: JSON lines over two pipes, imported by both sides.

Values only. No key ever stands in one of these: keys travel as references (`KeyRef`), and the host resolves them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from ralphd.models.gateway import (
    Completion,
    CompletionRequest,
    GatewayEvent,
    ModelInfo,
    Role,
    Usage,
    Wire,
)
from ralphd.settings.schema import KeyRef, Price

MAX_MESSAGE = 64 * 1024 * 1024
"""Longer lines are an error of the peer, not a message."""


class Deployment(Wire):
    """One model at one endpoint, aliases and retired names already resolved."""

    model: str
    provider: str | None = None
    api_base: str | None = None
    api_key: KeyRef | None = None
    """Bound to the `api_base` beside it; to the provider's own host where there is none."""
    api_version: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    timeout_s: float = 120.0
    headers: Mapping[str, KeyRef] = {}
    """Sent along to `api_base`."""
    local: bool = False
    """The embedded model: on this machine, free of charge."""
    problem: str | None = None
    """Why it cannot be asked at all; said instead of asking."""


class CacheConfig(Wire):
    type: Literal["disk", "redis"] = "disk"
    dir: str | None = None
    url: KeyRef | None = None
    ttl_s: int = 3600


class LogConfig(Wire):
    path: str
    bodies: bool = True
    max_bytes: int = 10 * 1024 * 1024
    keep: int = 3
    """How many rotated files stay beside the live one."""


class Limits(Wire):
    """Every wait and every size of one call. Tests scale them down."""

    retry_after_s: float = 60.0
    """A provider that asks for a longer wait is passed over at once."""
    max_response_bytes: int = 32 * 1024 * 1024
    total_factor: float = 5.0
    """A whole answer may take this many time-outs: a stream that trickles for ever ends."""


class HostConfig(Wire):
    """All that the host knows of the settings. A new one replaces the old for calls that start after it."""

    roles: Mapping[Role, tuple[Deployment, ...]] = {}
    """The chain of each role: its model, then its fallbacks."""
    provider_keys: Mapping[str, KeyRef] = {}
    """`api_keys.<provider>`: each goes to that provider's default hosts only."""
    prices: Mapping[str, Price] = {}
    retry_attempts: int = 3
    """Requests per model in all."""
    retry_delay_ms: int = 2000
    cache: CacheConfig | None = None
    cache_scope: str = ""
    """Part of every cache key: answers of one trust are not given to another."""
    log: LogConfig | None = None
    prompt_caching: bool = True
    limits: Limits = Limits()


# server -> host


class Configure(Wire):
    type: Literal["configure"] = "configure"
    config: HostConfig


class Complete(Wire):
    type: Literal["complete"] = "complete"
    id: int
    request: CompletionRequest


class Cancel(Wire):
    """Stop the call `id`; the host answers with its `Failed(code="cancelled")`, within 150 ms or it is killed."""

    type: Literal["cancel"] = "cancel"
    id: int


class Describe(Wire):
    type: Literal["describe"] = "describe"
    id: int
    role: Role


class Probe(Wire):
    """Is something listening at the endpoint of each deployment of `role`? A TCP connection, never a paid call."""

    type: Literal["probe"] = "probe"
    id: int
    role: Role


class KeysPresent(Wire):
    type: Literal["keys_present"] = "keys_present"
    id: int
    names: tuple[str, ...]


class Ping(Wire):
    type: Literal["ping"] = "ping"
    id: int
    payload: str = ""


ToHost = Annotated[Configure | Complete | Cancel | Describe | Probe | KeysPresent | Ping, Field(discriminator="type")]

# host -> server


class Hello(Wire):
    type: Literal["hello"] = "hello"
    pid: int


class Ready(Wire):
    """The provider library is loaded; or it is not there, and `problem` says so."""

    type: Literal["ready"] = "ready"
    problem: str | None = None


class Streamed(Wire):
    type: Literal["event"] = "event"
    id: int
    event: GatewayEvent


class Done(Wire):
    type: Literal["done"] = "done"
    id: int
    completion: Completion


class Failed(Wire):
    """`usage` and `cost_usd`: what the failed requests have used up all the same."""

    type: Literal["failed"] = "failed"
    id: int
    code: str
    message: str
    hint: str = ""
    partial: str = ""
    retry_after_s: float | None = None
    usage: Usage = Usage()
    cost_usd: float | None = None


class Described(Wire):
    """The whole chain of a role, first model first."""

    type: Literal["described"] = "described"
    id: int
    chain: tuple[ModelInfo, ...]


class Probed(Wire):
    """By deployment of the chain: None where something listens, else what went wrong."""

    type: Literal["probed"] = "probed"
    id: int
    problems: tuple[str | None, ...]


class Keys(Wire):
    type: Literal["keys"] = "keys"
    id: int
    present: tuple[str, ...]


class Pong(Wire):
    type: Literal["pong"] = "pong"
    id: int
    payload: str


FromHost = Annotated[
    Hello | Ready | Streamed | Done | Failed | Described | Probed | Keys | Pong, Field(discriminator="type")
]

CANCELLED = "cancelled"
"""The code of a `Failed` that answers a `Cancel`; not a `ModelError`."""


def named(ref: KeyRef) -> str:
    """What a person has to set so that `ref` finds something."""
    return ref.env or f"{ref.pointer} in {ref.file}"


to_host: TypeAdapter[ToHost] = TypeAdapter(ToHost)
from_host: TypeAdapter[FromHost] = TypeAdapter(FromHost)


def encode(message: Wire) -> bytes:
    """One line. JSON escapes line ends, so a line end is always a message's end."""
    try:
        return message.model_dump_json().encode() + b"\n"
    except ValueError:
        # A lone surrogate, out of a half-sent emoji or a strange document: no encoding of the wire can carry it.
        return json.dumps(_without_surrogates(message.model_dump()), default=str).encode() + b"\n"


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {key: _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value
