"""Model providers on loopback: real HTTP servers that speak five wire formats, streamed and not, with faults on demand.

Each answer is taken from a script; every request is recorded, so that a test can assert what was sent. Knows nothing of
ralphd or litellm: the formats are written down here a second time, on purpose.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

Wire = Literal["openai", "anthropic", "gemini", "azure", "ollama"]
WIRES: tuple[Wire, ...] = ("openai", "anthropic", "gemini", "azure", "ollama")
Break = Literal["reset", "eof", "clean_eof", "stall", "keepalive"]


@dataclass(frozen=True)
class Fault:
    """What happens to a stream after `after` bytes of its body (None: after `events` whole events)."""

    kind: Break
    after: int | None = None
    events: int = 0


@dataclass(frozen=True)
class Reply:
    """One answer. `status` other than 200 gives the provider's own error shape with `error` as its message."""

    pieces: tuple[str, ...] = ("Hello", ", ", "world")
    prompt_tokens: int = 11
    completion_tokens: int = 7
    cached_tokens: int = 0
    finish: str | None = "stop"
    """stop, length or filter; None: the stream ends without saying why."""
    model: str | None = None
    """The name that the answer bears; None: the one that was asked for."""
    usage: bool = True
    status: int = 200
    error: str = "it went wrong"
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None
    """Sent as it is, with `content_type`."""
    content_type: str | None = None
    ignore_stream: bool = False
    """Answer a streamed request with one JSON body."""
    extra_events: tuple[bytes, ...] = ()
    """Put into the stream as they are after the first piece."""
    pause_s: float = 0.0
    """Between pieces."""
    split: int | None = None
    """Write the stream in slices of this many bytes, whatever they cut through."""
    crlf: bool = False
    fault: Fault | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True)
class Recorded:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    at: float

    @property
    def streamed(self) -> bool:
        if "streamGenerateContent" in self.path:
            return True
        return bool(self.body.get("stream")) if isinstance(self.body, dict) else False


@dataclass
class Provider:
    """A running server. `script` is consumed reply by reply; `default` answers when it is empty."""

    wire: Wire
    default: Reply = field(default_factory=Reply)
    script: list[Reply] = field(default_factory=list)
    requests: list[Recorded] = field(default_factory=list)
    choose: Callable[[Recorded], Reply | None] | None = None
    """Asked first: a reply for this very request, or None."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.hung_up = threading.Event()
        """Set when a client goes away in the middle of an answer."""
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def api_base(self) -> str:
        """What a person would write as `api_base` for this wire."""
        return self.origin + ("/v1" if self.wire == "openai" else "")

    def next_reply(self, request: Recorded) -> Reply:
        with self._lock:
            self.requests.append(request)
            if self.choose is not None and (chosen := self.choose(request)) is not None:
                return chosen
            return self.script.pop(0) if self.script else self.default

    def reset(self) -> None:
        with self._lock:
            self.script.clear()
            self.requests.clear()
            self.default = Reply()
            self.choose = None
        self.hung_up.clear()

    @property
    def closing(self) -> threading.Event:
        return self._closing

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Provider:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are part of the tests, not news."""


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Silent."""

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            try:
                body: Any = json.loads(raw)
            except ValueError:
                body = raw.decode("utf-8", "replace")
            parts = urlsplit(self.path)
            recorded = Recorded(
                "POST",
                parts.path,
                parse_qs(parts.query),
                {k.lower(): v for k, v in self.headers.items()},
                body,
                time.time(),
            )
            reply = provider.next_reply(recorded)
            try:
                self._answer(recorded, reply)
            except (BrokenPipeError, ConnectionResetError):
                provider.hung_up.set()
                self.close_connection = True

        def _answer(self, request: Recorded, reply: Reply) -> None:
            if reply.raw is not None:
                self._plain(reply.status, reply.content_type or "text/plain", reply.raw, reply.headers)
            elif reply.status != 200:
                self._plain(reply.status, "application/json", error_body(provider.wire, reply), reply.headers)
            elif request.streamed and not reply.ignore_stream:
                self._stream(request, reply)
            else:
                self._plain(
                    200, "application/json", whole_body(provider.wire, asked_model(request), reply), reply.headers
                )

        def _plain(self, status: int, kind: str, body: bytes, headers: tuple[tuple[str, str], ...]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def _stream(self, request: Recorded, reply: Reply) -> None:
            self.send_response(200)
            kind = "application/x-ndjson" if provider.wire == "ollama" else "text/event-stream"
            self.send_header("Content-Type", reply.content_type or kind)
            self.send_header("Transfer-Encoding", "chunked")
            for name, value in reply.headers:
                self.send_header(name, value)
            self.end_headers()
            sent = 0
            fault = reply.fault
            for number, event in enumerate(stream_events(provider.wire, asked_model(request), reply)):
                if fault is not None and fault.after is None and number >= fault.events:
                    return self._break(fault)
                if fault is not None and fault.after is not None and sent + len(event) > fault.after:
                    self._write(event[: fault.after - sent], reply.split)
                    return self._break(fault)
                self._write(event, reply.split)
                sent += len(event)
                if reply.pause_s and provider.closing.wait(reply.pause_s):
                    return None
            if fault is not None:
                return self._break(fault)
            self.wfile.write(b"0\r\n\r\n")
            return None

        def _write(self, data: bytes, split: int | None) -> None:
            step = split or max(1, len(data))
            for i in range(0, len(data), step):
                part = data[i : i + step]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                self.wfile.flush()

        def _break(self, fault: Fault) -> None:
            self.close_connection = True
            if fault.kind == "clean_eof":
                self.wfile.write(b"0\r\n\r\n")
            elif fault.kind == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                raise ConnectionResetError
            elif fault.kind == "eof":
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                while not provider.closing.wait(0.05):
                    if fault.kind == "keepalive":
                        self._write(b": ping\n\n" if provider.wire != "ollama" else b"\n", None)
                    elif _gone(self.connection):
                        raise ConnectionResetError

    return Handler


def _gone(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.setblocking(True)


def asked_model(request: Recorded) -> str:
    if isinstance(request.body, dict) and isinstance(request.body.get("model"), str):
        return str(request.body["model"])
    for mark in ("/models/", "/deployments/"):
        if mark in request.path:
            return request.path.partition(mark)[2].partition("/")[0].partition(":")[0]
    return "unknown"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _sse(value: Any, event: str | None = None, *, crlf: bool = False) -> bytes:
    end = b"\r\n" if crlf else b"\n"
    head = b"event: " + event.encode() + end if event else b""
    data = value if isinstance(value, bytes) else _json(value)
    return head + b"data: " + data + end + end


_FINISH: dict[Wire, dict[str, str]] = {
    "openai": {"stop": "stop", "length": "length", "filter": "content_filter"},
    "azure": {"stop": "stop", "length": "length", "filter": "content_filter"},
    "anthropic": {"stop": "end_turn", "length": "max_tokens", "filter": "refusal"},
    "gemini": {"stop": "STOP", "length": "MAX_TOKENS", "filter": "SAFETY"},
    "ollama": {"stop": "stop", "length": "length", "filter": "stop"},
}


def _openai_usage(reply: Reply) -> dict[str, Any]:
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": reply.cached_tokens},
    }


def _anthropic_usage(reply: Reply, out: int) -> dict[str, Any]:
    # Anthropic counts cached tokens beside `input_tokens`, not in them.
    return {
        "input_tokens": reply.prompt_tokens - reply.cached_tokens,
        "cache_read_input_tokens": reply.cached_tokens,
        "cache_creation_input_tokens": 0,
        "output_tokens": out,
    }


def _gemini_usage(reply: Reply) -> dict[str, Any]:
    return {
        "promptTokenCount": reply.prompt_tokens,
        "candidatesTokenCount": reply.completion_tokens,
        "totalTokenCount": reply.prompt_tokens + reply.completion_tokens,
        "cachedContentTokenCount": reply.cached_tokens,
    }


def whole_body(wire: Wire, model: str, reply: Reply) -> bytes:
    """An answer that is not streamed."""
    name = reply.model or model
    finish = _FINISH[wire].get(reply.finish or "stop", reply.finish)
    if wire in ("openai", "azure"):
        return _json(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1,
                "model": name,
                "choices": [
                    {"index": 0, "message": {"role": "assistant", "content": reply.text}, "finish_reason": finish}
                ],
                **({"usage": _openai_usage(reply)} if reply.usage else {}),
            }
        )
    if wire == "anthropic":
        return _json(
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": name,
                "content": [{"type": "text", "text": reply.text}],
                "stop_reason": finish,
                "stop_sequence": None,
                "usage": _anthropic_usage(reply, reply.completion_tokens),
            }
        )
    if wire == "gemini":
        return _json(
            {
                "candidates": [
                    {"index": 0, "content": {"role": "model", "parts": [{"text": reply.text}]}, "finishReason": finish}
                ],
                "usageMetadata": _gemini_usage(reply),
                "modelVersion": name,
            }
        )
    return _json(
        {
            "model": name,
            "created_at": "2026-01-01T00:00:00Z",
            "message": {"role": "assistant", "content": reply.text},
            "response": reply.text,
            "done": True,
            "done_reason": finish,
            "prompt_eval_count": reply.prompt_tokens,
            "eval_count": reply.completion_tokens,
        }
    )


def stream_events(wire: Wire, model: str, reply: Reply) -> Iterator[bytes]:
    """The events of a streamed answer, each as the bytes on the wire."""
    events = {
        "openai": _openai_events,
        "azure": _openai_events,
        "anthropic": _anthropic_events,
        "gemini": _gemini_events,
        "ollama": _ollama_events,
    }[wire](reply.model or model, reply)
    for number, event in enumerate(events):
        yield event
        if number == _first_text(wire):
            yield from reply.extra_events


def _first_text(wire: Wire) -> int:
    return {"openai": 1, "azure": 1, "anthropic": 2, "gemini": 0, "ollama": 0}[wire]


def _openai_events(model: str, reply: Reply) -> Iterator[bytes]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        value = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
        return _sse(value, crlf=reply.crlf)

    yield chunk({"role": "assistant", "content": ""})
    for piece in reply.pieces:
        yield chunk({"content": piece})
    if reply.finish is not None:
        yield chunk({}, _FINISH["openai"].get(reply.finish, reply.finish))
    if reply.usage:
        value = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": model,
            "choices": [],
            "usage": _openai_usage(reply),
        }
        yield _sse(value, crlf=reply.crlf)
    yield _sse(b"[DONE]", crlf=reply.crlf)


def _anthropic_events(model: str, reply: Reply) -> Iterator[bytes]:
    def event(kind: str, **value: Any) -> bytes:
        return _sse({"type": kind, **value}, kind, crlf=reply.crlf)

    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": model,
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _anthropic_usage(reply, 1),
    }
    yield event("message_start", message=message)
    yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for piece in reply.pieces:
        yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
    yield event("content_block_stop", index=0)
    if reply.finish is not None:
        stop = _FINISH["anthropic"].get(reply.finish, reply.finish)
        yield event(
            "message_delta",
            delta={"stop_reason": stop, "stop_sequence": None},
            usage={"output_tokens": reply.completion_tokens},
        )
    yield event("message_stop")


def _gemini_events(model: str, reply: Reply) -> Iterator[bytes]:
    last = len(reply.pieces) - 1
    for number, piece in enumerate(reply.pieces):
        candidate: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": [{"text": piece}]}}
        value: dict[str, Any] = {"candidates": [candidate], "modelVersion": model}
        if number == last:
            if reply.finish is not None:
                candidate["finishReason"] = _FINISH["gemini"].get(reply.finish, reply.finish)
            if reply.usage:
                value["usageMetadata"] = _gemini_usage(reply)
        yield _sse(value, crlf=reply.crlf)


def _ollama_events(model: str, reply: Reply) -> Iterator[bytes]:
    def line(text: str, **more: Any) -> bytes:
        value = {
            "model": model,
            "created_at": "2026-01-01T00:00:00Z",
            "message": {"role": "assistant", "content": text},
            "response": text,
            "done": False,
        }
        return _json({**value, **more}) + b"\n"

    for piece in reply.pieces:
        yield line(piece)
    if reply.finish is not None:
        counts = (
            {"prompt_eval_count": reply.prompt_tokens, "eval_count": reply.completion_tokens} if reply.usage else {}
        )
        yield line("", done=True, done_reason=_FINISH["ollama"].get(reply.finish, reply.finish), **counts)


def error_body(wire: Wire, reply: Reply) -> bytes:
    """Each provider's own shape of an error."""
    kinds = {
        401: "authentication_error",
        403: "permission_error",
        429: "rate_limit_error",
        400: "invalid_request_error",
    }
    kind = kinds.get(reply.status, "api_error")
    if wire == "openai":
        code = {401: "invalid_api_key", 429: "rate_limit_exceeded"}.get(reply.status)
        if "context length" in reply.error:
            code = "context_length_exceeded"
        return _json({"error": {"message": reply.error, "type": kind, "param": None, "code": code}})
    if wire == "azure":
        return _json({"error": {"code": str(reply.status), "message": reply.error}})
    if wire == "anthropic":
        return _json({"type": "error", "error": {"type": kind, "message": reply.error}, "request_id": "req_1"})
    if wire == "gemini":
        status = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 429: "RESOURCE_EXHAUSTED"}
        return _json(
            {"error": {"code": reply.status, "message": reply.error, "status": status.get(reply.status, "INTERNAL")}}
        )
    return _json({"error": reply.error})


def stream_bytes(wire: Wire, model: str, reply: Reply) -> bytes:
    """A whole recorded stream."""
    return b"".join(stream_events(wire, model, reply))


def boundaries(wire: Wire, model: str, reply: Reply) -> list[int]:
    """Byte offsets at which one event ends and the next begins, both ends included."""
    offsets = [0]
    for event in stream_events(wire, model, reply):
        offsets.append(offsets[-1] + len(event))
    return offsets


def broken(reply: Reply, kind: Break, *, after: int | None = None, events: int = 0) -> Reply:
    return replace(reply, fault=Fault(kind, after, events))
