"""How long a provider's headers ask to wait before the next request."""

from __future__ import annotations

import math
from datetime import datetime
from email.utils import parsedate_to_datetime
from time import time

import httpx

from ralphd.model_host.child.error_bodies import duration_s

_EPOCH_S = 1e9
_EPOCH_MS = 1e12
"""Greater numbers are points in time, in seconds or milliseconds since 1970."""


def asked_wait_s(headers: httpx.Headers) -> float | None:
    """Seconds: of `retry-after-ms`, of `Retry-After` (seconds or a date), else of the rate-limit headers whose limit
    is used up (`x-ratelimit-remaining-…: 0`, or none named). None where no header says."""
    if (wait := _seconds(headers.get("retry-after-ms"))) is not None:
        return wait / 1000
    if (value := headers.get("retry-after")) is not None:
        return _moment(value)
    waits = []
    for name, value in headers.items():
        if not name.startswith(("x-ratelimit-reset", "ratelimit-reset")) and not (
            name.startswith("anthropic-ratelimit-") and name.endswith("-reset")
        ):
            continue
        left = headers.get(name.replace("reset", "remaining"))
        if left is not None and left.strip() not in ("0", "0.0"):
            continue
        if (wait := _moment(value)) is not None:
            waits.append(wait)
    return max(waits, default=None)


def _moment(value: str) -> float | None:
    """Seconds from now: a number of seconds, a duration (`1m30s`), a point in time since 1970, or a date."""
    if (seconds := duration_s(value)) is not None:
        if seconds >= _EPOCH_MS / 10:
            seconds = seconds / 1000 - time()
        elif seconds >= _EPOCH_S:
            seconds -= time()
        return max(0.0, seconds)
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return max(0.0, read(value.strip()).timestamp() - time())
        except (TypeError, ValueError, OverflowError):
            continue
    return None


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
