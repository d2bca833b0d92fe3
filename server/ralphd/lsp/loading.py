"""Keeps the garbage collector and long turns of the interpreter lock away while modules load. Knows nothing of LSP.

Loading makes some hundred thousand objects that live as long as the process: collecting among them finds nothing and
costs a tenth of the time to `initialize`, and afterwards a stall of 20 ms and more whenever it happens.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable

TURN_S = 0.0005
"""How long a loading thread may keep the interpreter from the event loop (Python's own value: 5 ms)."""


def began() -> None:
    gc.disable()


def ended() -> None:
    """What was made so far stays for good and is never looked through again; what comes is collected as usual."""
    gc.freeze()
    gc.enable()


async def aside(load: Callable[[], object]) -> None:
    """Run `load` in a thread; the editor is answered meanwhile."""
    turn = sys.getswitchinterval()
    began()
    sys.setswitchinterval(TURN_S)
    try:
        await asyncio.to_thread(load)
    finally:
        sys.setswitchinterval(turn)
        ended()
