"""Loads the provider library in a thread of the model host, and tells the server that the import goes on.

The import takes seconds, minutes on a busy machine. As long as modules are loaded or processor time is used, the server
is told so and waits; an import that stands still says nothing, and the server ends this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ralphd.errors import Unreachable
from ralphd.model_host.wire import Loading, Ready
from ralphd.models.gateway import Wire

if TYPE_CHECKING:
    from ralphd.model_host.child.provider_library import Library

BEAT_S = 1.0
"""Seconds between two looks at how far the import is."""
_WORK_S = 0.01
"""Processor time between two looks that counts as progress; the looks themselves use far less."""


class Loader:
    """Loads the library once. `send` writes a message to the server; it is called from two threads."""

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Callable[[Wire], None]) -> None:
        self._loop = loop
        self._send = send
        self._done = threading.Event()
        self._loaded: asyncio.Future[Library] = loop.create_future()
        self._started = False

    def start(self) -> None:
        """Begin to load; nothing where that has begun before."""
        if not self._started:
            self._started = True
            threading.Thread(target=self._load, name="load", daemon=True).start()
            threading.Thread(target=self._tell, name="tell", daemon=True).start()

    async def library(self) -> Library:
        """The library, when it is there. Raises `Unreachable` where it cannot be loaded."""
        self.start()
        return await asyncio.shield(self._loaded)

    def _load(self) -> None:
        """On Linux the priority belongs to this thread alone, so that messages are still answered at once."""
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                os.nice(10)
        try:
            from ralphd.model_host.child import calls, provider_library

            del calls
            library = provider_library.load()
        except Exception as error:
            self._loop.call_soon_threadsafe(
                self._failed, f"The provider library could not be loaded: {type(error).__name__}: {error}"
            )
        else:
            self._loop.call_soon_threadsafe(self._succeeded, library)
        finally:
            self._done.set()

    def _succeeded(self, library: Library) -> None:
        self._loaded.set_result(library)
        self._send(Ready())

    def _failed(self, reason: str) -> None:
        self._loaded.set_exception(Unreachable(reason, "Reinstall ralphd with its dependencies."))
        self._loaded.exception()  # seen: where no request waits for it, nobody else looks
        self._send(Ready(problem=reason))

    def _tell(self) -> None:
        modules, worked = 0, 0.0
        while not self._done.wait(BEAT_S):
            now = len(sys.modules), time.process_time()
            if now[0] > modules or now[1] - worked >= _WORK_S:
                modules, worked = now
                self._send(Loading(modules=modules))
