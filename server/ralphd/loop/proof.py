"""What a green is worth: whether the tests notice planted faults, and whether the change interferes with its own proof."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from ralphd.attack.planting import Fault, broken_body, small_faults
from ralphd.core import events
from ralphd.core.run import ControlReport
from ralphd.errors import RalphError
from ralphd.judging.control import SMALL_FAULTS, control, proves_nothing, shown
from ralphd.judging.suspicion import suspicions
from ralphd.judging.verdict import TestRun
from ralphd.judging.workbench import Workbench
from ralphd.loop.state import Proof, State, Trial, phase
from ralphd.phases.base import PhaseContext

_READ_TESTS = 20
"""Test files whose literals a candidate is compared with."""


async def of(ctx: PhaseContext, bench: Workbench, state: State, green: Trial) -> Proof:
    """Look at a green candidate, then plant faults in it. An answer that came before is not looked at twice."""
    if not green.texts or green.run is None:
        return Proof()
    if state.green is not None and state.green.texts == green.texts:
        return state.green.proof
    test_files = sorted({name.split("::")[0] for name in green.run.cases} & set(bench.tree.paths()))
    texts = {path: text for path, text in green.texts.items() if path not in test_files}
    tests = [(path, bench.tree.text(path) or "") for path in _nearest(test_files, state, ctx.target.path)]
    found = await asyncio.to_thread(suspicions, {path: ctx.before(path) for path in texts}, texts, tests)
    report, why_none = await _control(ctx, bench, state, green, texts)
    if report is None:
        return Proof(shown=f"no control ran: {why_none}", suspicions=found)
    ctx.emit(events.ControlEnded(state.iterations, report))
    nothing = proves_nothing(report, ctx.what)
    return Proof(report, "" if nothing else shown(report, ctx.what), nothing, found)


def _nearest(test_files: Collection[str], state: State, target: str) -> list[str]:
    """The test files that reach the target first."""
    near = state.graph.reaches(target) if state.graph is not None else set()
    return sorted(test_files, key=lambda path: (path not in near, path))[:_READ_TESTS]


async def _control(
    ctx: PhaseContext, bench: Workbench, state: State, green: Trial, texts: dict[str, str]
) -> tuple[ControlReport | None, str]:
    """The control, or None and why there is none."""
    assert green.run is not None
    mode = ctx.settings.testing.control
    if mode == "off":
        return None, "it is switched off"
    body, faults = await asyncio.to_thread(_planted, ctx, texts)
    if not body:
        return None, "nothing could be planted in what changed"
    only = _reaching(green.run, state, ctx.target.path)
    with phase(ctx.emit, "control", state.iterations):
        try:
            small = faults if mode == "auto" else []
            return await control(bench, green.run, body, small, only, state.tested_s), ""
        except RalphError as error:
            return None, str(error).rstrip(".")


def _planted(ctx: PhaseContext, texts: dict[str, str]) -> tuple[list[Fault], list[Fault]]:
    """The broken bodies, to be planted together, and the small faults, each to be planted alone."""
    body, small = [], []
    for path, text in sorted(texts.items()):
        before = ctx.before(path)
        if (broken := broken_body(path, before, text)) is not None:
            body.append(broken)
            small += small_faults(path, before, text, SMALL_FAULTS)
    return body, small[:SMALL_FAULTS]


def _reaching(run: TestRun, state: State, target: str) -> set[str]:
    """Tests that passed, without those that were measured at the baseline not to enter the target and do not import it.

    Empty where the runner takes no ids: all of them run then."""
    near = state.graph.reaches(target) if state.graph is not None else set()
    before = state.baseline.cases if state.baseline is not None else {}
    found = set()
    for name, case in run.cases.items():
        known = before.get(name)
        far = known is not None and known.reached is False and name.split("::")[0] not in near
        if case.outcome == "passed" and not far:
            found.add(name)
    return found
