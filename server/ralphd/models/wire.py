"""The typed messages between the server and the model host: JSON lines over two pipes, imported by both sides.

Values only. No key ever stands in one of these: keys travel as references (`KeyRef`), and the host resolves them.
"""

from __future__ import annotations

from typing import Annotated, Literal

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

MAX_MESSAGE = 64 * 1024 * 1024
"""Longer lines are an error of the peer, not a message."""


class KeyRef(Wire):
    """Where a key is to be found, never the key: an environment variable, or a place in a file of the person's own."""

    env: str | None = None
    file: str | None = None
    pointer: str | None = None
    """JSON pointer into `file`; None: the whole file, stripped."""

    def named(self) -> str:
        """What a person has to set."""
        return self.env or f"{self.file}{'#' + self.pointer if self.pointer else ''}"


class Price(Wire):
    """The person's own word on a model's price."""

    input_usd_per_mtok: float = Field(ge=0, allow_inf_nan=False)
    output_usd_per_mtok: float = Field(ge=0, allow_inf_nan=False)


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
    headers: dict[str, str] = {}
    local: bool = False
    """The embedded model: on this machine, free of charge."""


class CacheConfig(Wire):
    type: Literal["disk", "redis"] = "disk"
    dir: str | None = None
    url: str | None = None
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

    roles: dict[Role, tuple[Deployment, ...]] = {}
    """The chain of each role: its model, then its fallbacks."""
    provider_keys: dict[str, KeyRef] = {}
    """`api_keys.<provider>`: each goes to that provider's default hosts only."""
    prices: dict[str, Price] = {}
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

to_host: TypeAdapter[ToHost] = TypeAdapter(ToHost)
from_host: TypeAdapter[FromHost] = TypeAdapter(FromHost)


def encode(message: Wire) -> bytes:
    """One line. JSON escapes line ends, so a line end is always a message's end."""
    return message.model_dump_json().encode("utf-8", "surrogatepass") + b"\n"
