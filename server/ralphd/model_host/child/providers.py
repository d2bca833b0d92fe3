"""Which providers there are: the variables people set for their keys and addresses, and the hosts that are their own.

A table. Reads no environment and knows no key; keys.py decides with it which key may go where.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit


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
    own_credentials: bool = False
    """Signs with something else than a key: nothing is passed where none is set."""


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
    "bedrock": Provider(("AWS_BEARER_TOKEN_BEDROCK",), (".amazonaws.com",), keyless=True, own_credentials=True),
    "sagemaker": Provider((), (".amazonaws.com",), keyless=True, own_credentials=True),
    "vertex_ai": Provider((), (".googleapis.com",), keyless=True, own_credentials=True),
}
QUIRKS: Mapping[str, str] = {
    "openai": "parameters that a model refuses are left out or renamed, and remembered",
    "azure": "the model is a deployment's name, whose price is not known: set prices",
    "anthropic": "the stable part of a prompt is marked for its cache",
    "gemini": "thoughts count as part of the answer; long prompts are dearer",
    "deepseek": "repeated prompts are cached at a tenth of the price; peak hours are not priced",
    "openrouter": "passes requests on to other providers, whose errors it wraps",
    "ollama_chat": "free of charge; cuts prompts longer than its num_ctx unless the model says otherwise",
    "bedrock": "requests are signed: extra_body and drop_params do not change them",
    "hosted_vllm": "the window is the server's; set context_window where it differs",
    "lm_studio": "answers with the loaded model, whatever name is asked for",
    "litellm_proxy": "the team's own names and prices: set prices",
}
"""What is known of a provider and worth a sentence in `ralphd doctor`."""
SPELLINGS: Mapping[str, str] = {
    "google": "gemini",
    "google_ai_studio": "gemini",
    "together": "together_ai",
    "fireworks": "fireworks_ai",
    "azure_openai": "azure",
    "aws": "bedrock",
    "hf": "huggingface",
}
"""What people write, and what LiteLLM calls it."""


def spelled(provider: str) -> str:
    return SPELLINGS.get(provider.lower(), provider.lower())


def provider_rules(name: str) -> Provider:
    """The rules of a provider; one that is not in the table has the variables that everybody would guess."""
    stem = name.upper().replace("-", "_")
    known = PROVIDERS.get(name, Provider((f"{stem}_API_KEY",)))
    return known if known.base_names else replace(known, base_names=(f"{stem}_BASE_URL", f"{stem}_API_BASE"))


def is_own_host(api_base: str, rules: Provider) -> bool:
    """Is `api_base` one of the provider's own hosts, over TLS?"""
    parts = urlsplit(api_base)
    host = (parts.hostname or "").lower().rstrip(".")
    if parts.scheme != "https" or parts.username is not None:
        return False
    return any(host == own or (own.startswith(".") and host.endswith(own)) for own in rules.hosts)


def origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, (parts.hostname or "").lower(), port or {"https": 443, "http": 80}.get(parts.scheme)
