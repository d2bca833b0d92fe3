"""Lets a process of ours that works in the background step back behind what the person does."""

from __future__ import annotations

import contextlib
import os


def step_back(nice: int) -> None:
    """Lowers the priority of this process, for good; `nice`: 1 to 19, as for `nice(1)`.

    Linux shares the processor between sessions first (`autogroup` in sched(7)), and by niceness only between the processes
    of one. A process that was started as the first of its own session would otherwise get as much as the whole editor.
    """
    if not hasattr(os, "nice"):
        return
    os.nice(nice)
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError), open("/proc/self/autogroup", "w", encoding="ascii") as group:
            group.write(str(nice))
