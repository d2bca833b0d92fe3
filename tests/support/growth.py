"""Whether work grows with the length of its text or with its square, told by processor time.

A limit in seconds would say something about the machine: what takes a second on one takes three on another, or on the same one
while others use it. So the limit is in units, and a unit is what one fixed piece of work takes here and now.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

_TEXT = "one two three " * 3_000


def within(units: float, work: Callable[[], object]) -> None:
    """Do `work` and fail if it took more than `units` times what the fixed piece of work takes, before it or after it.

    A unit is about 0.008 s on a quiet machine of 2026. What grows with the square of a megabyte takes minutes: ten
    thousand of them and more.
    """
    before = _unit()
    started = time.process_time()
    work()
    used = time.process_time() - started
    unit = max(before, _unit())
    assert used < units * unit, f"{used / unit:.0f} units of {unit:.3f} s"


def _unit() -> float:
    """Seconds of processor time for finding and counting 9,000 words."""
    started = time.process_time()
    counts: dict[str, int] = {}
    for found in re.finditer(r"[a-z]+", _TEXT):
        counts[found[0]] = counts.get(found[0], 0) + 1
    assert len(counts) == 3
    return time.process_time() - started
