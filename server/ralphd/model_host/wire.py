"""The typed messages between the server and the model host: JSON lines over two pipes, imported by both sides.

Every request carries the whole `CallConfig` that it is meant for, so that nothing in the host depends on which message
came before. Every request has an `id` and is answered exactly once, with its own kind of answer or with `Failed`.
Values only: keys travel as references (`KeyRef`), and the host resolves them; only a key that the person typed into the
editor travels itself, once, in a `SetKey`.
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
    Reading,
    ResolvedModel,
    Role,
    Usage,
    Wire,
)
from ralphd.settings.schema import KeyRef, Price

MAX_MESSAGE = 64 * 1024 * 1024
"""Longer lines are an error of the peer, not a message."""


class ConfiguredModel(Wire):
    """One model at one endpoint as the settings name it; aliases and retired names are already replaced."""

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
    drop_params: tuple[str, ...] = ()
    """Parameters that are never sent to it."""
    extra_body: Mapping[str, Any] = {}
    """Further fields of the request's body."""
    context_window: int | None = None
    """Tokens of prompt and answer together, where the settings name it."""
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
    connect_s: float = 20.0
    """For a connection to be made."""
    silence_factor: float = 0.5
    """Once there was text, the next may take this part of the time-out."""
    max_response_bytes: int = 32 * 1024 * 1024
    total_factor: float = 5.0
    """A whole answer may take this many time-outs: a stream that trickles for ever ends."""


class CallConfig(Wire):
    """All that a call needs of the settings of one workspace. It never changes; other settings make another one."""

    roles: Mapping[Role, tuple[ConfiguredModel, ...]] = {}
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

    def longest_call_s(self, role: Role) -> float:
        """Seconds after which the host must have answered a `Complete` for `role`, whatever its providers do."""
        seconds = 0.0
        for model in self.roles.get(role, ()):
            requests = self.retry_attempts + _EXTRA_REQUESTS
            waits = self.retry_attempts * max(
                self.limits.retry_after_s, self.retry_delay_ms / 1000 * self.retry_attempts
            )
            seconds += requests * model.timeout_s * self.limits.total_factor + waits
        return seconds


_EXTRA_REQUESTS = 10
"""Requests beside the retries: one for each parameter that a server refuses, and one without streaming."""


# server -> host


class Load(Wire):
    """Load the provider library now. The host answers with `Loading` while it goes on, and at its end with `Ready`."""

    type: Literal["load"] = "load"


class Complete(Wire):
    type: Literal["complete"] = "complete"
    id: int
    config: CallConfig
    request: CompletionRequest


class Cancel(Wire):
    """Stop the call `id`; the host answers with its `Failed(code="cancelled")`, within 150 ms or it is killed."""

    type: Literal["cancel"] = "cancel"
    id: int


class LogReading(Wire):
    """Append how an answer was read to the request log, masked like every line of it."""

    type: Literal["log_reading"] = "log_reading"
    id: int
    config: CallConfig
    reading: Reading


class Describe(Wire):
    type: Literal["describe"] = "describe"
    id: int
    config: CallConfig
    role: Role


class Probe(Wire):
    """Is something listening at the address of each model of `role`? A TCP connection, never a paid call."""

    type: Literal["probe"] = "probe"
    id: int
    config: CallConfig
    role: Role


class KeysPresent(Wire):
    type: Literal["keys_present"] = "keys_present"
    id: int
    names: tuple[str, ...]


class Mask(Wire):
    """Which texts would leave for a provider in place of these: keys that the host knows, and what looks like one, masked."""

    type: Literal["mask"] = "mask"
    id: int
    config: CallConfig
    texts: tuple[str, ...]


class SetKey(Wire):
    """A key that the person typed into the editor: kept in the host's memory, for `provider`'s own host only; an empty
    one is forgotten. The one message that holds a key."""

    type: Literal["set_key"] = "set_key"
    id: int
    provider: str
    key: str = Field(repr=False)


class Ping(Wire):
    type: Literal["ping"] = "ping"
    id: int
    payload: str = ""


ToHost = Annotated[
    Load | Complete | Cancel | LogReading | Describe | Probe | KeysPresent | Mask | SetKey | Ping,
    Field(discriminator="type"),
]

# host -> server


class Hello(Wire):
    type: Literal["hello"] = "hello"
    pid: int


class Loading(Wire):
    """The import of the provider library has gone on since the last message: modules were loaded, or processor time
    was used. A host that loads and does not send this stands still."""

    type: Literal["loading"] = "loading"
    modules: int


class Alive(Wire):
    """The host's event loop turns. Sent every few seconds while a request is under way."""

    type: Literal["alive"] = "alive"


class Ready(Wire):
    """The provider library is loaded; or it cannot be, and `problem` says why."""

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
    """The answer to any request that failed. `usage` and `cost_usd`: what the failed requests have used up all the same."""

    type: Literal["failed"] = "failed"
    id: int
    code: str
    message: str
    hint: str = ""
    partial: str = ""
    retry_after_s: float | None = None
    usage: Usage = Usage()
    cost_usd: float | None = None


class Logged(Wire):
    type: Literal["logged"] = "logged"
    id: int


class Described(Wire):
    """The whole chain of a role, first model first."""

    type: Literal["described"] = "described"
    id: int
    chain: tuple[ResolvedModel, ...]


class Probed(Wire):
    """By model of the chain: None where something listens, else what went wrong."""

    type: Literal["probed"] = "probed"
    id: int
    problems: tuple[str | None, ...]


class Keys(Wire):
    type: Literal["keys"] = "keys"
    id: int
    present: tuple[str, ...]


class Masked(Wire):
    type: Literal["masked"] = "masked"
    id: int
    texts: tuple[str, ...]


class Pong(Wire):
    type: Literal["pong"] = "pong"
    id: int
    payload: str


FromHost = Annotated[
    Hello | Loading | Alive | Ready | Streamed | Done | Failed | Logged | Described | Probed | Keys | Masked | Pong,
    Field(discriminator="type"),
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
