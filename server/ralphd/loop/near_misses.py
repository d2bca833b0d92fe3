"""A candidate that passes most tests may be one small change away from right: that is looked for without a model."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from ralphd.attack.neighbours import Neighbour, neighbours
from ralphd.context.target import definitions
from ralphd.core import events
from ralphd.judging.verdict import TestRun
from ralphd.judging.workbench import Asked, Bounds, Plant, Workbench
from ralphd.loop.state import Trial
from ralphd.phases.base import PhaseContext

_MOST = 40
_LEAST_SHARE_S, _MOST_SHARE_S = 5.0, 30.0
_RUNS = 5
"""The search takes as long as so many runs of the tests, within the two limits above: a busy machine is slow at both."""
_TIMES_AS_LONG = 4
_AT_ONCE = 4


async def search(
    ctx: PhaseContext, bench: Workbench, trial: Trial, own: Collection[str]
) -> tuple[Mapping[str, str], str] | None:
    """The texts of a neighbour on which the tests that `trial` failed pass, and what was changed; None where none is.

    Only where most of the target's tests `own` pass already: elsewhere the idea is wrong, not its edges.
    """
    path, run = ctx.target.path, trial.run
    if run is None or trial.verdict is None or set(trial.texts) != {path} or not path.endswith(".py"):
        return None
    failing = sorted(case.nodeid for case in trial.verdict.failing if case.nodeid in own)
    passing = sum(run.cases[name].outcome == "passed" for name in own if name in run.cases)
    if not failing or passing <= len(failing):
        return None
    ctx.emit(events.Note(f"{passing} of its own tests pass: small changes are tried before the model is asked again."))
    near = await asyncio.to_thread(_near, trial.texts[path], ctx.target.name)
    limit_s, burn_s = max(2.0, _TIMES_AS_LONG * run.duration_s), 2.0 + _TIMES_AS_LONG * run.cpu_s
    asked = Asked(only=tuple(failing), stop=True)
    left_s = min(_MOST_SHARE_S, max(_LEAST_SHARE_S, _RUNS * run.duration_s))
    for at in range(0, len(near), _AT_ONCE):
        some = near[at : at + _AT_ONCE]
        plants = [Plant({path: one.text}, asked) for one in some]
        runs = await bench.run_planted(plants, Bounds(limit_s, burn_s, left_s))
        for one, tried in zip(some, runs, strict=True):
            if tried is not None and _mended(tried, failing):
                return {path: one.text}, f"{one.what} at line {one.line}"
        left_s -= sum(tried.duration_s for tried in runs if tried is not None) / 2  # two shadows work side by side
        if left_s <= 0:
            break
    return None


def _near(text: str, name: str) -> list[Neighbour]:
    found = [d for d in definitions("x.py", text) if d.name == name]
    return neighbours(text, found[0].span if found else (0, len(text)), _MOST)


def _mended(run: TestRun, failing: Collection[str]) -> bool:
    known = [run.cases.get(name) for name in failing]
    return not run.timed_out and all(case is not None and case.outcome == "passed" for case in known)
