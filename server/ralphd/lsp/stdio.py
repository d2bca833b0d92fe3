"""The protocol's own file descriptors, and LSP's framing. Nothing else may write to stdout."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

MAX_MESSAGE = 256 * 1024 * 1024
_LENGTH = re.compile(rb"^content-length:\s*(\d{1,12})\s*$", re.IGNORECASE)


def take_stdio() -> tuple[BinaryIO, BinaryIO]:
    """Move stdin and stdout away for the protocol: fd 1 becomes stderr, fd 0 /dev/null.

    A stray print of a library, or a child that inherits fd 1, otherwise costs the client its next two messages.
    """
    incoming, outgoing = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    for fd in (incoming, outgoing):
        os.set_inheritable(fd, False)
    sys.stdout = sys.stderr
    return os.fdopen(incoming, "rb", buffering=1 << 16), os.fdopen(outgoing, "wb", buffering=0)


class Writer:
    """Writes whole messages; once the other side is gone every further write is dropped, silently and for good.

    pygls reports a failed write to the client, which is a write that fails: it spun at full CPU when an editor left.
    """

    def __init__(self, out: BinaryIO, on_closed: Callable[[], None]) -> None:
        self._out, self._on_closed = out, on_closed
        self._lock = threading.Lock()
        self.closed = False

    def write(self, data: bytes) -> None:
        if self.closed:
            return
        with self._lock:
            try:
                view = memoryview(data)
                while view:
                    view = view[self._out.write(view) or 0 :]
            except (OSError, ValueError):
                self.closed = True
        if self.closed:
            self._on_closed()

    def close(self) -> None:
        self.closed = True


def read_messages(source: BinaryIO, on_body: Callable[[bytes], None], on_garbage: Callable[[str], None]) -> None:
    """Read framed messages until the end of input. Runs in its own thread: a full thread pool must not deafen the server.

    A header without a usable Content-Length is reported and skipped; reading goes on at the next one that has it.
    """
    length: int | None = None
    skipping = False
    while header := source.readline(1 << 16):
        bare = header.strip()
        if match := _LENGTH.match(bare):
            length, skipping = int(match[1]), False
            if length > MAX_MESSAGE:
                on_garbage(f"a message of {length} bytes is too long")
                length = None
        elif not bare and length is not None:
            body = source.read(length)
            if len(body) < length:
                return
            on_body(body)
            length = None
        elif bare and length is None and not bare.lower().startswith(b"content-type:") and not skipping:
            skipping = True
            on_garbage("a header without a usable Content-Length")
