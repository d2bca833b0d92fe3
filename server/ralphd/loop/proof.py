"""What a green is worth: whether the tests notice planted faults, and whether the change interferes with its own proof."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Sequence

from ralphd.attack.false_expectations import FalseExpectations, falsified, named
from ralphd.attack.planting import Fault, broken_body, small_faults
from ralphd.context.tree import Tree
from ralphd.core import events
from ralphd.core.run import ControlReport
from ralphd.errors import RalphError
from ralphd.judging import data_files
from ralphd.judging.comparing import function_of
from ralphd.judging.control import SMALL_FAULTS, control, proves_nothing, shown
from ralphd.judging.suspicion import suspicions
from ralphd.judging.verdict import TestRun
from ralphd.judging.workbench import Asked, Workbench
from ralphd.loop.state import Proof, State, Trial, phase
from ralphd.phases import edit_permissions, test_regions
from ralphd.phases.base import PhaseContext

_MOST = 0.75
"""Of the planted faults: what was found by trying is as good as tests that notice as many."""
_READ_TESTS = 20
"""Test files whose literals a candidate is compared with."""


async def of(ctx: PhaseContext, bench: Workbench, state: State, green: Trial) -> Proof:
    """Look at a green candidate, then plant faults in it. An answer that came before is not looked at twice."""
    if not green.texts or green.run is None:
        return Proof()
    if state.green is not None and state.green.texts == green.texts:
        return state.green.proof
    locked = ctx.settings.testing.locked
    texts = {path: text for path, text in green.texts.items() if not edit_permissions.is_test(path, locked, state.used)}
    tests = await asyncio.to_thread(_tests, ctx, bench.tree, state, green.run)
    expected = [(path, test_regions.alone(path, text) if path in texts else text) for path, text in tests]
    found = await asyncio.to_thread(suspicions, {path: ctx.before(path) for path in texts}, texts, expected)
    forged, took_s = await _pass_with_false_expectations(ctx, bench, state, green, tests)
    if forged:
        found += (f"tests pass with a false expectation as well: {', '.join(forged[:3])}",)
    report, why_none = await _control(ctx, bench, state, green, texts, took_s)
    if green.tried and not (report is not None and report.planted and report.noticed >= _MOST * report.planted):
        found = (*found, "the small change was tried until the tests passed, and they notice few planted faults")
    if report is None:
        return Proof(shown=f"no control ran: {why_none}", suspicions=found)
    ctx.emit(events.ControlEnded(state.iterations, report))
    nothing = proves_nothing(report, ctx.what)
    return Proof(report, "" if nothing else shown(report, ctx.what), nothing, found)


def _tests(ctx: PhaseContext, tree: Tree, state: State, run: TestRun) -> list[tuple[str, str]]:
    """Path and text of the test files, those that reach the target first, and of the data that they read.

    Ids of Go and Rust name no file: there the tests are the package's `_test.go` files, and those in the target and
    under `tests/`."""
    target, known = ctx.target.path, set(tree.paths())
    files = {name.split("::")[0] for name in run.cases} & known
    folder = posixpath.dirname(target)
    if target.endswith(".go"):
        files |= {path for path in known if path.endswith("_test.go") and posixpath.dirname(path) == folder}
    elif target.endswith(".rs"):
        files |= {target} | {path for path in known if path.endswith(".rs") and "tests" in path.split("/")[:-1]}
    near = state.graph.reaches(target) if state.graph is not None else set()
    nearest = sorted(files, key=lambda path: (path not in near, path))[:_READ_TESTS]
    data = sorted(path for path in known if path in state.used and path.endswith(data_files.SUFFIXES))[:_READ_TESTS]
    return [(path, tree.text(path) or "") for path in (*nearest, *data)]


async def _pass_with_false_expectations(
    ctx: PhaseContext, bench: Workbench, state: State, green: Trial, tests: Sequence[tuple[str, str]]
) -> tuple[list[str], float]:
    """Ids of tests that pass although their expectation was made false: something else than the result decides
    them; and the seconds that it took to see."""
    if ctx.settings.testing.control == "off" or green.run is None:
        return [], 0.0
    only = related_tests(green.run, state, ctx.target.path)
    candidate = dict(green.texts)
    near = [(path, candidate.get(path) or text) for path, text in tests]
    found = await asyncio.to_thread(lambda: [wrong for path, text in near if (wrong := falsified(path, text))])
    if not found:
        return [], 0.0
    ids = {nodeid for nodeid in only if any(_has_one(nodeid, wrong) for wrong in found)}
    functions = tuple(sorted({function_of(nodeid) for nodeid in ids}))  # the parameters are others now
    if not functions:
        return [], 0.0
    with phase(ctx.emit, "control", state.iterations):
        try:
            await bench.load({**candidate, **{wrong.path: wrong.text for wrong in found}})
            run = await bench.run(Asked(only=functions or None))
            await bench.load(candidate)
        except RalphError:
            return [], 0.0
    if run.timed_out or run.report is None or run.report.void:
        return [], 0.0
    outcomes: dict[str, set[str]] = {}
    for nodeid, case in run.cases.items():
        outcomes.setdefault(function_of(nodeid), set()).add(case.outcome)
    return [function for function in functions if outcomes.get(function) == {"passed"}], run.duration_s


def _has_one(nodeid: str, wrong: FalseExpectations) -> bool:
    """Whether the test is one of those with a false expectation; ids of Go and Rust name no file."""
    file = nodeid.split("::")[0]
    return named(nodeid) in wrong.tests and (file == wrong.path or "." not in file or "::" not in nodeid)


async def _control(
    ctx: PhaseContext, bench: Workbench, state: State, green: Trial, texts: dict[str, str], took_s: float
) -> tuple[ControlReport | None, str]:
    """The control, or None and why there is none; `took_s` of its share of the time went already."""
    assert green.run is not None
    mode = ctx.settings.testing.control
    if mode == "off":
        return None, "it is switched off"
    body, faults = await asyncio.to_thread(_planted, ctx, texts)
    if not body:
        return None, "nothing could be planted in what changed"
    only = related_tests(green.run, state, ctx.target.path)
    with phase(ctx.emit, "control", state.iterations):
        try:
            small = faults if mode == "auto" else []
            return await control(bench, green.run, body, small, only, state.tested_s - took_s), ""
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


def related_tests(run: TestRun, state: State, target: str) -> set[str]:
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
