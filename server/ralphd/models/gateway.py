"""What the rest of ralphd knows of models: the `Gateway` protocol and its typed messages.

Phases ask by role; which model answers, with which key, over which wire is not theirs to know.
The messages between the server and the model host are built from the same types.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from ralphd.core.run import ROLES as ROLES
from ralphd.core.run import Role as Role


class Wire(BaseModel):
    """Base of everything that crosses a process border: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Message(Wire):
    role: Literal["system", "user", "assistant"]
    content: str


class CompletionRequest(Wire):
    """One question to one role. Byte-stable: equal requests have equal cache keys."""

    role: Role
    messages: tuple[Message, ...]
    temperature: float | None = None
    """Overrides the role's own, for a deliberately different sample."""
    max_tokens: int | None = None
    """Fewer than the role's own limit, for a short answer."""
    sample: int = 0
    """Number of a deliberate fresh sample: part of the cache key, so that it is not answered from the cache."""
    stable_prefix: int = 1
    """How many leading messages never change within a run (for the providers' prompt caches)."""
    may_shorten: bool = False
    """The caller can shorten this prompt: when it does not fit a model's window, `ContextTooLong` is raised at once.
    Otherwise the role's next model is asked."""


class Usage(Wire):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    calls: int = 0

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            calls=self.calls + other.calls,
        )


class PriceTier(Wire):
    """What tokens cost once a prompt is longer than `above_tokens`."""

    above_tokens: int
    input_usd_per_token: float
    output_usd_per_token: float
    cache_write_usd_per_token: float | None = None


class Spent(Wire):
    """What a call that failed has used all the same, by the host's own count; the model host's client puts it on the error."""

    usage: Usage
    cost_usd: float | None


def spent_by(error: BaseException) -> Spent | None:
    """None where nobody counted."""
    spent = getattr(error, "spent", None)
    return spent if isinstance(spent, Spent) else None


class Completion(Wire):
    """A whole answer, from exactly one model. `finish_reason` is never proof of completeness."""

    text: str
    model: str
    """The deployment that really answered, as LiteLLM names it."""
    provider: str
    finish_reason: str = "stop"
    usage: Usage = Usage()
    cost_usd: float | None = None
    """None: no known price. 0.0 only where zero is known (local, Ollama, a cache hit, `prices`)."""
    cached: bool = False
    duration_s: float = 0.0
    call: str = ""
    """Names the call in the request log; "" where none is kept."""


class Reading(Wire):
    """What became of an answer when it was read: its line in the request log, beside those of the requests."""

    call: str
    """The `Completion.call` of the answer."""
    role: Role
    model: str
    verdict: Literal["edited", "refused", "asked"]
    rules: tuple[str, ...] = ()
    """The rules that reading it needed, a sentence each."""
    why: str = ""
    """Why it was refused, or what it was shown, as the model is told."""


class ResolvedModel(Wire):
    """A model as it would be asked now: what is known of it before any call, and nothing secret."""

    model: str
    provider: str
    """As LiteLLM calls it; "local" for the embedded model."""
    sent_as: str = ""
    """The model's name in the request, without the provider's."""
    local: bool = False
    address: str | None = None
    """Where its requests go; None where that depends on a region or an account."""
    context_window: int | None = None
    max_output_tokens: int | None = None
    """What a call asks for at most."""
    input_usd_per_token: float | None = None
    output_usd_per_token: float | None = None
    cache_write_usd_per_token: float | None = None
    """Of a prompt's tokens that are written to the provider's cache."""
    reasoning_usd_per_token: float | None = None
    """Of an answer's tokens that are reasoning, where they cost something else."""
    tiers: tuple[PriceTier, ...] = ()
    """Dearer prices of long prompts."""
    price_entry: str | None = None
    """The entry of LiteLLM's table that the prices come from; None: they are the person's own, zero, or unknown."""
    marks_cached_prefix: bool = False
    """Its provider caches the prefix that a request marks, instead of finding it by itself."""
    quirks: str = ""
    """What is known of its provider and worth a sentence."""
    key_present: bool = True
    key_from: str = ""
    """The variable or place that its key comes from; never the key."""
    problem: str | None = None
    """Why it could not be called now: a sentence that names the variable to set, or None."""


class Delta(Wire):
    """Streamed text. The deltas of one `attempt` join to exactly what the model sent."""

    attempt: int
    text: str


class ModelChosen(Wire):
    role: Role
    model: str
    attempt: int


class Retrying(Wire):
    """Waiting before the same model is asked again."""

    role: Role
    model: str
    attempt: int
    wait_ms: int
    why: str
    paid: int = 0
    """Requests of this call so far that used tokens and brought no answer."""


class FellBack(Wire):
    role: Role
    from_model: str
    to_model: str
    why: str
    paid: int = 0
    """As in `Retrying`."""


class Starting(Wire):
    """The process that talks to models is still loading; the call waits for it and can be cancelled meanwhile."""

    role: Role


class Waiting(Wire):
    """The embedded model is answering another request; this one waits its turn."""

    role: Role


GatewayEvent = Delta | ModelChosen | Retrying | FellBack | Starting | Waiting
OnEvent = Callable[[GatewayEvent], None]


def ignore_event(event: GatewayEvent) -> None:
    """The `on_event` of a caller that does not watch."""


class Gateway(Protocol):
    """Asks models. Cancelling the awaiting task cancels the call; it is still booked."""

    async def complete(self, request: CompletionRequest, on_event: OnEvent = ignore_event) -> Completion:
        """The whole answer, or a `ModelError`."""

    async def log_reading(self, reading: Reading) -> None:
        """Keeps in the request log how an answer was read. Never raises: a log is no reason to lose an answer."""

    def first(self, role: Role) -> ResolvedModel:
        """The role's first model by name and kind, as configured: told at once, without what only the host knows."""

    async def describe(self, role: Role) -> ResolvedModel:
        """What is known of the role's first model; never a paid call."""

    async def close(self) -> None: ...
