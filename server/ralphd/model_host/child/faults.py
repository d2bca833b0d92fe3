"""From a response that is no answer to our errors: by the status code that the wire showed, and the provider's own words.

The sentence a person sees is the provider's, out of the response's body; the provider library's own text is used only
where no response came. The questions that no status code answers (is a 429 about the account's money? a 400 about the
context window? a 403 about the content?) are asked of the body's words.
"""

from __future__ import annotations

import re

from ralphd.errors import (
    AuthenticationFailed,
    BadAnswer,
    ContentRefused,
    ContextTooLong,
    ModelError,
    OutOfCredit,
    RateLimited,
    TimedOut,
    Unreachable,
)
from ralphd.model_host.child.error_bodies import LONGEST, embedded_status, is_error, is_whole, sentence
from ralphd.model_host.child.http_limits import Exchange
from ralphd.model_host.wire import ConfiguredModel

_CONTEXT = re.compile(
    r"context_length_exceeded|ContextWindowExceeded|maximum context length|prompt is too long|context window"
    r"|input token count.{0,40}exceeds|exceeds the (?:available )?context|too many (?:input )?tokens|exceed_context_size"
    r"|exceed context limit|input is too long|reduce the length of the (?:messages|prompt|input)|too large for model"
    r"|(?:greater|longer|larger) than the (?:model'?s? )?context|context (?:length of only|the overflows|overflow)",
    re.IGNORECASE,
)
_FILTER = re.compile(
    r"content[ _-]?filter|content[ _-]policy|ContentPolicyViolation|ResponsibleAIPolicy|content management policy"
    r"|content moderation|moderation[ _-]?(?:blocked|flagged)|(?:was|is|been) flagged"
    r"|violates? .{0,40}(?:usage|content|safety) |prohibited[ _]content|safety (?:system|filter|settings)|guardrail",
    re.IGNORECASE,
)
"""Words by which providers say that a filter, not the key or the request's form, is the reason of a 400, 403 or 422."""
_CREDIT = re.compile(
    r"insufficient[ _]quota|credit balance|billing_(?:hard_limit|not_active)|insufficient (?:balance|credit|funds)"
    r"|exceeded your current quota|payment required|out of credits|spending limit|used all available credits"
    r"|(?:check|enable|set up|update) .{0,40}billing|more credits|budget has been exceeded|budget_exceeded|crossed budget",
    re.IGNORECASE,
)
"""Words by which providers say that the account's money is used up: asking again helps nobody."""
_TEMPLATE = re.compile(
    r"system role|roles must alternate|only user(?:,| and) (?:assistant|model)|chat template|jinja", re.IGNORECASE
)
"""Words by which a server of open models says, with a 500, that the model's template does not take these messages."""
_NO_SUCH_MODEL = re.compile(
    r"invalid model name|model_not_found|model .{0,80}does not exist|no such model", re.IGNORECASE
)
"""Words in a 400 or 422 by which a proxy says that it does not have the model."""
_NO_SUCH_PATH = re.compile(r"unexpected endpoint|no (?:such )?route|invalid (?:url|path)", re.IGNORECASE)
"""Words in an answer of status 200 that should have been a 404."""
_DECORATION = re.compile(r"^(?:(?:litellm\.)?\w{0,60}(?:Error|Exception)\b[ :-]{0,5}){1,10}")
_LENGTH = 400


class NotStreamed(Exception):
    """The endpoint answered a streamed request with one JSON body: ask it again, without streaming."""


class EmptyAnswer(BadAnswer):
    """Complete, and without text: perhaps an accident, so asked for once more."""


class BadRequest(ModelError):
    """A 400 or 422 that is about none of the things that have an error of their own: perhaps about a parameter."""


def to_model_error(error: BaseException, exchange: Exchange, configured: ConfiguredModel) -> ModelError:
    """What to tell and, by its type, what to do."""
    if exchange.fault is not None:
        return exchange.fault
    status = exchange.status
    if status is None:
        return _before_any_answer(error, exchange, configured)
    body = exchange.body
    if status == 200:
        if is_error(body):
            inner = embedded_status(body)
            if inner is not None:
                return by_status(inner, exchange, configured)
            if _CREDIT.search(body) or _FILTER.search(body) or _CONTEXT.search(body):
                return by_status(400, exchange, configured)
            if _NO_SUCH_PATH.search(body):
                return by_status(404, exchange, configured)
            return Unreachable(f"The answer of {configured.model} broke off: {sentence(body)}")
        if exchange.content_type == "application/json" and is_whole(body):
            return BadAnswer(
                f"{configured.model} answered with nothing that can be read.", "Check that api_base is a model's API."
            )
        return Unreachable(f"The answer of {configured.model} broke off before its end.", "Try again.")
    return by_status(status, exchange, configured)


def _before_any_answer(error: BaseException, exchange: Exchange, configured: ConfiguredModel) -> ModelError:
    name, detail = type(error).__name__, _library_text(error)
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


def by_status(status: int, exchange: Exchange, configured: ConfiguredModel) -> ModelError:
    """The error of a response with this status, or of an error object that names it."""
    model, body = configured.model, exchange.body[:LONGEST]
    said = sentence(body)
    detail = f": {said}" if said else "."
    if status in (400, 401, 402, 403, 422) and _FILTER.search(body):
        return ContentRefused(f"{model} refused the content{detail}", "Rephrase the task, or use another model.")
    if status == 402 or (status in (400, 403, 422, 429) and _out_of_credit(status, body, exchange)):
        return OutOfCredit(
            f"{model}: the account at its provider has no credit or budget left ({status}){detail}",
            "Add credit there, or set a fallback model.",
        )
    if 400 <= status < 500 and body.lstrip().startswith("<"):
        return BadAnswer(
            f"{model} was answered with a web page ({status}): by a firewall or a server that is not a model's API.",
            "Check api_base, the network and a proxy.",
        )
    if status in (401, 403):
        return AuthenticationFailed(f"{model} refused the key ({status}){detail}", "Check the key and what it may use.")
    if status == 429:
        wait = exchange.retry_after_s
        after = f" It asks to wait {wait:g} s." if wait else ""
        return RateLimited(
            f"{model} is rate limited (429){detail}{after}", "Wait, or set a fallback model.", retry_after_s=wait
        )
    if status == 413 or (status in (400, 422) and _CONTEXT.search(body)):
        return ContextTooLong(
            f"The prompt does not fit the context window of {model}{detail}", "Use a model with a larger window."
        )
    if status in (400, 422) and _NO_SUCH_MODEL.search(body):
        return _unknown(status, model, detail)
    return _other(status, model, detail)


def _unknown(status: int, model: str, detail: str) -> ModelError:
    return ModelError(
        f"{model} is not known at its provider ({status}){detail}", "Check the model's name and api_base."
    )


def _other(status: int, model: str, detail: str) -> ModelError:
    if status == 407:
        return Unreachable(
            f"The proxy did not let the request of {model} through (407){detail}", "Check HTTPS_PROXY and NO_PROXY."
        )
    if status in (400, 422):
        return BadRequest(f"{model} refused the request ({status}){detail}", "Check the model's name and settings.")
    if status == 404:
        return _unknown(status, model, detail)
    if status in (408, 504):
        return TimedOut(f"{model} timed out at its provider ({status}).", "Try again, or set a fallback model.")
    if status == 500 and _TEMPLATE.search(detail):
        return BadRequest(f"{model} refused the request ({status}){detail}", "Use a model that takes these messages.")
    if status >= 500:
        return Unreachable(
            f"{model} answered with an error of its server ({status}){detail}",
            "Try again later, or set a fallback model.",
        )
    if 300 <= status < 400:
        return BadAnswer(f"{model} answered with a redirect ({status}) that cannot be followed.", "Check api_base.")
    return ModelError(f"{model} refused the request ({status}){detail}", "Check the model's name and settings.")


def _out_of_credit(status: int, body: str, exchange: Exchange) -> bool:
    """Google says "exceeded your current quota, check your billing" of a limit per minute too: then it asks to wait."""
    return bool(_CREDIT.search(body)) and not (status == 429 and exchange.retry_after_s)


def _library_text(error: BaseException) -> str:
    """The library's own words, for want of a response, without its decoration."""
    original = getattr(error, "original_exception", None) or error
    text = str(getattr(original, "message", None) or original)[:LONGEST].partition("Traceback (most recent")[0]
    text = _DECORATION.sub("", " ".join(text.split()))
    return text[:_LENGTH] + ("…" if len(text) > _LENGTH else "") or type(original).__name__
