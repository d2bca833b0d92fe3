"""Tests that the person let be changed: which they are, and what the old ones say of the rest of the change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ralphd.core.run import ChangedTests
from ralphd.judging.comparing import judge_with_rerun
from ralphd.judging.workbench import Workbench
from ralphd.loop.state import State, Trial, phase
from ralphd.phases import edit_permissions
from ralphd.phases.base import PhaseContext


def among(paths: Iterable[str], ctx: PhaseContext, state: State) -> tuple[str, ...]:
    """Those of `paths` that the verdict rests on. An edit of one came so far only because the person allowed it."""
    locked = ctx.settings.testing.locked
    return tuple(sorted(path for path in paths if edit_permissions.is_test(path, locked, state.used)))


async def of(ctx: PhaseContext, bench: Workbench, state: State, green: Trial) -> Trial:
    """`green`, with the verdict of the old tests where it changes tests; the workbench holds it again afterwards."""
    changed = among(green.texts, ctx, state)
    if not changed or green.report is None:
        return green
    with phase(ctx.emit, "tests", state.iterations):
        rest = {path: text for path, text in green.texts.items() if path not in changed}
        await bench.load(rest)
        run = await bench.run()
        verdict, _ = await judge_with_rerun(bench, run, state.baseline, state.reach, rest)
        await bench.load(green.texts)
    names = [case.nodeid for case in verdict.failing]
    why = f"{verdict.why} ({', '.join(names[:3])})" if names else verdict.why
    return replace(green, report=replace(green.report, changed=ChangedTests(changed, verdict.green, why)))
