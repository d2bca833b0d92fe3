"""From what a provider library raises to our errors: by the status code that the wire showed, not by texts.

The two questions that no status code answers (is a 400 about the context window, or a refusal?) are asked of the error
codes that providers send, last of all. Knows no litellm types: it looks at attributes.
"""

from __future__ import annotations

import json
import re

from ralphd.errors import (
    AuthenticationFailed,
    BadAnswer,
    ContentRefused,
    ContextTooLong,
    ModelError,
    RateLimited,
    TimedOut,
    Unreachable,
)
from ralphd.model_host.child.http_limits import Exchange
from ralphd.model_host.wire import ConfiguredModel

_CONTEXT = re.compile(
    r"context_length_exceeded|ContextWindowExceeded|maximum context length|prompt is too long|context window"
    r"|input token count.{0,40}exceeds|exceeds the (?:available )?context|too many tokens|exceed_context_size",
    re.IGNORECASE,
)
_FILTER = re.compile(
    r"content[ _-]?filter|content[ _-]policy|ContentPolicyViolation|ResponsibleAIPolicy|content management policy"
    r"|content moderation|moderation[ _-]?(?:blocked|flagged)|(?:was|is|been) flagged|violates? .{0,40}(?:usage|content|safety) "
    r"|prohibited[ _]content|safety (?:system|filter|settings)|guardrail",
    re.IGNORECASE,
)
"""Words by which providers say that a filter, not the key or the request's form, is the reason of a 400, 403 or 422."""
_TEMPERATURE = re.compile(r"temperature", re.IGNORECASE)
_SAID = re.compile(r'"(?:message|error|detail)"\s*:\s*"((?:[^"\\]|\\.)*)"')
_DECORATION = re.compile(r"^(?:(?:litellm\.)?\w*(?:Error|Exception)\b[ :-]*)+")
_LENGTH = 400


class NotStreamed(Exception):
    """The endpoint answered a streamed request with one JSON body: ask it again, without streaming."""


class TemperatureRefused(ModelError):
    """A 400 that names the temperature: asked again without one."""

    code = "bad_answer"


class EmptyAnswer(BadAnswer):
    """Complete, and without text: perhaps an accident, so asked for once more."""


def to_model_error(error: BaseException, exchange: Exchange, configured: ConfiguredModel) -> ModelError:
    """What to tell and, by its type, what to do."""
    if exchange.fault is not None:
        return exchange.fault
    detail = _detail(error)
    status = exchange.status
    if status == 200:
        # The stream broke after it had begun; some libraries give such an error a status of its own.
        return Unreachable(f"The answer of {configured.model} broke off: {detail}")
    if status is None:
        return _before_any_answer(error, exchange, configured, detail)
    return _by_status(status, error, exchange, configured, detail)


def _before_any_answer(
    error: BaseException, exchange: Exchange, configured: ConfiguredModel, detail: str
) -> ModelError:
    name = type(error).__name__
    where = configured.api_base or "its provider"
    if "Timeout" in name:
        return TimedOut(
            f"{configured.model} did not answer within {configured.timeout_s:g} s.",
            "Raise timeout_s, or use another model.",
        )
    if "Connection" in name or "ServiceUnavailable" in name or "InternalServer" in name or "Midstream" in name.title():
        return Unreachable(
            f"{configured.model} could not be reached at {where}: {detail}", "Check the network, a proxy and api_base."
        )
    if "AuthenticationError" in name:
        return AuthenticationFailed(f"{configured.model}: {detail}", "Check the key.")
    return ModelError(f"{configured.model} could not be asked: {detail}", "Check the model's name and settings.")


def _by_status(
    status: int, error: BaseException, exchange: Exchange, configured: ConfiguredModel, detail: str
) -> ModelError:
    model = configured.model
    if status in (400, 403, 422) and _matches(_FILTER, error):
        return ContentRefused(f"{model} refused the content: {detail}", "Rephrase the task, or use another model.")
    if status in (401, 403):
        return AuthenticationFailed(
            f"{model} refused the key ({status}): {detail}", "Check the key and what it may use."
        )
    if status == 429:
        wait = exchange.retry_after_s
        after = f" It asks to wait {wait:g} s." if wait else ""
        return RateLimited(
            f"{model} is rate limited (429).{after}", "Wait, or set a fallback model.", retry_after_s=wait
        )
    if status == 413 or (status in (400, 422) and _matches(_CONTEXT, error)):
        return ContextTooLong(
            f"The prompt does not fit the context window of {model}: {detail}", "Use a model with a larger window."
        )
    if status == 400 and _matches(_TEMPERATURE, error):
        return TemperatureRefused(f"{model} refuses the temperature: {detail}")
    if status == 404:
        return ModelError(
            f"{model} is not known at its provider (404): {detail}", "Check the model's name and api_base."
        )
    if status == 402:
        return AuthenticationFailed(f"{model} asks for payment (402): {detail}", "Check the account's balance.")
    if status in (408, 504):
        return TimedOut(f"{model} timed out at its provider ({status}).", "Try again, or set a fallback model.")
    if status >= 500:
        return Unreachable(
            f"{model} answered with an error of its server ({status}): {detail}",
            "Try again later, or set a fallback model.",
        )
    if 300 <= status < 400:
        return BadAnswer(f"{model} answered with a redirect ({status}) that cannot be followed.", "Check api_base.")
    return ModelError(f"{model} refused the request ({status}): {detail}", "Check the model's name and settings.")


def _matches(pattern: re.Pattern[str], error: BaseException) -> bool:
    return bool(pattern.search(f"{type(error).__name__} {error}"))


def _detail(error: BaseException) -> str:
    """The provider's own sentence, short, without the library's decoration."""
    original = getattr(error, "original_exception", None) or error
    text = str(getattr(original, "message", None) or original).partition("Traceback (most recent call last)")[0]
    said = _SAID.search(text)
    if said is not None:
        try:
            text = str(json.loads(f'"{said[1]}"'))
        except ValueError:
            text = said[1]
    text = _DECORATION.sub("", " ".join(text.split()))
    return text[:_LENGTH] + ("…" if len(text) > _LENGTH else "") or type(original).__name__
