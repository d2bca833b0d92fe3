"""When a test run counts as hung, and the end of such a run.

Those are seconds of processor time where the run uses the processor, so that a busy machine makes no run hang; of the clock
where it only waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from ralphd.sandbox.process import ProcessResult
from ralphd.sandbox.watchdog import Meter

LEAST_S = 30.0
TIMES = 10
"""As long as the baseline took."""
_BURNS = 0.05
"""Of the clock's time: a tree that uses more of a processor is at work, not waiting."""
_LOOK_S = 0.5


class Progress(Protocol):
    """How far a test runner is."""

    def progress(self) -> int:
        """Grows as tests start or end; 0 before the first."""

    def running(self) -> str:
        """The test that is running; "" where none is known."""


def limit_s(baseline_s: float) -> float:
    """Seconds without a test's end after which a run has hung, where the baseline took `baseline_s`."""
    return max(LEAST_S, TIMES * baseline_s)


def stalled(waited_s: float, burnt_s: float, limit_s: float) -> bool:
    """Whether a run has hung in which no test ended for `waited_s` by the clock and `burnt_s` of processor time."""
    return waited_s > limit_s and (burnt_s > limit_s or burnt_s < _BURNS * waited_s)


async def unless_hung(
    running: Coroutine[Any, Any, ProcessResult],
    meter: Meter,
    told: Sequence[Progress],
    *,
    stall_s: float | None,
    burn_s: float | None,
) -> ProcessResult | str:
    """The result of `running`; or, where no test ended for `stall_s` or the whole took more than `burn_s` seconds of
    processor time, it is cancelled and this is the test that hung. `told`: where a runner may say how far it is."""

    def progress() -> int:
        return sum(one.progress() for one in told)

    def hung() -> str:
        return next(filter(None, (one.running() for one in told)), "a test")

    task = asyncio.create_task(running)
    seen, since, used = 0, time.monotonic(), 0.0
    try:
        while not (await asyncio.wait({task}, timeout=_LOOK_S))[0]:
            now = await asyncio.to_thread(progress)
            waited, burnt = time.monotonic() - since, meter.seconds - used
            if burn_s is not None and meter.seconds > burn_s:
                return hung()
            if now != seen:
                seen, since, used = now, time.monotonic(), meter.seconds
            elif now and stall_s is not None and stalled(waited, burnt, stall_s):
                return hung()
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
