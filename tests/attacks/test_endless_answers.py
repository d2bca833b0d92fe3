"""A provider whose answers have no end, or no bottom: each is given up by the call's own limits, and the next one counts."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.attacks.conftest import PLACE, RIGHT
from tests.support import product
from tests.support.scripted_server import ScriptedServer

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
MB = 1 << 20
Send = Callable[[bytes], None]
Pause = Callable[[float], None]


def delta(text: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


def headers_byte_by_byte(send: Send, pause: Pause) -> None:
    send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        send(b"a")
        pause(0.05)


def keep_alives_only(send: Send, pause: Pause) -> None:
    send(HEAD + b"\r\n")
    while True:
        send(b": still here\n\n")
        pause(0.05)


def silence_after_some_text(send: Send, pause: Pause) -> None:
    send(HEAD + b"\r\n" + delta("```python\ndef double(x):\n"))
    pause(10_000)


def a_body_that_never_comes(send: Send, pause: Pause) -> None:
    send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999999999999\r\n\r\n{")
    pause(10_000)


def a_line_without_end(send: Send, pause: Pause) -> None:
    send(HEAD + b"\r\ndata: ")
    while True:
        send(b"x" * MB)


def a_bomb(send: Send, pause: Pause) -> None:
    """A thousand bytes for each that is sent."""
    send(HEAD + b"Content-Encoding: gzip\r\n\r\n")
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    while True:
        send(pack.compress(b"data: \n\n" * (MB // 8)) + pack.flush(zlib.Z_SYNC_FLUSH))


def brackets(send: Send, pause: Pause) -> None:
    send(HEAD + b"\r\ndata: " + b"[" * 200_000 + b"\n\ndata: [DONE]\n\n")


def right_with_odd_letters(send: Send, pause: Pause) -> None:
    send(HEAD + b"\r\n" + delta("Half a pair \ud83d, a NUL \0, an escape \x1b[2J.\n") + delta(RIGHT))
    send(delta("", "stop") + b"data: [DONE]\n\n")


BAD = [
    headers_byte_by_byte,
    keep_alives_only,
    silence_after_some_text,
    a_body_that_never_comes,
    a_line_without_end,
    a_bomb,
    brackets,
]


@contextmanager
def provider(answers: list[Callable[[Send, Pause], None]]) -> Iterator[tuple[str, list[str]]]:
    """(base URL, names of the answers given so far) of a server that gives each answer once, in order."""
    given: list[str] = []
    stopping = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.close_connection = True
            answer = answers[min(len(given), len(answers) - 1)]
            given.append(answer.__name__)

            def send(data: bytes) -> None:
                self.wfile.write(data)
                self.wfile.flush()

            def pause(seconds: float) -> None:
                if stopping.wait(seconds):
                    raise ConnectionError

            try:
                answer(send, pause)
            except OSError:
                """The client has left, as it should."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", given
    finally:
        stopping.set()
        server.shutdown()
        server.server_close()


def model(url: str, number: int) -> dict[str, object]:
    return {"model": f"openai/scripted-{number}", "api_base": url, "timeout_s": 2}


@pytest.mark.slow
@pytest.mark.row("L1")
def test_each_is_given_up_and_the_next_answer_counts(project: Path) -> None:
    answers = [*BAD, right_with_odd_letters]
    with provider(answers) as (url, given), ScriptedServer() as unused:
        ended = product.run(
            project,
            PLACE,
            unused,
            models={"default": {**model(url, 0), "fallback": [model(url, n) for n in range(1, len(answers))]}},
            budget={"usd_per_run": 100.0, "usd_per_day": 100.0},
        )
    assert given == [answer.__name__ for answer in answers], ended.stderr
    assert ended.result["outcome"] == "proposed" and "Traceback" not in ended.stderr, ended.stderr
