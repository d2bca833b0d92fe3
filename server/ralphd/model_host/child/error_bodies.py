"""What a provider says in the body of an error: its own sentence, its code, and how long it asks to wait.

Every provider has its own shape; all of them are read here. Bodies are cut to `LONGEST` before anything looks at them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ralphd.core import foreign_json

LONGEST = 20_000
_SHOWN = 400
_SPACE = re.compile(r"\s+")
_STATUS = re.compile(r"[1-5][0-9]{2}")
_DURATION = re.compile(
    r"^(?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?$"
)


def parsed(body: str) -> Any:
    """The body as JSON; of an event stream, its last event that is an error; None where it is neither."""
    body = body[:LONGEST].strip()
    if not body:
        return None
    try:
        return foreign_json.parse(body)
    except ValueError:
        pass
    for line in reversed(body.splitlines()):
        text = line.removeprefix("data:").strip()
        if text.startswith("{") and "error" in text.lower():
            try:
                return foreign_json.parse(text)
            except ValueError:
                continue
    return None


def sentence(body: str) -> str:
    """The provider's own words, short; empty where it said none."""
    value = parsed(body)
    found = next(_messages(value), "") if value is not None else _plain(body)
    text = _SPACE.sub(" ", found[:LONGEST]).strip()
    return text[:_SHOWN] + ("…" if len(text) > _SHOWN else "")


_STATUS_OF: Mapping[str, int] = {
    word: status
    for status, words in {
        400: "invalid_request_error invalid_argument bad_request",
        401: "authentication_error invalid_api_key unauthenticated unauthorized",
        402: "payment_required insufficient_quota billing_error",
        403: "permission_error permission_denied",
        404: "not_found_error model_not_found not_found",
        413: "request_too_large context_length_exceeded exceed_context_size_error",
        429: "rate_limit_error rate_limit_exceeded rate_limited resource_exhausted too_many_requests",
        503: "overloaded_error unavailable unavailable_error service_unavailable",
        504: "timeout_error deadline_exceeded",
    }.items()
    for word in words.split()
}
"""What a word that stands for a status means as a number."""


def embedded_status(body: str) -> int | None:
    """The HTTP status that an error object names, where a server sends it inside an answer of status 200."""
    for place in _objects(parsed(body)):
        for name in ("code", "status", "status_code", "type"):
            value = place.get(name)
            if isinstance(value, str) and value.lower() in _STATUS_OF:
                return _STATUS_OF[value.lower()]
            if isinstance(value, str) and _STATUS.fullmatch(value):
                value = int(value)
            if isinstance(value, int) and not isinstance(value, bool) and 400 <= value <= 599:
                return value
    return None


def is_error(body: str) -> bool:
    """Does this body hold an error object? (A model's text cannot: in JSON its quotes are escaped.)"""
    value = parsed(body)
    return isinstance(value, Mapping) and bool(value.get("error") or value.get("type") == "error")


def is_whole(body: str) -> bool:
    """Is this a whole JSON text, or nothing at all? Not one that was cut."""
    try:
        foreign_json.parse(body or "null")
    except ValueError:
        return False
    return True


def asked_wait_s(body: str) -> float | None:
    """Seconds that Google's `RetryInfo`, or a `retry_after` beside an error, asks to wait."""
    for place in _objects(parsed(body)):
        for name in ("retryDelay", "retry_after", "retry_after_seconds"):
            if (wait := duration_s(place.get(name))) is not None:
                return wait
    return None


def duration_s(value: Any) -> float | None:
    """`"37s"`, `"1m30.5s"`, `"250ms"`, `12`, as seconds; None for what is none of these."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if 0 <= value < 1e9 else None
    if not isinstance(value, str) or not (value := value.strip()) or len(value) > 40:
        return None
    try:
        number = float(value)
    except ValueError:
        match = _DURATION.match(value)
        if match is None:
            return None
        hours, minutes, seconds, millis = (float(part or 0) for part in match.groups())
        return hours * 3600 + minutes * 60 + seconds + millis / 1000
    return number if 0 <= number < 1e14 else None


def _objects(value: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Every mapping of the body, outermost first, to a depth that no provider passes."""
    if depth > 6:
        return
    if isinstance(value, Mapping):
        yield value
        for inner in value.values():
            yield from _objects(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value[:20]:
            yield from _objects(inner, depth + 1)


def _messages(value: Any) -> Iterator[str]:
    """Sentences of the body, the most telling first."""
    if isinstance(value, str):
        if value.strip():
            yield value
    elif isinstance(value, list):
        for inner in value[:20]:
            yield from _messages(inner)
    elif isinstance(value, Mapping):
        raw = value.get("metadata")
        if isinstance(raw, Mapping) and isinstance(raw.get("raw"), str):  # OpenRouter: what its own provider said
            yield from _messages(parsed(raw["raw"]) or raw["raw"])
        for name in ("error", "message", "detail", "errors", "msg", "error_description"):
            if name in value:
                place = value.get("loc")
                where = (
                    f" ({'.'.join(str(part) for part in place)})" if name == "msg" and isinstance(place, list) else ""
                )
                for text in _messages(value[name]):
                    yield text + where


def _plain(body: str) -> str:
    text = body[:LONGEST].strip()
    return "" if text.startswith(("<", "data:", "event:")) else text
