"""What no provider library checks: the HTTP layer under it, seen and bounded.

Every response passes here: its true status code and headers are noted for the policy (which decides by them, not by
texts), a redirect to another origin is refused before the request body follows it, an HTML page is no answer, and the
number of bytes has an end. Knows nothing of litellm or of models.
"""

from __future__ import annotations

import math
import re
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time

import httpx

from ralphd.errors import BadAnswer, ModelError


@dataclass
class Exchange:
    """One request as the wire saw it; filled while it runs, read by the policy after it failed."""

    max_bytes: int
    started: bool = False
    """A connection was there and the request has left."""
    status: int | None = None
    content_type: str = ""
    retry_after_s: float | None = None
    received: int = 0
    finish_seen: bool | None = None
    """Did the stream say why it ended? None where that cannot be seen."""
    fault: ModelError | None = None


current: ContextVar[Exchange | None] = ContextVar("current exchange", default=None)


class Refused(httpx.RequestError):
    """Tells the library above to stop; the reason is in the exchange's `fault`."""


class Closed(httpx.BaseTransport):
    """For requests that a library would make on its own account: none."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise Refused("not asked for", request=request)


class GuardedTransport(httpx.AsyncBaseTransport):
    """Wraps the transport that a client would have used."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        exchange = current.get()
        response = await self._inner.handle_async_request(request)
        if exchange is None:
            return response
        exchange.started = True
        exchange.status = response.status_code
        exchange.content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        exchange.retry_after_s = retry_after(response.headers)
        exchange.fault = _fault(request, response)
        if exchange.fault is not None:
            await response.aclose()
            raise Refused(exchange.fault.message, request=request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        if exchange.content_type in _TEXT_STREAMS and "content-encoding" not in response.headers:
            exchange.finish_seen = False
        response.stream = _Counted(response.stream, exchange, request)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


_TEXT_STREAMS = ("text/event-stream", "application/x-ndjson")
_FINISH = re.compile(rb'"(?:finish_reason|finishReason|stop_reason|done_reason)"\s*:\s*"|"done"\s*:\s*true')
"""In the five wire formats a reason is a string. In a model's text the quotes are escaped, so it cannot fake one."""
_OVERLAP = 64


class _Counted(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, exchange: Exchange, request: httpx.Request) -> None:
        self._inner = inner
        self._exchange = exchange
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        tail = b""
        async for chunk in self._inner:
            self._exchange.received += len(chunk)
            if self._exchange.finish_seen is False:
                self._exchange.finish_seen = _FINISH.search(tail + chunk) is not None
                tail = (tail + chunk)[-_OVERLAP:]
            if self._exchange.received > self._exchange.max_bytes:
                self._exchange.fault = BadAnswer(
                    f"{_where(self._request.url)} sent more than {self._exchange.max_bytes} bytes in one answer.",
                    "The answer was thrown away.",
                )
                raise Refused(self._exchange.fault.message, request=self._request)
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def _where(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"https": 443, "http": 80}.get(url.scheme)


def _fault(request: httpx.Request, response: httpx.Response) -> ModelError | None:
    location = response.headers.get("location")
    if 300 <= response.status_code < 400 and location:
        try:
            target = request.url.join(location)
        except httpx.InvalidURL:
            return BadAnswer(f"{_where(request.url)} redirects to something that is not an address.", "Check api_base.")
        if _origin(target) != _origin(request.url):
            return BadAnswer(
                f"{_where(request.url)} redirects to another server, {_where(target)}: not followed.",
                "Set api_base to the final address if you trust it.",
            )
        return None
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if response.status_code == 200 and kind in ("text/html", "application/xhtml+xml"):
        return BadAnswer(
            f"{_where(request.url)} answered with a web page: it is not a model's API.",
            "Check api_base, and any proxy or login page.",
        )
    return None


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds that the provider asks to wait: `retry-after-ms`, or `Retry-After` as seconds or as a date."""
    if (ms := headers.get("retry-after-ms")) is not None:
        try:
            return max(0.0, float(ms) / 1000)
        except ValueError:
            pass
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time()
        except (TypeError, ValueError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
