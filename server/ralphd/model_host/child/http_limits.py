"""What no provider library checks: the HTTP layer under it, seen and bounded.

Every response passes here: its true status code and headers are noted for the policy (which decides by them, not by
texts), a redirect to another origin is refused before the request body follows it, an HTML page is no answer, and the
number of bytes has an end. Knows nothing of litellm or of models.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import httpx

from ralphd.core import foreign_json
from ralphd.errors import BadAnswer, ModelError
from ralphd.model_host.child.connections import connection_fault
from ralphd.model_host.child.error_bodies import LONGEST
from ralphd.model_host.child.error_bodies import asked_wait_s as body_wait_s
from ralphd.model_host.child.raw_answers import RawAnswer
from ralphd.model_host.child.waits import asked_wait_s


@dataclass
class Exchange:
    """One request as the wire saw it; filled while it runs, read by the policy after it failed."""

    max_bytes: int
    stream_asked: bool = False
    started: bool = False
    """A connection was there and the request has left."""
    status: int | None = None
    content_type: str = ""
    retry_after_s: float | None = None
    text: bytes = b""
    """Of a response that is no answer: the provider's own text, cut. Of an answer: its last kilobytes so far."""
    received: int = 0
    answer: RawAnswer = field(default_factory=lambda: RawAnswer(""))
    """What the answer's bytes say; empty where they are compressed."""
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    """Fields put into the request's JSON body, whatever the library made of it."""
    left_out: frozenset[str] = frozenset()
    """Fields taken out of it."""
    fault: ModelError | None = None
    connect_s: float = 20.0
    """How long a connection may take to be made."""

    @property
    def body(self) -> str:
        return self.text.decode("utf-8", "replace")


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
        if exchange is None:
            return await self._inner.handle_async_request(request)
        limits = request.extensions.get("timeout", {})
        connect = min(exchange.connect_s, limits.get("connect") or exchange.connect_s)
        request.extensions = {**request.extensions, "timeout": {**limits, "connect": connect}}
        request = await _with_fields(request, exchange)
        try:
            response = await self._inner.handle_async_request(request)
        except Exception as error:
            exchange.fault = connection_fault(error, _where(request.url), connect)
            raise
        exchange.started = True
        exchange.status = 200 if response.is_success else response.status_code
        exchange.content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        exchange.retry_after_s = asked_wait_s(response.headers)
        exchange.fault = _fault(request, response)
        if exchange.fault is not None:
            await response.aclose()
            raise Refused(exchange.fault.message, request=request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        if not response.is_success:
            return await _noted(response, exchange)
        if "content-encoding" not in response.headers:
            exchange.answer = RawAnswer(exchange.content_type, stream_asked=exchange.stream_asked)
        response.stream = _Counted(response.stream, exchange, request)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


_ERROR_BYTES = 64 * 1024


class _Counted(httpx.AsyncByteStream):
    """The bytes of an answer: counted, read on the way, given on."""

    def __init__(self, inner: httpx.AsyncByteStream, exchange: Exchange, request: httpx.Request) -> None:
        self._inner = inner
        self._exchange = exchange
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        exchange = self._exchange
        async for chunk in self._inner:
            exchange.received += len(chunk)
            if exchange.received > exchange.max_bytes:
                exchange.fault = BadAnswer(
                    f"{_where(self._request.url)} sent more than {exchange.max_bytes} bytes in one answer.",
                    "The answer was thrown away.",
                )
                raise Refused(exchange.fault.message, request=self._request)
            exchange.text = (exchange.text + chunk)[-LONGEST:]
            onward = exchange.answer.feed(chunk)
            self._stop_at_an_error()
            if onward:
                yield onward
        onward = exchange.answer.end()
        self._stop_at_an_error()
        if onward:
            yield onward

    def _stop_at_an_error(self) -> None:
        """No library is left to overlook that a server says an error where an answer should be."""
        if self._exchange.answer.is_page:
            self._exchange.fault = _a_page(self._request)
            raise Refused(self._exchange.fault.message, request=self._request)
        if self._exchange.answer.error:
            self._exchange.text = self._exchange.answer.error[:LONGEST]
            raise Refused("the server says an error", request=self._request)

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
    return _a_page(request) if response.is_success and kind in ("text/html", "application/xhtml+xml") else None


def _a_page(request: httpx.Request) -> BadAnswer:
    return BadAnswer(
        f"{_where(request.url)} answered with a web page: it is not a model's API.",
        "Check api_base, and any proxy or login page.",
    )


async def _noted(response: httpx.Response, exchange: Exchange) -> httpx.Response:
    """The same response, its body read up to a limit and noted: what the provider says, before a library says it."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    raw = b""
    try:
        async for chunk in response.stream:
            raw += chunk
            if len(raw) > _ERROR_BYTES:
                break
    finally:
        await response.aclose()
    headers = [(name, value) for name, value in response.headers.raw if name.lower() != b"content-length"]
    whole = httpx.Response(response.status_code, headers=headers, content=raw)
    try:
        exchange.text = whole.text.encode("utf-8", "replace")[:LONGEST]
    except (httpx.DecodingError, LookupError):
        exchange.text = raw[:LONGEST]
    if exchange.retry_after_s is None:
        exchange.retry_after_s = body_wait_s(exchange.body)
    plain = [(name, value) for name, value in headers if name.lower() != b"content-encoding"]
    # LiteLLM answers a 422 by asking again with parameters of its own choice: it is shown a 400.
    status = 400 if response.status_code == 422 else response.status_code
    return httpx.Response(status, headers=plain, content=exchange.text, extensions=response.extensions)


async def _with_fields(request: httpx.Request, exchange: Exchange) -> httpx.Request:
    """The request with the fields that a person adds to its JSON body, and without those that are left out."""
    if not (exchange.extra_body or exchange.left_out):
        return request
    try:
        body = foreign_json.parse(await request.aread())
    except ValueError:
        return request
    if not isinstance(body, dict):
        return request
    body = {name: value for name, value in {**body, **exchange.extra_body}.items() if name not in exchange.left_out}
    headers = [(name, value) for name, value in request.headers.raw if name.lower() not in _OF_THE_BODY]
    return httpx.Request(
        request.method, request.url, headers=headers, content=json.dumps(body), extensions=request.extensions
    )


_OF_THE_BODY = (b"content-length", b"transfer-encoding")
