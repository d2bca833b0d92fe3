"""Fetches the embedded model's weights with a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from ralphd.local_model.fetch import fetch
from ralphd.local_model.weights import QWEN, installed
from ralphd.shell.terminal import tell

_TICK_S = 0.2
_LINE_S = 5.0


def fetch_with_bar(cache: Path, meanwhile: Callable[[], None] | None = None) -> Path:
    """The weights' path. `meanwhile` is called, once, while the first of them are on their way."""
    if installed(cache):
        tell(f"The model is here already: {QWEN.title}.")
        return fetch(cache)
    tell(
        f"Fetching {QWEN.title} ({QWEN.size / 1e9:.1f} GB, {QWEN.licence}) into {cache} — once; it can be stopped and goes on later."
    )
    fetching = _Fetching(cache)
    try:
        if meanwhile is not None:
            meanwhile()
        return _shown(fetching)
    except BaseException:
        fetching.stop()
        raise


class _Fetching:
    """The download in a thread of its own; `done` and `total` are bytes."""

    def __init__(self, cache: Path) -> None:
        self.done, self.total = 0, QWEN.size
        self._stopped = False
        self._pool = ThreadPoolExecutor(1)
        self.result = self._pool.submit(fetch, cache, self._progressed)
        self._pool.shutdown(wait=False)

    def stop(self) -> None:
        """Ends the download at its next report; what has arrived stays."""
        self._stopped = True

    def _progressed(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        if self._stopped:
            raise KeyboardInterrupt


def _shown(fetching: _Fetching) -> Path:
    """Wait for the weights, with a bar on a terminal and a line every few seconds elsewhere."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

        with Progress(
            BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(), console=Console(stderr=True)
        ) as bar:
            task = bar.add_task("weights", total=QWEN.size)
            while not wait([fetching.result], _TICK_S).done:
                bar.update(task, completed=fetching.done, total=fetching.total)
            bar.update(task, completed=fetching.done, total=fetching.total)
    else:
        while not wait([fetching.result], _LINE_S).done:
            tell(f"  {fetching.done / 1e6:.0f} of {fetching.total / 1e6:.0f} MB")
    return fetching.result.result()
