"""From the settings to a `CallConfig`: each role's chain of models, and which models answer where none is set.

Pure functions. Aliases are already replaced (the settings do that); whether a key is there is asked of the host before,
never looked up here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ralphd.model_host.wire import CacheConfig, CallConfig, ConfiguredModel, LogConfig
from ralphd.models.gateway import ROLES, Role
from ralphd.settings.schema import BackupModel, RoleModel, Settings

LOCAL = "local"
_LOCAL_TIMEOUT_S = 300.0
"""Seconds without text. A small machine reads a prompt at 50 tokens a second, and no text comes before it is read."""


@dataclass(frozen=True)
class Maker:
    """A provider whose key makes it a default: its strong model for the artisan, its small one for the others."""

    provider: str
    strong: str
    small: str
    key_names: tuple[str, ...]


MAKERS: tuple[Maker, ...] = (
    Maker("anthropic", "claude-sonnet-5-5", "claude-haiku-5-5", ("ANTHROPIC_API_KEY", "ANTHROPIC_KEY")),
    Maker("openai", "gpt-4.1", "gpt-4.1-mini", ("OPENAI_API_KEY", "OPENAI_KEY")),
    Maker(
        "gemini",
        "gemini/gemini-pro-latest",
        "gemini/gemini-3.8-flash",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    ),
    Maker("mistral", "mistral/mistral-large-latest", "mistral/mistral-small-latest", ("MISTRAL_API_KEY",)),
    Maker("deepseek", "deepseek/deepseek-chat", "deepseek/deepseek-chat", ("DEEPSEEK_API_KEY",)),
    Maker("xai", "xai/grok-4.5", "xai/grok-code-fast-1", ("XAI_API_KEY",)),
    Maker("groq", "groq/openai/gpt-oss-120b", "groq/openai/gpt-oss-20b", ("GROQ_API_KEY",)),
)
KEY_NAMES: tuple[str, ...] = tuple(name for maker in MAKERS for name in maker.key_names)
"""The variables to ask the host about before `call_config` is called."""
_CHAOS = "gpt-4o"
"""The chaos role's model where OpenAI's key and another provider's are there, so that the four roles have four models."""
_SPELLED = {"google": "gemini"}
_FIRST: Mapping[Role, tuple[str, ...]] = {
    "librarian": ("gemini", "openai"),
    "artisan": ("anthropic", "openai"),
    "critic": ("openai", "gemini"),
    "chaos": ("openai", "anthropic"),
}
"""Preferred providers per role, best first; the critic prefers another provider than the artisan."""


NOT_RUNNING = "The embedded model is not running."
"""Where nobody is to be asked, it is not started; its first call starts it."""


@dataclass(frozen=True)
class Places:
    """Where the host keeps the log and the answer cache, and where the embedded model listens."""

    state: Path
    """The workspace's state folder; holds the request log."""
    cache: Path
    local_api_base: str | None = None
    """None: the embedded model is not running, for the reason in `local_problem`."""
    local_problem: str = NOT_RUNNING


def call_config(
    settings: Settings, places: Places, keys_present: Collection[str] = (), *, cache_scope: str = ""
) -> CallConfig:
    """The settings as the host takes them. `keys_present`: which of `KEY_NAMES` are set where the host can see them.
    `cache_scope`: cached answers are shared only between equal ones."""
    calls = settings.litellm
    chains = {role: _chain(settings, role, places, keys_present) for role in ROLES}
    return CallConfig(
        roles={role: chain if calls.enable_fallback else chain[:1] for role, chain in chains.items()},
        provider_keys=dict(settings.api_keys),
        prices=dict(settings.prices),
        retry_attempts=calls.retry_attempts,
        retry_delay_ms=calls.retry_delay_ms,
        cache=_cache(settings, places),
        cache_scope=cache_scope,
        log=LogConfig(path=str(log_path(calls.log_file, places.state)), bodies=calls.log_requests),
        prompt_caching=calls.prompt_caching,
    )


def log_path(log_file: str, state: Path) -> Path:
    """A relative path lies under the state folder; one that climbs out of it is taken by its last part."""
    path = Path(log_file).expanduser()
    if path.is_absolute():
        return path
    return state / (path.name if ".." in path.parts else path)


def _cache(settings: Settings, places: Places) -> CacheConfig | None:
    calls = settings.litellm
    if not calls.enable_caching or calls.cache_ttl_seconds == 0:
        return None
    return CacheConfig(type=calls.cache.type, dir=str(places.cache), url=calls.cache.url, ttl_s=calls.cache_ttl_seconds)


def _chain(settings: Settings, role: Role, places: Places, present: Collection[str]) -> tuple[ConfiguredModel, ...]:
    wanted: RoleModel = getattr(settings.models, role)
    if wanted.model is not None:
        first = _configured_model(wanted.model, wanted, places, own=True)
        return (first, *(_fallback(item, wanted, places) for item in wanted.fallback))
    models = _defaults(settings, role, present)
    if not models and (other := _configured(settings)) is not None:
        # No key at all, but another role has a model: this role asks that one.
        assert other.model is not None
        return (_configured_model(other.model, wanted, places, own=False, endpoint=other),)
    first = _configured_model((models or [LOCAL])[0], wanted, places, own=False)
    return (first, *(_fallback(item, wanted, places) for item in wanted.fallback or models[1:]))


def _fallback(item: str | BackupModel, role: RoleModel, places: Places) -> ConfiguredModel:
    """A fallback of `role`, by name or written out."""
    if isinstance(item, str):
        # A name without a provider is a model of the role's own address; any other is asked at its provider.
        own = role.api_base is not None and "/" not in item and item != LOCAL
        return _configured_model(item, role, places, own=own)
    if item.model == LOCAL and item.api_base is None:
        return _configured_model(LOCAL, role, places, own=False)
    return ConfiguredModel(
        model=item.model,
        provider=item.provider or (_maker_of(item.model) or None),
        api_base=item.api_base,
        api_key=item.api_key,
        api_version=item.api_version,
        headers=dict(item.headers),
        temperature=role.temperature,
        max_tokens=item.max_tokens or role.max_tokens,
        timeout_s=item.timeout_s or role.timeout_s,
        drop_params=item.drop_params,
        extra_body=dict(item.extra_body),
        context_window=item.context_window,
    )


def _configured(settings: Settings) -> RoleModel | None:
    """The first role whose model is set, in this order."""
    roles: list[RoleModel] = [getattr(settings.models, role) for role in ("artisan", "critic", "librarian", "chaos")]
    return next((role for role in roles if role.model is not None), None)


def _defaults(settings: Settings, role: Role, present: Collection[str]) -> list[str]:
    """Models for a role where none is set, best first, of the providers whose keys are there."""
    there = {maker.provider: maker for maker in MAKERS if _has_key(maker, settings, present)}
    if not there:
        return []
    artisan = settings.models.artisan
    taken = ""
    if role == "critic":
        taken = artisan.model or _defaults(settings, "artisan", present)[0]
    order = [*(name for name in _FIRST[role] if name in there), *there]
    makers = [there[name] for name in dict.fromkeys(order)]
    names = [maker.strong if role == "artisan" else maker.small for maker in makers]
    if role == "chaos" and "openai" in there and len(there) > 1:
        names[0] = _CHAOS
    if role == "critic":
        # The critic differs from the artisan where two are to be had: another maker first, then another model.
        names = [*names, *(maker.strong for maker in makers)]
        theirs = _maker_of(taken) or artisan.provider
        names.sort(key=lambda name: (name == taken, _maker_of(name) == theirs))
        names = names[: max(1, len(makers))]
    return names


def _maker_of(model: str) -> str:
    return next((maker.provider for maker in MAKERS if model in (maker.strong, maker.small)), "")


def _has_key(maker: Maker, settings: Settings, present: Collection[str]) -> bool:
    if any(name in present for name in maker.key_names):
        return True
    ref = next((ref for name, ref in settings.api_keys.items() if _SPELLED.get(name, name) == maker.provider), None)
    return ref is not None and (ref.env is None or ref.default or ref.env in present)


def _configured_model(
    name: str, role: RoleModel, places: Places, *, own: bool, endpoint: RoleModel | None = None
) -> ConfiguredModel:
    """`own`: it is asked at the role's own address with the role's own key. `endpoint`: at those of another role."""
    source = endpoint or (role if own else None)
    if name == LOCAL and (source is None or source.api_base is None):
        return ConfiguredModel(
            model=LOCAL,
            provider="openai",
            api_base=places.local_api_base,
            temperature=role.temperature,
            max_tokens=role.max_tokens,
            timeout_s=max(role.timeout_s, _LOCAL_TIMEOUT_S),
            local=True,
            problem=None if places.local_api_base is not None else places.local_problem,
        )
    provider = source.provider if source is not None else _maker_of(name) or None
    return ConfiguredModel(
        model=name,
        provider=provider,
        api_base=source.api_base if source is not None else None,
        api_key=source.api_key if source is not None else None,
        api_version=source.api_version if source is not None else None,
        headers=dict(source.headers) if source is not None else {},
        drop_params=source.drop_params if source is not None else (),
        extra_body=dict(source.extra_body) if source is not None else {},
        context_window=source.context_window if source is not None else None,
        temperature=role.temperature,
        max_tokens=role.max_tokens,
        timeout_s=role.timeout_s,
    )
