"""A provider's server on loopback: each answer is taken from a script, each request is recorded."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.providers.formats import FORMATS, stream_events
from tests.support.providers.replies import Fault, Recorded, Reply, Wire
from tests.support.providers.wire_format import WireFormat, as_json


@dataclass
class Provider:
    """A running server. `script` is consumed reply by reply; `default` answers when it is empty."""

    wire: Wire
    default: Reply = field(default_factory=Reply)
    script: list[Reply] = field(default_factory=list)
    requests: list[Recorded] = field(default_factory=list)
    choose: Callable[[Recorded], Reply | None] | None = None
    """Asked first: a reply for this very request, or None."""
    models: tuple[str, ...] = ()
    """What it tells who asks for the names of its models."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.hung_up = threading.Event()
        """Set when a client goes away in the middle of an answer."""
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def format(self) -> WireFormat:
        return FORMATS[self.wire]

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def api_base(self) -> str:
        """What a person would write as `api_base` for this wire."""
        return self.origin + self.format.base

    def next_reply(self, request: Recorded) -> Reply:
        with self._lock:
            self.requests.append(request)
            if self.choose is not None and (chosen := self.choose(request)) is not None:
                return chosen
            if (complaint := self.format.complains(request)) is not None:
                return complaint
            return self.format.asked(request, self.script.pop(0) if self.script else self.default)

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
    format = provider.format

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Silent."""

        def do_GET(self) -> None:
            if self.path.endswith("/api/tags"):
                told: Any = {"models": [{"name": name} for name in provider.models]}
            else:
                told = {"object": "list", "data": [{"id": name, "object": "model"} for name in provider.models]}
            self._plain(200, "application/json", as_json(told), ())

        def do_POST(self) -> None:
            recorded = self._recorded()
            reply = provider.next_reply(recorded)
            try:
                self._answer(recorded, reply)
            except (BrokenPipeError, ConnectionResetError):
                provider.hung_up.set()
                self.close_connection = True

        def _recorded(self) -> Recorded:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                body: Any = json.loads(raw)
            except ValueError:
                body = raw.decode("utf-8", "replace")
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            return Recorded("POST", parts.path, parse_qs(parts.query), headers, body, time.time())

        def _answer(self, request: Recorded, reply: Reply) -> None:
            if reply.raw is not None:
                self._plain(reply.status, reply.content_type or "text/plain", reply.raw, reply.headers)
            elif reply.status != 200:
                self._plain(reply.status, "application/json", as_json(format.error(reply)), reply.headers)
            elif request.streamed and not reply.ignore_stream:
                self._stream(request, reply)
            else:
                body = as_json(format.whole(request.model, reply))
                self._plain(200, "application/json", body, reply.headers)

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
            self.send_header("Content-Type", reply.content_type or format.streamed_as)
            self.send_header("Transfer-Encoding", "chunked")
            for name, value in reply.headers:
                self.send_header(name, value)
            self.end_headers()
            sent = 0
            fault = reply.fault
            for number, event in enumerate(stream_events(provider.wire, request.model, reply)):
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
                        self._write(format.keep_alive, None)
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
