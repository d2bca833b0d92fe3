"""A demo that was recorded, shown again in some seconds: nothing runs, and no model is asked.

The recording is what a demo printed, with its times: lines of JSON, `[seconds, kind, text, style]`, where `kind` is the
method of `Screen`. The first line says where it was made. `python bench/record_demo.py` makes it.
"""

from __future__ import annotations

import time
from importlib import resources
from typing import Any

from ralphd.core import foreign_json
from ralphd.shell.terminal import Screen

LASTS_S = 8.0
RECORDING = "demo_run.jsonl"


class RecordingScreen(Screen):
    """A screen that keeps what it shows."""

    def __init__(self, *, rich: bool) -> None:
        super().__init__(rich=rich)
        self._began = time.monotonic()
        self.shown: list[tuple[float, str, str, str]] = []

    def say(self, text: str, style: str = "") -> None:
        self._keep("say", text, style)
        super().say(text, style)

    def stream(self, delta: str) -> None:
        self._keep("stream", delta)
        super().stream(delta)

    def diff(self, text: str) -> None:
        self._keep("diff", text)
        super().diff(text)

    def _keep(self, kind: str, text: str, style: str = "") -> None:
        self.shown.append((round(time.monotonic() - self._began, 2), kind, text, style))


def replay(screen: Screen) -> None:
    """Show the recording on `screen`, with its pauses shortened to `LASTS_S` in all."""
    lines = resources.files("ralphd.shell").joinpath(RECORDING).read_text(encoding="utf-8").splitlines()
    made: Any = foreign_json.parse(lines[0])
    shown = [foreign_json.parse(line) for line in lines[1:]]
    took = shown[-1][0]
    screen.say(
        f"A recorded run, shown again: nothing runs here. It was made on {made['date']} with {made['model']} on {made['machine']}, "
        f"and took {took:.0f} s.",
        "italic",
    )
    before = 0.0
    for at, kind, text, style in shown:
        time.sleep((at - before) * min(1.0, LASTS_S / took))
        before = at
        if kind == "stream":
            screen.stream(text)
        elif kind == "diff":
            screen.diff(text)
        else:
            screen.say(text, style)
