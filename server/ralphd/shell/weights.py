"""Fetches the embedded model's weights with a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from ralphd.local_model.fetch import fetch
from ralphd.local_model.weights import QWEN, installed
from ralphd.shell.terminal import tell


def fetch_with_bar(cache: Path) -> Path:
    if installed(cache):
        tell(f"The model is here already: {QWEN.title}.")
        return fetch(cache)
    tell(
        f"Fetching {QWEN.title} ({QWEN.size / 1e9:.1f} GB, {QWEN.licence}) into {cache} — once; it can be stopped and goes on later."
    )
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

        with Progress(
            BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(), console=Console(stderr=True)
        ) as bar:
            task = bar.add_task("weights", total=QWEN.size)
            return fetch(cache, lambda done, total: bar.update(task, completed=done, total=total))
    last = [0.0]

    def progressed(done: int, total: int) -> None:
        if time.monotonic() - last[0] > 5 or done == total:
            last[0] = time.monotonic()
            tell(f"  {done / 1e6:.0f} of {total / 1e6:.0f} MB")

    return fetch(cache, progressed)
