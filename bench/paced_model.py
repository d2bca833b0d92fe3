"""A model on loopback that streams at a set pace and keeps the times: what a row calls "model time" is what it measured.

`python bench/paced_model.py` with a JSON list of answers on its standard input; its own process, so that it shares no
interpreter lock with what is measured. GET /times answers what it saw, in the machine-wide monotonic clock.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """`text` in deltas of `chunk` characters, the first after `first_s`, then `per_s` of them a second (0: at once)."""

    text: str
    first_s: float = 0.0
    chunk: int = 4
    per_s: float = 0.0


def prose(deltas: int) -> str:
    """Text of so many deltas of four characters, no two neighbours alike: repetition is taken for a broken model."""
    return "".join(f"{number % 1000:03d} " for number in range(deltas))


@dataclass
class Seen:
    """One request: when it came, when its first and its last delta left (0: not yet)."""

    came: float
    first: float = 0.0
    ended: float = 0.0
    deltas: int = 0


@dataclass(frozen=True)
class Model:
    port: int

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def seen(self) -> list[Seen]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/times", timeout=10) as answer:
            return [Seen(**entry) for entry in json.load(answer)]


@contextmanager
def paced_model(answers: Sequence[Answer]) -> Iterator[Model]:
    """The answers are given out in order; the last one again and again."""
    argv = [sys.executable, str(Path(__file__).resolve())]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout
    try:
        process.stdin.write(json.dumps([asdict(answer) for answer in answers]) + "\n")
        process.stdin.flush()
        yield Model(int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answers: list[Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = answers
        self.seen: list[Seen] = []
        self.lock = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left in mid-stream is what some rows are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        data = json.dumps(
            [asdict(seen) for seen in self.server.seen] if self.path == "/times" else {"data": []}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self) -> None:
        seen = Seen(time.monotonic())
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.lock:
            self.server.seen.append(seen)
            answers = self.server.answers
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self._delta({"role": "assistant", "content": ""})
        start = time.monotonic() + answer.first_s
        for number, at in enumerate(range(0, len(answer.text), answer.chunk)):
            due = start + (number / answer.per_s if answer.per_s else 0.0)  # by the clock: a late delta delays no other
            if (wait := due - time.monotonic()) > 0:
                time.sleep(wait)
            seen.first = seen.first or time.monotonic()
            self._delta({"content": answer.text[at : at + answer.chunk]})
            seen.deltas += 1
        self._delta({}, "stop")
        self.wfile.write(b"data: [DONE]\n\n")
        self.wfile.flush()
        seen.ended = time.monotonic()

    def _delta(self, delta: dict[str, str], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        chunk = {
            "id": "paced",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "scripted",
            "choices": [choice],
        }
        self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        self.wfile.flush()


if __name__ == "__main__":
    running = _Server([Answer(**answer) for answer in json.loads(sys.stdin.readline())])
    print(running.server_address[1], flush=True)
    running.serve_forever()
