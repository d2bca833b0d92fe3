"""What a green is worth: whether the tests notice planted faults, and whether the change interferes with its own proof."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ralphd.attack.false_expectations import FalseExpectations, falsified, named
from ralphd.attack.outside import outside, told
from ralphd.attack.planting import Fault, broken_body, small_faults
from ralphd.context.tree import Tree
from ralphd.core import events
from ralphd.core.run import ControlReport
from ralphd.errors import RalphError
from ralphd.judging import data_files
from ralphd.judging.comparing import function_of
from ralphd.judging.control import SMALL_FAULTS, Plan, bounds, control, proves_nothing, shown
from ralphd.judging.infrastructure import machine
from ralphd.judging.suspicion import suspicions
from ralphd.judging.verdict import TestRun, cut_short
from ralphd.judging.workbench import Asked, Plant, Workbench
from ralphd.loop.state import Proof, State, Trial, phase
from ralphd.phases import edit_permissions, test_regions
from ralphd.phases.base import PhaseContext

_MOST = 0.75
"""Of the planted faults: tests that notice as many say much of a green. Not all, for some faults change nothing."""
_LEAST_CONTROL_S = 5.0
"""So long the control may take in any case: with tests that take less than a second hardly a fault would be tried."""
TRIED = "the small change was tried until the tests passed, and they notice few planted faults"
_MANY_TESTS = 3
"""So many tests of the target, which noticed most of the planted faults, leave little for others to say."""
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
    reported = green.run.report is not None
    before = {path: ctx.before(path) for path in texts}
    found = await asyncio.to_thread(suspicions, before, texts, expected, reported=reported)
    controlled = await _control(ctx, bench, state, green, texts, tests)
    found += controlled.suspicions
    report = controlled.report
    if green.tried and not (report is not None and report.planted and report.noticed >= _MOST * report.planted):
        found = (*found, TRIED)
    if report is None:
        return Proof(shown=f"no control ran: {controlled.why_none}", suspicions=found)
    ctx.emit(events.ControlEnded(state.iterations, report))
    nothing = proves_nothing(report, ctx.what)
    return Proof(report, "" if nothing else shown(report, ctx.what), nothing, found)


def is_strong(trial: Trial, state: State, target: str) -> bool:
    """Whether the tests say so much of a green that versions of it would only take time."""
    report = trial.proof.control
    if trial.run is None or report is None or trial.proof.suspicions:
        return False
    many = len(related_tests(trial.run, state, target)) >= _MANY_TESTS
    return many and report.first and report.noticed >= _MOST * report.planted


_Read = tuple[str, str]
"""Path and text of a file."""


def _tests(ctx: PhaseContext, tree: Tree, state: State, run: TestRun) -> list[_Read]:
    """The test files, those that reach the target first, and of the data that they read.

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


@dataclass(frozen=True)
class _Seen:
    """What the control showed; `suspicions` come from the tests with false expectations."""

    report: ControlReport | None = None
    why_none: str = ""
    suspicions: tuple[str, ...] = ()


async def _control(
    ctx: PhaseContext, bench: Workbench, state: State, green: Trial, texts: dict[str, str], tests: Sequence[_Read]
) -> _Seen:
    assert green.run is not None
    mode = ctx.settings.testing.control
    if mode == "off":
        return _Seen(why_none="it is switched off")
    only = related_tests(green.run, state, ctx.target.path)
    body, faults = await asyncio.to_thread(_planted, ctx, texts)
    near = [(path, green.texts.get(path) or text) for path, text in tests]
    changed = {path: (ctx.before(path), text) for path, text in texts.items()}
    wrong = await asyncio.to_thread(_falsified, near, only, changed)
    if not body and wrong.plant is None:
        return _Seen(why_none="nothing could be planted in what changed")
    with phase(ctx.emit, "control", state.iterations):
        try:
            plan = Plan(body, faults if mode == "auto" else [], only, wrong.plant)
            share_s = max(state.tested_s, _LEAST_CONTROL_S)
            done = await control(bench, green.run, plan, share_s)
            forged = await _forged(bench, done.falsified, wrong, green.run, share_s)
        except RalphError as error:
            return _Seen(why_none=str(error).rstrip("."))
    return _Seen(done.report, done.why_none, forged)


@dataclass(frozen=True)
class _Wrong:
    """The test functions that have a false expectation, our own tests beside them, and what is planted for both."""

    functions: tuple[str, ...]
    outer: tuple[str, ...]
    plant: Plant | None
    own_alone: Plant | None
    """The same tests as the person wrote them, with our own beside them: none of these leaves something undone."""


def _falsified(tests: Sequence[_Read], only: Collection[str], changed: Mapping[str, tuple[str | None, str]]) -> _Wrong:
    """What is planted to see whether false expectations are noticed.

    `changed`: the texts before and after of what changed, by path."""
    found = [wrong for path, text in tests if (wrong := falsified(path, text))]
    ids = {nodeid for nodeid in only if any(_has_one(nodeid, wrong) for wrong in found)}
    functions = tuple(sorted({function_of(nodeid) for nodeid in ids}))  # the parameters are others now
    files = {nodeid.split("::")[0] for nodeid in only}
    texts = {one.path: one.text for one in found} if functions else {}
    outer, honest = [], dict[str, str]()
    for path, text in tests:
        if path in files and (own := outside(path, text, changed)) is not None:
            texts[path] = texts.get(path, text) + own.text
            honest[path] = text + own.text
            outer.append(own.test)
    asked = Asked(only=(*functions, *outer))
    return _Wrong(
        functions, tuple(outer), Plant(texts, asked) if texts else None, Plant(honest, asked) if honest else None
    )


async def _forged(
    bench: Workbench, run: TestRun | None, wrong: _Wrong, clean: TestRun, share_s: float
) -> tuple[str, ...]:
    """What is suspect in how the tests ended with their false expectations: something else than the result decides.

    A test that fails half-way cleans up nothing: what our own tests saw after it counts only where they see it after the
    tests as they are, too."""
    if run is None or run.timed_out or machine(run) or cut_short(run):
        return ()
    if run.report is None or run.report.void:
        return ("with a false expectation in them the tests end without a report",) if clean.report else ()
    outcomes: dict[str, set[str]] = {}
    for nodeid, case in run.cases.items():
        outcomes.setdefault(function_of(nodeid), set()).add(case.outcome)
    passed = [function for function in wrong.functions if outcomes.get(function) == {"passed"}]
    if passed:
        return (f"tests pass with a false expectation as well: {', '.join(passed[:3])}",)
    found = _seen_outside(run, wrong.outer)
    if not found or not wrong.functions or wrong.own_alone is None:
        return found
    (again,) = await bench.run_planted([wrong.own_alone], bounds(clean, share_s))
    ended = again is None or again.timed_out or not again.cases or machine(again) or cut_short(again)
    return found if again is None or ended else _seen_outside(again, wrong.outer)


def _seen_outside(run: TestRun, outer: Collection[str]) -> tuple[str, ...]:
    failed = [run.cases[name].detail for name in outer if name in run.cases and run.cases[name].bad]
    return tuple(filter(None, map(told, failed)))[:1]


def _has_one(nodeid: str, wrong: FalseExpectations) -> bool:
    """Whether the test is one of those with a false expectation; ids of Go and Rust name no file."""
    file = nodeid.split("::")[0]
    return named(nodeid) in wrong.tests and (file == wrong.path or "." not in file or "::" not in nodeid)


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
