"""Short names and retired names of models, and what they stand for today. A pure table; no model is asked.

Every successor is a literal key of LiteLLM's price table with a price (a test holds it), so that a budget can be kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SONNET = "claude-sonnet-5-5"
OPUS = "claude-opus-5-5"
HAIKU = "claude-haiku-5-5"
GPT = "gpt-6.1-sol"
GPT_4 = "gpt-4.1"
GPT_SMALL = "gpt-4.1-mini"
GPT_TINY = "gpt-6-luna"
REASONING = "o3"
REASONING_SMALL = "gpt-5-mini"
FLASH = "gemini/gemini-3.8-flash"
FLASH_LITE = "gemini/gemini-3.5-flash-lite"
GEMINI_PRO = "gemini/gemini-pro-latest"

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "claude": SONNET,
        "sonnet": SONNET,
        "opus": OPUS,
        "gpt-4": GPT_4,
        "gpt": GPT,
        "gemini": FLASH,
        "gemini-pro": GEMINI_PRO,
        "local": "local",
    }
)

_RETIRED_TO: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        SONNET: (
            "claude-2", "claude-2.0", "claude-2.1", "claude-instant-1.2", "claude-3-sonnet-20240229",
            "claude-3-5-sonnet", "claude-3-5-sonnet-20240620", "claude-3-5-sonnet-20241022", "claude-3-5-sonnet-latest",
            "claude-3.5-sonnet", "claude-3-7-sonnet", "claude-3-7-sonnet-20250219", "claude-3-7-sonnet-latest",
            "claude-sonnet-4", "claude-sonnet-4-0", "claude-sonnet-4-20250514", "claude-4-sonnet-20250514",
            "claude-sonnet-4.5",
        ),
        OPUS: (
            "claude-3-opus", "claude-3-opus-20240229", "claude-3-opus-latest", "claude-opus-4", "claude-opus-4-0",
            "claude-opus-4-20250514", "claude-4-opus-20250514", "claude-opus-4-1", "claude-opus-4-1-20250805",
        ),
        HAIKU: (
            "claude-3-haiku", "claude-3-haiku-20240307", "claude-3-5-haiku", "claude-3-5-haiku-20241022",
            "claude-3-5-haiku-latest",
        ),
        GPT_4: (
            "gpt-4-32k", "gpt-4-0314", "gpt-4-0613", "gpt-4-32k-0613", "gpt-4-vision-preview", "gpt-4-turbo",
            "gpt-4-turbo-preview", "gpt-4-turbo-2024-04-09", "gpt-4-1106-preview", "gpt-4-0125-preview",
            "gpt-4.5-preview", "gpt-4o-2024-05-13", "chatgpt-4o-latest",
        ),
        GPT_SMALL: (
            "gpt-3.5-turbo", "gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613", "gpt-3.5-turbo-1106", "gpt-3.5-turbo-0125",
            "gpt-3.5-turbo-16k",
        ),
        GPT_TINY: ("gpt-4.1-nano", "gpt-4.1-nano-2025-04-14"),
        REASONING: ("o1", "o1-2024-12-17", "o1-preview", "o1-preview-2024-09-12"),
        REASONING_SMALL: (
            "o1-mini", "o1-mini-2024-09-12", "o3-mini", "o3-mini-2025-01-31", "o4-mini", "o4-mini-2025-04-16",
        ),
        GPT: (
            "gpt-5-chat", "gpt-5-chat-latest", "gpt-5.1-chat-latest", "gpt-5.2-chat-latest", "gpt-5.3-chat-latest",
        ),
        FLASH: (
            "gemini/gemini-1.5-flash", "gemini/gemini-1.5-flash-latest", "gemini/gemini-1.5-flash-001",
            "gemini/gemini-1.5-flash-002", "gemini/gemini-2.0-flash", "gemini/gemini-2.0-flash-001",
            "gemini/gemini-2.0-flash-exp", "gemini/gemini-2.5-flash-preview-09-2025",
        ),
        FLASH_LITE: (
            "gemini/gemini-1.5-flash-8b", "gemini/gemini-2.0-flash-lite", "gemini/gemini-2.0-flash-lite-001",
        ),
        GEMINI_PRO: (
            "gemini/gemini-pro", "gemini/gemini-1.0-pro", "gemini/gemini-1.5-pro", "gemini/gemini-1.5-pro-latest",
            "gemini/gemini-1.5-pro-001", "gemini/gemini-1.5-pro-002", "gemini/gemini-2.0-pro",
            "gemini/gemini-2.0-pro-exp", "gemini/gemini-2.0-pro-exp-02-05", "gemini/gemini-exp-1206",
            "gemini/gemini-2.5-pro-preview-05-06", "gemini/gemini-2.5-pro-preview-06-05", "gemini/gemini-3-pro-preview",
        ),
    }
)  # fmt: skip

RETIRED: Mapping[str, str] = MappingProxyType({old: new for new, olds in _RETIRED_TO.items() for old in olds})

_GOOGLE = ("gemini", "google", "google_ai_studio")


@dataclass(frozen=True)
class Current:
    """The name to ask for; `retired` is the name it stands in for, where a retired one was given."""

    model: str
    retired: str | None = None


def current(model: str, provider: str | None, aliases: Mapping[str, str], *, own_endpoint: bool = False) -> Current:
    """What `model` stands for today.

    People's own `aliases` come first. At an endpoint of the person's own, and at a provider that resells models under
    names of its own (Azure, Bedrock, OpenRouter, …), a name means what that endpoint says: it is left alone.
    """
    name = aliases.get(model, model)
    if own_endpoint:
        return Current(name)
    if name in ALIASES and _belongs(ALIASES[name], provider):
        return Current(ALIASES[name])
    for plain in _plain(name, provider):
        successor = RETIRED.get(plain)
        if successor is not None and _belongs(successor, provider):
            return Current(successor, name)
    return Current(name)


def _owner(model: str) -> tuple[str, ...]:
    if model.startswith("gemini/"):
        return _GOOGLE
    return ("anthropic",) if model.startswith("claude") else ("openai",)


def _belongs(successor: str, provider: str | None) -> bool:
    return provider is None or provider.lower() in _owner(successor)


def _plain(name: str, provider: str | None) -> tuple[str, ...]:
    """The spellings under which the table may know `name`: without its maker's own prefix, Gemini with it."""
    prefix, _, rest = name.partition("/")
    if rest and prefix in ("openai", "anthropic"):
        return (rest,)
    if rest and prefix == "google":
        return (f"gemini/{rest}",)
    if not rest and name.startswith("gemini"):
        return (f"gemini/{name}",)
    return (name,)
