"""Keys: the only reader of key variables, and the rule that a key goes to the host it belongs to and nowhere else.

`Keyring.take` moves every secret of the environment out of `os.environ` into this object, before the provider library
is imported: what the library cannot see it cannot send on its own account. Knows nothing of litellm, calls or logs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

from ralphd.core.addresses import address_problem, ollama_address
from ralphd.errors import ModelError
from ralphd.model_host.child.providers import Provider, is_own_host, origin, provider_rules, spelled
from ralphd.model_host.wire import CallConfig, ConfiguredModel, named
from ralphd.settings.schema import KeyRef
from ralphd.settings.variables import expanded, missing, names_a_secret
from ralphd.settings.yaml_text import text_at

NO_KEY = "no-key"
"""What an endpoint gets that no key belongs to: never None, or the library looks for one itself."""


_AWS = {
    "aws_access_key_id": "AWS_ACCESS_KEY_ID",
    "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "aws_session_token": "AWS_SESSION_TOKEN",
}
_AZURE_VERSION = "2024-10-21"
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_ENDPOINT_NAME = re.compile(r"(?:_API_BASE|_BASE_URL|_ENDPOINT|_API_VERSION)$|^OLLAMA_HOST$|^LITELLM_|^DATABASE_URL$")
_PATHS = frozenset({"GOOGLE_APPLICATION_CREDENTIALS", "SSL_CERT_FILE", "AWS_SHARED_CREDENTIALS_FILE"})
"""Names that look secret but hold a path."""


def settle_environment() -> None:
    """What the provider library reads while it is imported: no network, no `.env`. After `Keyring.take`."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    # LiteLLM breaks off a stream of 100 equal chunks; a long table of zeros is an answer too.
    os.environ["REPEATED_STREAMING_CHUNK_LIMIT"] = "1000000"
    os.environ["LITELLM_MODE"] = "PRODUCTION"
    os.environ["LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS"] = "True"
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ["HF_HUB_OFFLINE"] = "1"


@dataclass(frozen=True)
class Endpoint:
    """Where a request goes and with what. `problem`: why it cannot go, as a sentence."""

    api_base: str | None
    key: str
    source: str = ""
    """Name of the variable or place that the key came from; never the key."""
    problem: str | None = None
    api_version: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)
    """Further credentials, as LiteLLM's parameters."""

    def __repr__(self) -> str:
        return f"Endpoint({self.api_base!r}, key from {self.source!r})"


class Keyring:
    """Every secret that this process has. Its values leave only through `endpoint` and `values`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)
        self._used: set[str] = set()
        self._given: dict[str, str] = {}
        """By provider: keys that the person typed into the editor. They live as long as this process."""

    def give(self, provider: str, key: str) -> None:
        """Take a key for a provider's own host; an empty one is forgotten. What was given once stays masked."""
        if key:
            self._given[spelled(provider)] = key
            self._used.add(key)
        else:
            self._given.pop(spelled(provider), None)

    @classmethod
    def take(cls, environ: MutableMapping[str, str] | None = None) -> Keyring:
        """Read the environment, then remove from it whatever is a secret or would redirect a provider."""
        source = os.environ if environ is None else environ
        ring = cls(source)
        for name in list(source):
            if name not in _PATHS and (_SECRET_NAME.search(name) or _ENDPOINT_NAME.search(name)):
                del source[name]
        return ring

    def present(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Which of the variables count as set: a key that was given stands for its provider's own."""
        given = {name for provider in self._given for name in provider_rules(provider).key_names}
        return tuple(name for name in names if name in given or self._environ.get(name, "").strip())

    def values(self) -> frozenset[str]:
        """Exact texts that no log and no error may hold."""
        found = {
            value
            for name, value in self._environ.items()
            if name not in _PATHS and _SECRET_NAME.search(name) and len(value) >= 8 and not value.startswith("/")
        }
        return frozenset(found | self._used)

    def resolve(self, ref: KeyRef) -> str | None:
        """The secret that `ref` points at, or None."""
        value = self._environ.get(ref.env, "").strip() or None if ref.env is not None else None
        if value is None and (ref.env is None or ref.default) and (text := _file_text(ref)) is not None:
            value = self._expanded(text)
        if value is not None and len(value) >= 8:
            self._used.add(value)
        return value

    def learn(self, config: CallConfig) -> None:
        """Know every value that a configuration points at, whether or not it is sent: none may stand in a prompt, not
        even in one to another provider."""
        models = [model for chain in config.roles.values() for model in chain]
        refs = [*config.provider_keys.values(), *(ref for model in models for ref in model.headers.values())]
        for ref in (*refs, *(model.api_key for model in models), config.cache.url if config.cache else None):
            if ref is not None:
                self.resolve(ref)
        for model in models:
            self._used.update(_secrets_in("extra_body", model.extra_body))

    def _expanded(self, text: str) -> str | None:
        """`text` with `${NAME}` and `${NAME:-default}` filled in; None where a variable is missing."""
        if missing(text, self._environ) is not None:
            return None
        return expanded(text, self._environ).strip() or None

    def endpoint(self, configured: ConfiguredModel, provider: str, provider_keys: Mapping[str, KeyRef]) -> Endpoint:
        """Which key, if any, goes to which address for `configured`."""
        rules = provider_rules(provider)
        base = configured.api_base or self._named_base(rules, provider)
        problem = configured.problem
        if problem is None and rules.needs_base and base is None:
            problem = f"{provider} needs the address of its endpoint: set {rules.base_names[0]}, or api_base."
        if configured.api_key is not None and configured.api_base is None and not rules.needs_base:
            base = None  # a key without an address beside it is bound to the provider's own host
        key, source = NO_KEY, ""
        if problem is None and not configured.local:
            found = self._key(configured, provider, rules, provider_keys)
            problem = None if isinstance(found, tuple) else found
            key, source = found if isinstance(found, tuple) else (NO_KEY, "")
        headers: dict[str, str] = {}
        for name, ref in configured.headers.items():
            value = self.resolve(ref)
            if value is None:
                problem = problem or f"No value for the header {name} of {configured.model}: set {named(ref)}."
            else:
                headers[name] = value
        return Endpoint(
            base, key, source, problem, self._version(configured, provider), headers, self._aws(configured, provider)
        )

    def _key(
        self, configured: ConfiguredModel, provider: str, rules: Provider, provider_keys: Mapping[str, KeyRef]
    ) -> tuple[str, str] | str:
        """(key, where it came from), or what is missing."""
        if configured.api_key is not None:
            key = self.resolve(configured.api_key)
            source = named(configured.api_key)
            return (key, source) if key is not None else f"No key for {configured.model}: set {source}."
        if not self._is_home(configured, rules, provider):
            return NO_KEY, ""
        if provider in self._given:
            return self._given[provider], "the editor"
        ref = next((ref for name, ref in provider_keys.items() if spelled(name) == provider), None)
        if ref is not None and (key := self.resolve(ref)) is not None:
            return key, named(ref)
        for name in self.present(rules.key_names):
            if (key := self.resolve(KeyRef(env=name))) is not None:
                return key, name
        if rules.keyless:
            return "" if rules.own_credentials else NO_KEY, ""
        return f"No key for {configured.model}: set {named(ref) if ref is not None else rules.key_names[0]}."

    def _is_home(self, configured: ConfiguredModel, rules: Provider, provider: str) -> bool:
        """Is the model where this provider lives: at its own host, or where the environment says it is?"""
        if configured.api_base is None or is_own_host(configured.api_base, rules):
            return True
        try:
            base = self._named_base(rules, provider)
        except ModelError:
            return False  # a variable that names no address is no matter of a model with one of its own
        return base is not None and origin(base) == origin(configured.api_base)

    def _version(self, configured: ConfiguredModel, provider: str) -> str | None:
        if configured.api_version is not None or provider != "azure":
            return configured.api_version
        names = self.present(("AZURE_API_VERSION", "OPENAI_API_VERSION"))
        return self._environ[names[0]] if names else _AZURE_VERSION

    def _aws(self, configured: ConfiguredModel, provider: str) -> Mapping[str, str]:
        """AWS signs with more than one value; they go to AWS only."""
        if provider not in ("bedrock", "sagemaker") or not self._is_home(
            configured, provider_rules(provider), provider
        ):
            return {}
        found = {parameter: self._environ.get(name, "") for parameter, name in _AWS.items()}
        self._used.update(value for value in found.values() if value)
        return {parameter: value for parameter, value in found.items() if value}

    def _named_base(self, rules: Provider, provider: str) -> str | None:
        """The address that the person's own environment names for this provider. Raises `ModelError` for one that
        cannot be asked."""
        for name in self.present(rules.base_names):
            value = self._environ[name].strip()
            if provider.startswith("ollama"):
                value = ollama_address(value)
            elif "://" not in value:
                value = f"http://{value}"
            if (problem := address_problem(value)) is not None:
                raise ModelError(f"The variable {name} is no address that can be asked. {problem}", "Correct it.")
            return value.rstrip("/")
        return None


def _secrets_in(name: str, value: object) -> Iterator[str]:
    """The texts in a field of a request's body that are named like a secret."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _secrets_in(str(key), inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _secrets_in(name, inner)
    elif isinstance(value, str) and len(value) >= 8 and names_a_secret(name):
        yield value


def _file_text(ref: KeyRef) -> str | None:
    """The text at the reference's place in the person's own file, read as the settings read it."""
    if ref.file is None:
        return None
    try:
        text = Path(ref.file).expanduser().read_text("utf-8-sig")
    except (OSError, ValueError):
        return None
    found = text if ref.pointer is None else text_at(text, ref.pointer)
    return found.strip() or None if found is not None else None
