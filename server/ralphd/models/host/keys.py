"""Keys: the only reader of key variables, and the rule that a key goes to the host it belongs to and nowhere else.

`Keyring.take` moves every secret of the environment out of `os.environ` into this object, before the provider library
is imported: what the library cannot see it cannot send on its own account. Knows nothing of litellm, calls or logs.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ralphd.models.wire import Deployment, KeyRef

NO_KEY = "no-key"
"""What an endpoint gets that no key belongs to: never None, or the library looks for one itself."""


@dataclass(frozen=True)
class Provider:
    """Where a provider lives and which variables people set for it."""

    key_names: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    """Its own hosts; a leading dot means every host below."""
    base_names: tuple[str, ...] = ()
    keyless: bool = False
    """Works without a key, or finds its credentials elsewhere (AWS, Google)."""
    needs_base: bool = False


PROVIDERS: Mapping[str, Provider] = {
    "openai": Provider(
        ("OPENAI_API_KEY", "OPENAI_KEY"),
        ("api.openai.com", ".api.openai.com"),
        ("OPENAI_BASE_URL", "OPENAI_API_BASE"),
    ),
    "anthropic": Provider(
        ("ANTHROPIC_API_KEY", "ANTHROPIC_KEY"),
        ("api.anthropic.com",),
        ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE"),
    ),
    "gemini": Provider(
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        ("generativelanguage.googleapis.com",),
        ("GEMINI_API_BASE", "GOOGLE_GEMINI_BASE_URL"),
    ),
    "azure": Provider(
        ("AZURE_API_KEY", "AZURE_OPENAI_API_KEY"),
        (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"),
        ("AZURE_API_BASE", "AZURE_OPENAI_ENDPOINT"),
        needs_base=True,
    ),
    "azure_ai": Provider(
        ("AZURE_AI_API_KEY",),
        (".services.ai.azure.com", ".models.ai.azure.com"),
        ("AZURE_AI_API_BASE",),
        needs_base=True,
    ),
    "mistral": Provider(("MISTRAL_API_KEY",), ("api.mistral.ai",)),
    "codestral": Provider(("CODESTRAL_API_KEY",), ("codestral.mistral.ai",)),
    "groq": Provider(("GROQ_API_KEY",), ("api.groq.com",)),
    "deepseek": Provider(("DEEPSEEK_API_KEY",), ("api.deepseek.com",)),
    "xai": Provider(("XAI_API_KEY",), ("api.x.ai",)),
    "openrouter": Provider(("OPENROUTER_API_KEY",), ("openrouter.ai",)),
    "together_ai": Provider(("TOGETHERAI_API_KEY", "TOGETHER_API_KEY"), ("api.together.xyz", "api.together.ai")),
    "fireworks_ai": Provider(("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"), ("api.fireworks.ai",)),
    "perplexity": Provider(("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"), ("api.perplexity.ai",)),
    "cohere": Provider(("COHERE_API_KEY", "CO_API_KEY"), ("api.cohere.com", "api.cohere.ai")),
    "cohere_chat": Provider(("COHERE_API_KEY", "CO_API_KEY"), ("api.cohere.com", "api.cohere.ai")),
    "huggingface": Provider(
        ("HF_TOKEN", "HUGGINGFACE_API_KEY"),
        ("router.huggingface.co", "api-inference.huggingface.co", ".endpoints.huggingface.cloud"),
    ),
    "cerebras": Provider(("CEREBRAS_API_KEY",), ("api.cerebras.ai",)),
    "nvidia_nim": Provider(("NVIDIA_NIM_API_KEY", "NVIDIA_API_KEY"), ("integrate.api.nvidia.com",)),
    "replicate": Provider(("REPLICATE_API_KEY", "REPLICATE_API_TOKEN"), ("api.replicate.com",)),
    "moonshot": Provider(("MOONSHOT_API_KEY",), ("api.moonshot.ai", "api.moonshot.cn")),
    "dashscope": Provider(("DASHSCOPE_API_KEY",), ("dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com")),
    "sambanova": Provider(("SAMBANOVA_API_KEY",), ("api.sambanova.ai",)),
    "github": Provider(("GITHUB_API_KEY",), ("models.inference.ai.azure.com", "models.github.ai")),
    "litellm_proxy": Provider(
        ("LITELLM_PROXY_API_KEY",), (), ("LITELLM_PROXY_API_BASE",), keyless=True, needs_base=True
    ),
    "hosted_vllm": Provider(("HOSTED_VLLM_API_KEY",), (), ("HOSTED_VLLM_API_BASE",), keyless=True, needs_base=True),
    "lm_studio": Provider(("LM_STUDIO_API_KEY",), (), ("LM_STUDIO_API_BASE",), keyless=True, needs_base=True),
    "ollama": Provider(("OLLAMA_API_KEY",), (), ("OLLAMA_API_BASE", "OLLAMA_HOST"), keyless=True),
    "ollama_chat": Provider(("OLLAMA_API_KEY",), (), ("OLLAMA_API_BASE", "OLLAMA_HOST"), keyless=True),
    "bedrock": Provider(("AWS_BEARER_TOKEN_BEDROCK",), (".amazonaws.com",), keyless=True),
    "sagemaker": Provider((), (".amazonaws.com",), keyless=True),
    "vertex_ai": Provider((), (".googleapis.com",), keyless=True),
}
_SPELLINGS = {"google": "gemini", "together": "together_ai", "fireworks": "fireworks_ai", "aws": "bedrock"}
_AWS = {
    "aws_access_key_id": "AWS_ACCESS_KEY_ID",
    "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "aws_session_token": "AWS_SESSION_TOKEN",
}
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_ENDPOINT_NAME = re.compile(r"(?:_API_BASE|_BASE_URL|_ENDPOINT|_API_VERSION)$|^OLLAMA_HOST$|^LITELLM_|^DATABASE_URL$")
_PATHS = frozenset({"GOOGLE_APPLICATION_CREDENTIALS", "SSL_CERT_FILE", "AWS_SHARED_CREDENTIALS_FILE"})
"""Names that look secret but hold a path."""


def provider_rules(name: str) -> Provider:
    """The rules of a provider; one that is not in the table has the variable that everybody would guess."""
    stem = name.upper().replace("-", "_")
    known = PROVIDERS.get(name)
    if known is None:
        return Provider((f"{stem}_API_KEY",), (), (f"{stem}_BASE_URL", f"{stem}_API_BASE"))
    if not known.base_names:
        return Provider(
            known.key_names, known.hosts, (f"{stem}_BASE_URL", f"{stem}_API_BASE"), known.keyless, known.needs_base
        )
    return known


def settle_environment() -> None:
    """What the provider library reads while it is imported: no network, no `.env`. After `Keyring.take`."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
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
    extra: tuple[tuple[str, str], ...] = ()
    problem: str | None = None
    api_version: str | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.api_base!r}, key from {self.source!r})"


class Keyring:
    """Every secret that this process has. Its values leave only through `endpoint` and `values`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)
        self._used: set[str] = set()

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
        return tuple(name for name in names if self._environ.get(name, "").strip())

    def values(self) -> frozenset[str]:
        """Exact texts that no log and no error may hold."""
        found = {
            value
            for name, value in self._environ.items()
            if name not in _PATHS and _SECRET_NAME.search(name) and len(value) >= 8 and not value.startswith("/")
        }
        return frozenset(found | self._used)

    def resolve(self, ref: KeyRef) -> str | None:
        """The key that `ref` points at, or None."""
        if ref.env is not None:
            value = self._environ.get(ref.env, "").strip() or None
        else:
            value = _from_file(ref)
        if value is not None and len(value) >= 8:
            self._used.add(value)
        return value

    def endpoint(self, deployment: Deployment, provider: str, provider_keys: Mapping[str, KeyRef]) -> Endpoint:
        """Which key, if any, goes to which address for `deployment`."""
        rules = provider_rules(provider)
        named = deployment.api_base or self._named_base(rules, provider)
        version = deployment.api_version
        if provider == "azure" and version is None:
            version = next(
                (self._environ[n] for n in self.present(("AZURE_API_VERSION", "OPENAI_API_VERSION"))), "2024-10-21"
            )
        if rules.needs_base and named is None:
            what = rules.base_names[0] if rules.base_names else f"{provider.upper()}_API_BASE"
            return Endpoint(
                None, NO_KEY, problem=f"{provider} needs the address of its endpoint: set {what}, or api_base."
            )
        if deployment.api_key is not None:
            # A key without an address beside it is bound to the provider's own host, not to a variable's.
            base = deployment.api_base
            if base is None and (rules.needs_base or provider.startswith("ollama")):
                base = named
            key = self.resolve(deployment.api_key)
            if key is None:
                return Endpoint(
                    base, NO_KEY, problem=f"No key for {deployment.model}: set {deployment.api_key.named()}."
                )
            return Endpoint(base, key, deployment.api_key.named(), api_version=version)
        own = (
            deployment.api_base is None
            or is_own_host(deployment.api_base, rules)
            or self._is_persons(deployment, rules, provider)
        )
        if not own or deployment.local:
            return Endpoint(named, NO_KEY, api_version=version)
        return self._conventional(deployment, provider, rules, provider_keys, named, version)

    def _conventional(
        self,
        deployment: Deployment,
        provider: str,
        rules: Provider,
        provider_keys: Mapping[str, KeyRef],
        base: str | None,
        version: str | None,
    ) -> Endpoint:
        ref = provider_keys.get(provider) or next(
            (ref for name, ref in provider_keys.items() if _SPELLINGS.get(name) == provider), None
        )
        if ref is not None and (key := self.resolve(ref)) is not None:
            return Endpoint(base, key, ref.named(), self._aws(provider), api_version=version)
        for name in self.present(rules.key_names):
            key = self.resolve(KeyRef(env=name))
            if key is not None:
                return Endpoint(base, key, name, self._aws(provider), api_version=version)
        if rules.keyless:
            return Endpoint(
                base, "" if provider in ("bedrock", "sagemaker", "vertex_ai") else NO_KEY, "", self._aws(provider)
            )
        wanted = ref.named() if ref is not None else rules.key_names[0]
        return Endpoint(base, NO_KEY, problem=f"No key for {deployment.model}: set {wanted}.", api_version=version)

    def _aws(self, provider: str) -> tuple[tuple[str, str], ...]:
        if provider not in ("bedrock", "sagemaker"):
            return ()
        found = []
        for parameter, name in _AWS.items():
            value = self._environ.get(name)
            if value:
                self._used.add(value)
                found.append((parameter, value))
        return tuple(found)

    def _named_base(self, rules: Provider, provider: str) -> str | None:
        """The address that the person's own environment names for this provider."""
        for name in self.present(rules.base_names):
            value = self._environ[name].strip()
            if "://" not in value:
                value = f"http://{value}"
            if provider.startswith("ollama"):
                value = value.replace("//0.0.0.0", "//127.0.0.1")
            return value.rstrip("/")
        return None

    def _is_persons(self, deployment: Deployment, rules: Provider, provider: str) -> bool:
        """`api_base` names the very server that the person's environment names for this provider."""
        named = self._named_base(rules, provider)
        return named is not None and deployment.api_base is not None and _origin(named) == _origin(deployment.api_base)


def is_own_host(api_base: str, rules: Provider) -> bool:
    """Is `api_base` one of the provider's own hosts, over TLS?"""
    parts = urlsplit(api_base)
    host = (parts.hostname or "").lower().rstrip(".")
    if parts.scheme != "https" or parts.username is not None:
        return False
    return any(host == own or (own.startswith(".") and host.endswith(own)) for own in rules.hosts)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, (parts.hostname or "").lower(), port or {"https": 443, "http": 80}.get(parts.scheme)


def _from_file(ref: KeyRef) -> str | None:
    if ref.file is None:
        return None
    try:
        text = Path(ref.file).expanduser().read_text("utf-8")
        if ref.pointer is None:
            return text.strip() or None
        value: object = json.loads(text)
        for part in ref.pointer.strip("/").split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            value = value[int(key)] if isinstance(value, list) else value[key] if isinstance(value, dict) else None
    except (OSError, ValueError, KeyError, IndexError):
        return None
    return value.strip() or None if isinstance(value, str) else None
