"""Second opinions within a run: whether versions pass the person's tests, and what a vote says of the code that a run is
about."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from ralphd.judging.control import bounds, noticed
from ralphd.judging.verdict import TestRun
from ralphd.judging.workbench import Asked, Plant, Workbench
from ralphd.loop import proof
from ralphd.loop.state import State
from ralphd.opinions.polling import Poll
from ralphd.phases.base import PhaseContext
from ralphd.phases.opinions import SecondOpinions


def of(ctx: PhaseContext, bench: Workbench, state: State, poll: Poll, dismissed: Collection[str]) -> SecondOpinions:
    """On texts of the target's file, with what is loaded in the bench around it."""

    async def tested(texts: Sequence[str]) -> Sequence[bool]:
        clean = state.baseline
        if clean is None or not clean.cases:
            return [True] * len(texts)
        each = list(dict.fromkeys(texts))
        only = sorted(proof.related_tests(clean, state, ctx.target.path) | state.reach.reaching)
        asked = Asked(only=tuple(only) or None, stop=not clean.bad)
        plants = [Plant({ctx.target.path: text}, asked) for text in each]
        runs = await bench.run_planted(plants, bounds(clean, math.inf, len(each)))
        passed = {text: run is not None and _passes(run, clean, state) for text, run in zip(each, runs, strict=True)}
        return [passed[text] for text in texts]

    return SecondOpinions(ctx, poll, tested, dismissed)


def _passes(run: TestRun, clean: TestRun, state: State) -> bool:
    """All that passed before passes, and so do those that failed and have to do with the target."""
    mended = all(name in run.cases and not run.cases[name].bad for name in state.reach.reaching)
    return mended and noticed(run, clean) is False
