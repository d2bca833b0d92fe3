"""A key goes to the host it belongs to and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralphd.model_host.child.keys import NO_KEY, Keyring
from ralphd.model_host.child.providers import PROVIDERS, is_own_host, provider_rules
from ralphd.model_host.wire import ConfiguredModel
from ralphd.settings.schema import KeyRef

ENVIRON = {
    "OPENAI_API_KEY": "sk-openai-0123456789",
    "ANTHROPIC_KEY": "sk-ant-0123456789",
    "GOOGLE_API_KEY": "AIza-google-0123456789",
    "GROQ_API_KEY": "gsk_0123456789",
    "AWS_ACCESS_KEY_ID": "AKIA0123456789",
    "AWS_SECRET_ACCESS_KEY": "aws-secret-0123456789",
    "MY_KEY": "my-own-0123456789",
}


def endpoint(model: str = "m", provider: str = "openai", environ: dict[str, str] | None = None, **more: object):  # type: ignore[no-untyped-def]
    keys = more.pop("keys", {})
    ring = Keyring(ENVIRON if environ is None else environ)
    return ring.endpoint(ConfiguredModel.model_validate({"model": model, **more}), provider, keys)


@pytest.mark.parametrize(
    ("provider", "key", "source"),
    [
        ("openai", ENVIRON["OPENAI_API_KEY"], "OPENAI_API_KEY"),
        ("anthropic", ENVIRON["ANTHROPIC_KEY"], "ANTHROPIC_KEY"),
        ("gemini", ENVIRON["GOOGLE_API_KEY"], "GOOGLE_API_KEY"),
        ("groq", ENVIRON["GROQ_API_KEY"], "GROQ_API_KEY"),
    ],
)
def test_conventional_variables_for_their_own_provider(provider: str, key: str, source: str) -> None:
    found = endpoint(provider=provider)
    assert (found.key, found.source, found.problem, found.api_base) == (key, source, None, None)


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
@pytest.mark.parametrize(
    "base", ["https://evil.example/v1", "http://127.0.0.1:9/v1", "https://api.openai.com.evil.example"]
)
def test_a_foreign_endpoint_gets_the_sentinel(provider: str, base: str) -> None:
    environ = {name: f"secret-of-{name}" for rules in PROVIDERS.values() for name in rules.key_names} | ENVIRON
    keys = {provider: KeyRef(env="MY_KEY")}
    found = endpoint(provider=provider, environ=environ, api_base=base, keys=keys)
    assert found.key == NO_KEY and not found.extra and found.problem is None
    assert found.api_base == base


def test_the_providers_own_host_written_out_is_home() -> None:
    assert endpoint(api_base="https://api.openai.com/v1").key == ENVIRON["OPENAI_API_KEY"]
    assert endpoint(api_base="http://api.openai.com/v1").key == NO_KEY  # in clear text: not
    assert endpoint(api_base="https://x@api.openai.com/v1").key == NO_KEY
    assert endpoint(api_base="https://eu.api.openai.com/v1").key == ENVIRON["OPENAI_API_KEY"]
    assert endpoint(api_base="https://evilapi.openai.com/v1").key == NO_KEY


@pytest.mark.parametrize(
    ("base", "own"),
    [
        ("https://mine.openai.azure.com", True),
        ("https://openai.azure.com", False),
        ("https://mine.openai.azure.com.evil.example", False),
        ("https://MINE.OPENAI.AZURE.COM./", True),
    ],
)
def test_azure_resources(base: str, own: bool) -> None:
    assert is_own_host(base, PROVIDERS["azure"]) is own


def test_a_roles_own_key_goes_to_the_address_beside_it() -> None:
    found = endpoint(api_base="https://gateway.example/v1", api_key=KeyRef(env="MY_KEY"))
    assert (found.key, found.api_base) == (ENVIRON["MY_KEY"], "https://gateway.example/v1")
    # and without one to the provider's own host, whatever a variable says
    elsewhere = {**ENVIRON, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    found = endpoint(environ=elsewhere, api_key=KeyRef(env="MY_KEY"))
    assert (found.key, found.api_base) == (ENVIRON["MY_KEY"], None)


def test_the_persons_base_url_variable_is_the_providers_address() -> None:
    environ = {**ENVIRON, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1/"}
    found = endpoint(environ=environ)
    assert (found.key, found.api_base) == (ENVIRON["OPENAI_API_KEY"], "http://127.0.0.1:9/v1")
    assert endpoint(environ=environ, api_base="http://127.0.0.1:9/other").key == ENVIRON["OPENAI_API_KEY"]
    assert endpoint(environ=environ, api_base="http://127.0.0.1:10/v1").key == NO_KEY


def test_api_keys_of_the_settings_go_home_only() -> None:
    keys = {"google": KeyRef(env="MY_KEY")}
    assert endpoint(provider="gemini", keys=keys).key == ENVIRON["MY_KEY"]
    assert endpoint(provider="gemini", keys=keys, api_base="https://evil.example").key == NO_KEY
    assert endpoint(provider="openai", keys=keys).key == ENVIRON["OPENAI_API_KEY"]


def test_a_missing_key_names_its_variable() -> None:
    assert "MISTRAL_API_KEY" in (endpoint(provider="mistral").problem or "")
    assert "SOMETHING_NEW_API_KEY" in (endpoint(provider="something-new").problem or "")
    assert "NOT_THERE" in (endpoint(keys={}, api_key=KeyRef(env="NOT_THERE")).problem or "")
    assert "AZURE_API_BASE" in (endpoint(provider="azure").problem or "")


def test_ollama_needs_none_and_its_address_is_mended() -> None:
    found = endpoint(provider="ollama_chat", environ={"OLLAMA_HOST": "0.0.0.0:11435"})
    assert (found.key, found.api_base, found.problem) == (NO_KEY, "http://127.0.0.1:11435", None)


def test_aws_credentials_go_to_aws_only() -> None:
    home = endpoint(provider="bedrock")
    assert home.extra["aws_secret_access_key"] == ENVIRON["AWS_SECRET_ACCESS_KEY"] and home.key == ""
    assert not endpoint(provider="bedrock", api_base="https://evil.example").extra
    assert not endpoint(provider="openai").extra


def test_headers_are_references_too() -> None:
    found = endpoint(api_base="https://g.example", headers={"X-Team": KeyRef(env="MY_KEY")})
    assert found.headers == {"X-Team": ENVIRON["MY_KEY"]}
    missing = endpoint(api_base="https://g.example", headers={"X-Team": KeyRef(env="NOT_THERE")})
    assert "NOT_THERE" in (missing.problem or "")


def test_keys_in_the_persons_own_file(tmp_path: Path) -> None:
    own = tmp_path / "config.yaml"
    own.write_text(
        "api_keys:\n  openai: sk-in-the-file-0123\n  mistral: ${NOT_THERE:-fallback-0123}\n  groq: a ${NOT_THERE}\n"
        "models: {artisan: {headers: {Authorization: 'Bearer ${MY_KEY}'}}}\n"
    )
    ring = Keyring(ENVIRON)

    def at(pointer: str, **more: object) -> str | None:
        return ring.resolve(KeyRef.model_validate({"file": str(own), "pointer": pointer, **more}))

    assert at("/api_keys/openai") == "sk-in-the-file-0123"
    assert at("/api_keys/mistral", env="NOT_THERE", default=True) == "fallback-0123"
    assert at("/api_keys/mistral", env="MY_KEY", default=True) == ENVIRON["MY_KEY"]
    assert at("/api_keys/mistral", env="NOT_THERE") is None
    assert at("/api_keys/groq") is None
    assert at("/models/artisan/headers/Authorization") == f"Bearer {ENVIRON['MY_KEY']}"
    assert at("/no/such/place") is None
    assert ring.resolve(KeyRef(file=str(tmp_path / "none"), pointer="/x")) is None
    assert "sk-in-the-file-0123" in ring.values()


def test_take_leaves_no_secret_and_no_redirection_behind() -> None:
    environ = {
        **ENVIRON,
        "PATH": "/bin",
        "HTTPS_PROXY": "http://proxy:3128",
        "SSL_CERT_FILE": "/etc/ca.pem",
        "GOOGLE_APPLICATION_CREDENTIALS": "/home/me/google.json",
        "OPENAI_BASE_URL": "http://x",
        "LITELLM_LOG": "DEBUG",
        "GITHUB_TOKEN": "ghp_0123456789",
        "DB_PASSWORD": "hunter2hunter2",
    }
    ring = Keyring.take(environ)
    assert set(environ) == {"PATH", "HTTPS_PROXY", "SSL_CERT_FILE", "GOOGLE_APPLICATION_CREDENTIALS"}
    assert {"ghp_0123456789", "hunter2hunter2", ENVIRON["MY_KEY"]} <= ring.values()
    assert "/home/me/google.json" not in ring.values()
    assert ring.present(("OPENAI_API_KEY", "NOPE")) == ("OPENAI_API_KEY",)


def test_a_key_does_not_show_in_a_repr() -> None:
    assert ENVIRON["OPENAI_API_KEY"] not in repr(endpoint())


def test_every_provider_has_a_variable_or_needs_none() -> None:
    for name in PROVIDERS:
        rules = provider_rules(name)
        assert rules.key_names or rules.keyless
        assert rules.base_names
