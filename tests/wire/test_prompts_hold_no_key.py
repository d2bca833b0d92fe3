"""A key that a test printed, or that stands in a file, reaches no provider: the model host masks prompts."""

from __future__ import annotations

import json

import pytest

from ralphd.model_host.child.redaction import MASK
from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from tests.support.providers import Provider
from tests.wire.conftest import CANARIES, config, deployment, request

pytestmark = pytest.mark.asyncio(loop_scope="session")
SHAPED = "ghp_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0xR"
CODE = 'password = ask("password: ")\ntoken = request.headers["token"]\nsk_live = "not a key"\n'


async def test_known_values_and_key_shapes_do_not_leave(host: HostClient, provider: Provider) -> None:
    values = [*CANARIES.values(), SHAPED]
    printed = "E  environ = " + " ".join(values)
    await HostGateway(host, config(deployment(provider))).complete(request(f"{printed}\n{CODE}"))
    sent = json.dumps(provider.requests[-1].body)
    for value in values:
        assert value not in sent
    assert MASK in sent


@pytest.mark.parametrize("line", CODE.splitlines())
async def test_ordinary_code_arrives_as_it_is(host: HostClient, openai: Provider, line: str) -> None:
    await HostGateway(host, config(deployment(openai))).complete(request(line))
    assert openai.requests[-1].body["messages"][-1]["content"] == line
