"""From settings to chains: who answers for which role, where, with whose key."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralphd.model_host.chains import KEY_NAMES, MAKERS, Places, call_config, log_path
from ralphd.model_host.client import HostClient
from ralphd.model_host.gateway import HostGateway
from ralphd.model_host.wire import CallConfig, ConfiguredModel
from ralphd.settings.schema import KeyRef, Settings

PLACES = Places(Path("/state"), Path("/cache"), "http://127.0.0.1:1234/v1")


def chains(settings: dict[str, object] | None = None, *keys: str, places: Places = PLACES) -> dict[str, list[str]]:
    found = call_config(Settings.model_validate(settings or {}), places, keys)
    return {role: [deployment.model for deployment in chain] for role, chain in found.roles.items()}


def test_without_any_key_the_local_model_answers() -> None:
    found = call_config(Settings(), PLACES)
    for chain in found.roles.values():
        (only,) = chain
        assert (only.model, only.local, only.api_base, only.problem) == (
            "local",
            True,
            "http://127.0.0.1:1234/v1",
            None,
        )
        assert only.api_key is None and only.timeout_s >= 300


def test_without_the_local_model_it_says_so() -> None:
    places = Places(Path("/state"), Path("/cache"), None, "The local model is not installed: run `ralphd demo`.")
    only = call_config(Settings(), places).roles["artisan"][0]
    assert only.problem == "The local model is not installed: run `ralphd demo`."


def test_the_seeds_roles_where_their_keys_are_there() -> None:
    found = chains({}, "OPENAI_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY")
    assert {role: chain[0] for role, chain in found.items()} == {
        "librarian": "gemini/gemini-3.8-flash",
        "artisan": "claude-sonnet-5-5",
        "critic": "gpt-4.1-mini",
        "chaos": "gpt-4o",
    }
    assert found["artisan"][1:] == ["gpt-4.1", "gemini/gemini-pro-latest"]  # the others stand by


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.provider)
def test_with_one_key_its_strong_model_writes_and_its_small_one_does_the_rest(maker) -> None:  # type: ignore[no-untyped-def]
    found = chains({}, maker.key_names[0])
    assert found["artisan"] == [maker.strong]
    assert {*found["librarian"], *found["critic"], *found["chaos"]} == {maker.small}


def test_the_critic_is_somebody_else() -> None:
    assert chains({}, "ANTHROPIC_API_KEY", "GEMINI_API_KEY")["critic"][0] == "gemini/gemini-3.8-flash"
    openai_artisan = {"models": {"artisan": {"model": "gpt-4.1", "provider": "openai"}}}
    assert chains(openai_artisan, "OPENAI_API_KEY", "ANTHROPIC_API_KEY")["critic"][0] == "claude-haiku-5-5"
    same = {"models": {"artisan": {"model": "gpt-4.1-mini", "provider": "openai"}}}
    assert chains(same, "OPENAI_API_KEY")["critic"][0] == "gpt-4.1"


def test_a_key_named_in_the_settings_counts() -> None:
    by_name = {"api_keys": {"google": {"env": "TEAM_KEY"}}}
    assert chains(by_name, "TEAM_KEY")["artisan"] == ["gemini/gemini-pro-latest"]
    assert chains(by_name)["artisan"] == ["local"]
    in_file = {"api_keys": {"openai": {"file": "/home/me/config.yaml", "pointer": "/api_keys/openai"}}}
    assert chains(in_file)["artisan"] == ["gpt-4.1"]


def test_a_configured_role_keeps_its_endpoint_and_key() -> None:
    role = {
        "model": "my-model",
        "api_base": "https://gateway.example/v1",
        "api_key": {"env": "GATEWAY_KEY"},
        "fallback": ["my-other-model", "anthropic/claude-sonnet-5-5", "local"],
        "temperature": 0.1,
        "max_tokens": 123,
        "timeout_s": 9.0,
        "headers": {"X-Team": {"env": "TEAM"}},
    }
    first, second, third, fourth = call_config(Settings.model_validate({"models": {"artisan": role}}), PLACES).roles[
        "artisan"
    ]
    key = KeyRef(env="GATEWAY_KEY")
    assert (first.api_base, first.api_key, first.temperature, first.max_tokens, first.timeout_s) == (
        "https://gateway.example/v1",
        key,
        0.1,
        123,
        9.0,
    )
    assert first.headers == {"X-Team": KeyRef(env="TEAM")}
    # a bare name lives at the role's own endpoint; a name with its provider lives there, with the provider's own key
    assert (second.api_base, second.api_key) == (first.api_base, key)
    assert (third.api_base, third.api_key, third.headers) == (None, None, {})
    assert fourth.local and fourth.api_key is None and fourth.api_base == PLACES.local_api_base


def test_one_configured_role_helps_the_others_out_where_there_is_no_key() -> None:
    role = {"model": "my-model", "api_base": "http://127.0.0.1:9/v1", "api_key": {"env": "K"}}
    found = call_config(Settings.model_validate({"models": {"artisan": role}}), PLACES).roles["critic"]
    assert [(d.model, d.api_base, d.api_key) for d in found] == [("my-model", "http://127.0.0.1:9/v1", KeyRef(env="K"))]


def test_switches() -> None:
    off = {"enable_fallback": False, "enable_caching": False, "log_requests": False, "retry_attempts": 7}
    role = {"model": "openai/a", "fallback": ["openai/b"]}
    found = call_config(Settings.model_validate({"litellm": off, "models": {"artisan": role}}), PLACES)
    assert len(found.roles["artisan"]) == 1
    assert found.cache is None and found.retry_attempts == 7
    assert found.log is not None and found.log.bodies is False
    on = call_config(Settings(), PLACES, cache_scope="trusted")
    assert on.cache is not None and (on.cache.type, on.cache.dir, on.cache.ttl_s) == ("disk", "/cache", 3600)
    assert on.cache_scope == "trusted"


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (".ralph/litellm.log", "/state/.ralph/litellm.log"),
        ("/var/log/mine.log", "/var/log/mine.log"),
        ("../../.bashrc", "/state/.bashrc"),
        ("a/../../b.log", "/state/b.log"),
    ],
)
def test_where_the_log_lies(given: str, path: str) -> None:
    assert log_path(given, Path("/state")) == Path(path)


@pytest.mark.asyncio(loop_scope="session")
async def test_every_default_model_has_a_provider_and_a_price(host: HostClient) -> None:
    names = [(name, maker.provider) for maker in MAKERS for name in (maker.strong, maker.small)]
    chain = tuple(ConfiguredModel(model=name, provider=provider) for name, provider in [*names, ("gpt-4o", "openai")])
    gateway = HostGateway(host, CallConfig(roles={"artisan": chain}))
    for found in await gateway.describe_chain("artisan"):
        assert found.input_usd_per_token and found.output_usd_per_token, found
        assert found.problem is None or "No key" in found.problem
    assert len(set(KEY_NAMES)) == len(KEY_NAMES)
