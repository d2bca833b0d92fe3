"""The model host: the one process that loads the provider library and holds keys; JSON lines with the server.

Started as `python -I`, outside any repository. Its life hangs on its standard input: when that ends, it ends. What a
library prints goes to stderr, masked; only messages go to the server.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path

from ralphd.model_host.child.keys import Keyring, settle_environment
from ralphd.model_host.child.redaction import RedactingStream, Redactor
from ralphd.model_host.child.requests import Host
from ralphd.model_host.wire import Hello, encode
from ralphd.models.gateway import Wire


async def _serve(keyring: Keyring, incoming: int, outgoing: int, stray: RedactingStream) -> None:
    loop = asyncio.get_running_loop()
    writing = threading.Lock()

    def send(message: Wire) -> None:
        data = memoryview(encode(message))
        try:
            with writing:  # two threads send: the event loop, and the one that tells how loading goes on
                while data:
                    data = data[os.write(outgoing, data) :]
        except OSError:
            os._exit(0)  # nobody listens any more

    host = Host(keyring, send, stray)

    def read() -> None:
        # A thread of its own: the end of the pipe is seen even while the loop is busy.
        with os.fdopen(incoming, "rb") as lines:
            for line in lines:
                loop.call_soon_threadsafe(host.receive, line)
        os._exit(0)

    send(Hello(pid=os.getpid()))
    threading.Thread(target=read, name="read", daemon=True).start()
    await asyncio.Event().wait()


def main() -> int:
    incoming, outgoing = os.dup(0), os.dup(1)
    os.dup2(2, 1)  # a stray print must not break the framing
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    keyring = Keyring.take()
    settle_environment()
    stray = RedactingStream(sys.__stderr__, Redactor(keyring.values()))
    sys.stdout = sys.stderr = stray
    asyncio.run(_serve(keyring, incoming, outgoing, stray))
    return 0


if __name__ == "__main__":
    sys.exit(main())
