"""Providers beyond the five wires: where a request goes, with which key, in which shape."""

from __future__ import annotations

import pytest

from ralphd.errors import ModelError
from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from ralphd.settings.schema import KeyRef
from tests.support.providers import Provider, Reply
from tests.wire.conftest import CANARIES, config, deployment, request

pytestmark = pytest.mark.asyncio(loop_scope="session")
KEY = CANARIES["RALPH_TEST_KEY"]


@pytest.mark.parametrize(
    ("model", "asked_as"),
    [
        ("groq/openai/gpt-oss-20b", "openai/gpt-oss-20b"),
        ("mistral/mistral-small-latest", "mistral-small-latest"),
        ("openrouter/qwen/qwen3-coder", "qwen/qwen3-coder"),
        ("litellm_proxy/team-model", "team-model"),
        ("hosted_vllm/Qwen/Qwen3", "Qwen/Qwen3"),
        ("deepseek/deepseek-chat", "deepseek-chat"),
        ("xai/grok-4.5", "grok-4.5"),
        ("huggingface/meta-llama/Llama-3.3-70B-Instruct", "meta-llama/Llama-3.3-70B-Instruct"),
    ],
)
async def test_openai_shaped_providers(host: HostClient, openai: Provider, model: str, asked_as: str) -> None:
    gateway = HostGateway(host, config(deployment(openai, model=model, api_key=KeyRef(env="RALPH_TEST_KEY"))))
    answer = await gateway.complete(request("routed?"))
    (sent,) = openai.requests
    assert (answer.text, answer.provider) == ("Hello, world", model.partition("/")[0])
    assert sent.path.endswith("/chat/completions")
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.body["model"] == asked_as and "routed?" in str(sent.body["messages"])


@pytest.mark.parametrize("name", ["groq", "mistral", "openrouter", "deepseek", "xai", "together_ai", "huggingface"])
async def test_their_own_keys_stay_at_home(host: HostClient, openai: Provider, name: str) -> None:
    gateway = HostGateway(host, config(deployment(openai, model=f"{name}/some-model")))
    await gateway.complete(request())
    seen = f"{openai.requests[0].headers} {openai.requests[0].body}"
    assert not [variable for variable, value in CANARIES.items() if value in seen]


async def test_bedrock(host: HostClient, openai: Provider) -> None:
    """Signed by AWS's rules; at an address that is not AWS's nothing of the person's credentials goes along."""
    openai.default = Reply(status=400, error="not bedrock")
    model = "bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0"
    gateway = HostGateway(host, config(deployment(openai, model=model, api_base=openai.origin)))
    with pytest.raises(ModelError):
        await gateway.complete(request())
    seen = "".join(f"{sent.headers} {sent.query} {sent.body}" for sent in openai.requests)
    assert CANARIES["AWS_ACCESS_KEY_ID"] not in seen and CANARIES["AWS_SECRET_ACCESS_KEY"] not in seen


async def test_bedrock_request_shape(host: HostClient, openai: Provider) -> None:
    """A gateway that speaks Bedrock, with its own bearer key: the Converse API's path and body."""
    openai.default = Reply(status=400, error="not bedrock")
    model = "bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0"
    bound = deployment(openai, model=model, api_base=openai.origin, api_key=KeyRef(env="RALPH_TEST_KEY"))
    gateway = HostGateway(host, config(bound))
    with pytest.raises(ModelError):
        await gateway.complete(request("routed?"))
    sent = openai.requests[0]
    assert sent.path.startswith("/model/anthropic.claude-sonnet-4-5-20250929-v1") and "/converse" in sent.path
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.body["messages"][-1]["role"] == "user" and "routed?" in str(sent.body["messages"][-1]["content"])
    assert "maxTokens" in sent.body["inferenceConfig"]
