"""An OpenAI-compatible model on loopback that says what it was told to say: standard library only, real HTTP and SSE.

It knows the wire of chat completions; it knows nothing of what is asked.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Json = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """One answer. With `status` other than 200, `text` is the error's message."""

    text: str
    status: int = 200
    chunk: int = 12
    """Characters per streamed delta."""
    delay_s: float = 0.0
    """Pause before each delta."""
    finish: str | None = "stop"
    """None: the stream ends without one, as when a connection is cut."""
    hang: bool = False
    """After the text: keep the connection open and say no more, until the client leaves or the server stops."""


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: Json
    at: float
    """time.monotonic() of its arrival."""

    @property
    def prompt(self) -> str:
        """All message texts, joined."""
        parts = []
        for message in self.body.get("messages", []):
            content = message.get("content") or ""
            parts.append(content if isinstance(content, str) else "".join(p.get("text", "") for p in content))
        return "\n".join(parts)


Script = str | Reply | Callable[[Request], "str | Reply"]


class ScriptedServer:
    """Use as a context manager. `replies` are given out in order, each once; a request beyond them is answered 500."""

    def __init__(self, replies: Iterable[Script] = ()) -> None:
        self.replies: list[Script] = list(replies)
        self.requests: list[Request] = []
        self.beyond_script: list[Request] = []
        self.busy = False
        """Whether it says, as llama.cpp's server does, that it is answering somebody else now."""
        self.disconnected = 0
        """Answers that the client did not wait for."""
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    def next_reply(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            if not self.replies:
                self.beyond_script.append(request)
                return Reply(f"the script has no reply number {len(self.requests)}", status=500)
            script = self.replies.pop(0)
        reply = script(request) if callable(script) else script
        return Reply(reply) if isinstance(reply, str) else reply

    def wait(self, seconds: float) -> bool:
        """Pause; True when the server stops meanwhile."""
        return self._stopping.wait(seconds)


def _handler(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: what was asked is in `requests`."""

        def do_GET(self) -> None:
            if self.path.endswith("/slots"):
                self._json(200, [{"id": 0, "is_processing": server.busy}])
                return
            self._json(200, {"object": "list", "data": [{"id": "scripted", "object": "model", "owned_by": "tests"}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
            if not self.path.endswith("/chat/completions"):
                self._json(404, {"error": {"message": f"no such path: {self.path}"}})
                return
            reply = server.next_reply(
                Request(
                    self.path, {name.lower(): value for name, value in self.headers.items()}, body, time.monotonic()
                )
            )
            try:
                if reply.status != 200:
                    self._json(reply.status, {"error": {"message": reply.text, "type": "scripted", "code": None}})
                elif body.get("stream"):
                    self._stream(reply, body)
                else:
                    self._whole(reply, body)
            except (BrokenPipeError, ConnectionResetError):
                server.disconnected += 1
                self.close_connection = True

        def _json(self, status: int, value: Json | list[Json]) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _whole(self, reply: Reply, body: Json) -> None:
            message = {"role": "assistant", "content": reply.text}
            choice = {"index": 0, "message": message, "finish_reason": reply.finish or "stop"}
            self._json(200, {**_head(body, "chat.completion"), "choices": [choice], "usage": _usage(reply, body)})

        def _stream(self, reply: Reply, body: Json) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            head = _head(body, "chat.completion.chunk")

            def say(delta: Json, finish: str | None = None, **more: Any) -> None:
                choice = {"index": 0, "delta": delta, "finish_reason": finish}
                self._event(json.dumps({**head, "choices": [choice], **more}))

            say({"role": "assistant", "content": ""})
            for at in range(0, len(reply.text), reply.chunk):
                if reply.delay_s and server.wait(reply.delay_s):
                    return
                say({"content": reply.text[at : at + reply.chunk]})
            while reply.hang and not server.wait(0.1):
                self.wfile.write(b": still here\n\n")  # a comment: how a client that left is noticed
            if reply.finish is None or reply.hang:
                return
            say({}, reply.finish)
            if (body.get("stream_options") or {}).get("include_usage"):
                self._event(json.dumps({**head, "choices": [], "usage": _usage(reply, body)}))
            self._event("[DONE]")

        def _event(self, data: str) -> None:
            self.wfile.write(f"data: {data}\n\n".encode())
            self.wfile.flush()

    return Handler


def _head(body: Json, kind: str) -> Json:
    return {"id": "chatcmpl-scripted", "object": kind, "created": 1, "model": body.get("model", "scripted")}


def _usage(reply: Reply, body: Json) -> Json:
    """Four characters a token: near enough for a budget to have something to count."""
    prompt, completion = len(json.dumps(body.get("messages", []))) // 4, len(reply.text) // 4
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
