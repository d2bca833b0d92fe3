"""One model host for all tests of this folder (it takes seconds to load), and provider servers on loopback."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio

from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from ralphd.model_host.wire import CacheConfig, CallConfig, ConfiguredModel, Limits, LogConfig
from ralphd.models.gateway import CompletionRequest, Delta, GatewayEvent, Message, Role
from ralphd.settings.schema import KeyRef, Price
from tests.support.providers import COMPATIBLE, WIRES, Provider, Wire

CANARIES = {
    "OPENAI_API_KEY": "sk-proj-canary0openai0canary0openai",
    "ANTHROPIC_API_KEY": "sk-ant-canary0anthropic0canary0",
    "GEMINI_API_KEY": "AIzaCanary0gemini0canary0gemini0canary00",
    "AZURE_API_KEY": "canary0azure0canary0azure0canary",
    "MISTRAL_API_KEY": "canaryMistral0canaryMistral0cana",
    "GROQ_API_KEY": "gsk_canary0groq0canary0groq0canary",
    "OPENROUTER_API_KEY": "sk-or-v1-canary0openrouter0canary",
    "DEEPSEEK_API_KEY": "sk-canary0deepseek0canary0deepseek",
    "XAI_API_KEY": "xai-canary0xai0canary0xai0canary0xai",
    "TOGETHERAI_API_KEY": "tgp_v1_canary0together0canary0together",
    "FIREWORKS_API_KEY": "fw_canary0fireworks0canary",
    "PERPLEXITYAI_API_KEY": "pplx-canary0perplexity0canary",
    "COHERE_API_KEY": "canaryCohere0canaryCohere0canaryCohere00",
    "HF_TOKEN": "hf_canary0huggingface0canary0",
    "CEREBRAS_API_KEY": "csk-canary0cerebras0canary0",
    "AWS_ACCESS_KEY_ID": "AKIACANARY0CANARY0CA",
    "AWS_SECRET_ACCESS_KEY": "canaryAwsSecret0canaryAwsSecret0canaryAw",
    "RALPH_TEST_KEY": "plain-words-as-a-key-0123456789",
}
"""Keys in the host's environment; none may ever arrive anywhere but where it belongs."""

MODELS: dict[Wire, str] = {
    "openai": "openai/gpt-4.1-mini",
    "anthropic": "anthropic/claude-sonnet-4-5",
    "gemini": "gemini/gemini-2.5-flash",
    "azure": "azure/gpt-4o",
    "ollama": "ollama/qwen2.5-coder",
    "mistral": "mistral/mistral-large-latest",
    "deepseek": "deepseek/deepseek-chat",
    "openrouter": "openrouter/qwen/qwen3-coder",
    "vllm": "hosted_vllm/Qwen/Qwen3-Coder",
    "llama_cpp": "openai/loaded",
    "lm_studio": "lm_studio/loaded",
}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def host(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HostClient]:
    client = HostClient(work_dir=tmp_path_factory.mktemp("host"))
    os.environ.update(CANARIES)
    try:
        await client.prewarm()
    finally:
        for name in CANARIES:
            del os.environ[name]
    await HostGateway(client, CallConfig()).probe("artisan")  # waits until it has loaded
    yield client
    await client.close()


@pytest.fixture(scope="session")
def servers() -> Iterator[dict[Wire, Provider]]:
    running = {wire: Provider(wire) for wire in (*WIRES, *COMPATIBLE)}
    yield running
    for provider in running.values():
        provider.close()


@pytest.fixture(params=WIRES)
def provider(request: pytest.FixtureRequest, servers: dict[Wire, Provider]) -> Provider:
    """A server of each wire in turn."""
    found = servers[request.param]
    found.reset()
    return found


@pytest.fixture(params=COMPATIBLE)
def compatible(request: pytest.FixtureRequest, servers: dict[Wire, Provider]) -> Provider:
    """Each server that speaks OpenAI's format with words of its own, in turn."""
    found = servers[request.param]
    found.reset()
    return found


@pytest.fixture
def openai(servers: dict[Wire, Provider]) -> Provider:
    servers["openai"].reset()
    return servers["openai"]


@pytest.fixture
def anthropic(servers: dict[Wire, Provider]) -> Provider:
    servers["anthropic"].reset()
    return servers["anthropic"]


def deployment(server: Provider, **changes: object) -> ConfiguredModel:
    """The usual model of this wire at the test's server; no key belongs there."""
    values: dict[str, object] = {"model": MODELS[server.wire], "api_base": server.api_base, "timeout_s": 5.0}
    return ConfiguredModel.model_validate({**values, **changes})


def config(
    *chain: ConfiguredModel,
    role: Role = "artisan",
    retry_attempts: int = 3,
    retry_delay_ms: int = 10,
    cache: CacheConfig | None = None,
    cache_scope: str = "",
    log: LogConfig | None = None,
    limits: Limits | None = None,
    prices: dict[str, Price] | None = None,
    provider_keys: dict[str, KeyRef] | None = None,
) -> CallConfig:
    return CallConfig(
        roles={role: chain},
        retry_attempts=retry_attempts,
        retry_delay_ms=retry_delay_ms,
        cache=cache,
        cache_scope=cache_scope,
        log=log,
        limits=limits or Limits(),
        prices=prices or {},
        provider_keys=provider_keys or {},
    )


def request(text: str = "hi", **changes: object) -> CompletionRequest:
    messages = (Message(role="system", content="You are terse."), Message(role="user", content=text))
    return CompletionRequest.model_validate({"role": "artisan", "messages": messages, **changes})


class Watch:
    """Records the events of a call."""

    def __init__(self) -> None:
        self.events: list[GatewayEvent] = []

    def __call__(self, event: GatewayEvent) -> None:
        self.events.append(event)

    def of(self, kind: type[GatewayEvent]) -> list[GatewayEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    def texts(self) -> dict[int, str]:
        """Streamed text by attempt."""
        found: dict[int, str] = {}
        for event in self.events:
            if isinstance(event, Delta):
                found[event.attempt] = found.get(event.attempt, "") + event.text
        return found


async def until(condition: Callable[[], object], call: asyncio.Task[Any]) -> None:
    """Wait for something to happen in `call`; when it ends first, its error is the test's."""
    async with asyncio.timeout(60):
        while not condition():
            if call.done():
                await call
                pytest.fail("the call ended before it happened")
            await asyncio.sleep(0.005)
