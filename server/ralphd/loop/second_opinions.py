"""Second opinions within a run: whether versions pass the person's tests, and what a vote says of the code that a run is
about."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ralphd.judging.control import LEAST_LIMIT_S, TIMES_AS_LONG, noticed
from ralphd.judging.verdict import TestRun
from ralphd.judging.workbench import Workbench
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
        limit_s = max(LEAST_LIMIT_S, TIMES_AS_LONG * clean.duration_s)
        plants = [{ctx.target.path: text} for text in each]
        runs = await bench.run_planted(plants, only, limit_s, limit_s * len(each), stop=not clean.bad)
        passed = {text: run is not None and _passes(run, clean, state) for text, run in zip(each, runs, strict=True)}
        return [passed[text] for text in texts]

    return SecondOpinions(ctx, poll, tested, dismissed)


def _passes(run: TestRun, clean: TestRun, state: State) -> bool:
    """All that passed before passes, and so do those that failed and have to do with the target."""
    mended = all(name in run.cases and not run.cases[name].bad for name in state.reach.reaching)
    return mended and not noticed(run, clean)
