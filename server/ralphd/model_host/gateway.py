"""The models of one workspace: the model host seen through one configuration that never changes."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence

from ralphd.errors import HostStopped, ModelError
from ralphd.model_host.client import HostClient
from ralphd.model_host.wire import (
    CallConfig,
    ConfiguredModel,
    Describe,
    Described,
    Logged,
    LogReading,
    Mask,
    Masked,
    Probe,
    Probed,
)
from ralphd.models.gateway import (
    Completion,
    CompletionRequest,
    OnEvent,
    Reading,
    ResolvedModel,
    Role,
    Waiting,
    ignore_event,
)


class HostGateway:
    """A `Gateway` whose every request carries this configuration. Other gateways over the same host do not touch it."""

    def __init__(
        self, client: HostClient, config: CallConfig, local_busy: Callable[[], Awaitable[bool]] | None = None
    ) -> None:
        """`local_busy`: whether the embedded model is answering somebody now; None where it is not used."""
        self._client, self._local_busy = client, local_busy
        self.config = config

    async def complete(self, request: CompletionRequest, on_event: OnEvent = ignore_event) -> Completion:
        chain = self.config.roles.get(request.role, ())
        if self._local_busy is not None and chain and chain[0].local and await self._local_busy():
            on_event(Waiting(role=request.role))
        return await self._client.complete(self.config, request, on_event)

    async def log_reading(self, reading: Reading) -> None:
        if self.config.log is not None and reading.call:
            with contextlib.suppress(ModelError):
                await self._client.ask(
                    Logged, lambda id: LogReading(id=id, config=self.config, reading=reading), load=False
                )

    async def masked(self, texts: Sequence[str]) -> tuple[str, ...]:
        """The texts as they would leave for a provider."""
        answer = await self._client.ask(
            Masked, lambda id: Mask(id=id, config=self.config, texts=tuple(texts)), load=False
        )
        return answer.texts

    def first(self, role: Role) -> ResolvedModel:
        """The role's model as configured: known without waiting for the host."""
        chain = self.config.roles.get(role, ())
        return _unresolved(chain[0], None) if chain else ResolvedModel(model="", provider="")

    async def describe(self, role: Role) -> ResolvedModel:
        chain = await self.describe_chain(role)
        if not chain:
            problem = f"No model is configured for the {role}."
            return ResolvedModel(model="", provider="", key_present=False, problem=problem)
        return chain[0]

    async def describe_chain(self, role: Role) -> tuple[ResolvedModel, ...]:
        """The role's model and its fallbacks. Where the host cannot say, each with the reason as its problem. Raises
        `HostStopped`, which says nothing about the models."""
        try:
            answer = await self._client.ask(
                Described, lambda id: Describe(id=id, config=self.config, role=role), load=True
            )
        except HostStopped:
            raise
        except ModelError as error:
            return tuple(_unresolved(model, str(error)) for model in self.config.roles.get(role, ()))
        return answer.chain

    async def probe(self, role: Role) -> tuple[str | None, ...]:
        """By model of the role's chain: None where something listens at its address, else what is wrong."""
        answer = await self._client.ask(Probed, lambda id: Probe(id=id, config=self.config, role=role), load=True)
        return answer.problems

    async def close(self) -> None:
        """The host serves other gateways too and lives on: nothing to close."""


def _unresolved(model: ConfiguredModel, problem: str | None) -> ResolvedModel:
    return ResolvedModel(
        model=model.model,
        provider="local" if model.local else model.provider or "",
        local=model.local,
        key_present=problem is None,
        problem=problem,
    )
