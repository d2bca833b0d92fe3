"""The control of a green: planted faults, and what the run says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralphd.core import events
from ralphd.core.run import EXIT_CODES
from tests.support.projects import code, write
from tests.support.service import Outcome, drive

CLAMP = {"clamp.py": "def clamp(value, low, high):\n    raise NotImplementedError\n"}
RIGHT = code("""
    def clamp(value, low, high):
        if value < low:
            return low
        if value > high:
            return high
        return value
    """)
GOOD = """
    from clamp import clamp

    def test_inside():
        assert clamp(2, 1, 3) == 2

    def test_below():
        assert clamp(0, 1, 3) == 1

    def test_above():
        assert clamp(9, 1, 3) == 3
    """
BLIND = """
    import clamp

    def test_there():
        assert callable(clamp.clamp)
    """


async def ran(root: Path, tests: str, mode: str = "auto", **given: object) -> Outcome:
    write(root, {**CLAMP, "test_clamp.py": tests})
    config = {"testing": {"control": mode, "adversarial_tests": False}}
    return await drive(
        root,
        {"artisan": [RIGHT]},
        path="clamp.py",
        at="raise",
        config=config,
        instruction="Do it.",
        **given,  # type: ignore[arg-type]
    )


async def test_good_tests_notice_planted_faults(tmp_path: Path) -> None:
    run = await ran(tmp_path, GOOD)
    assert run.result.outcome == "proposed", run.result.reason
    assert run.result.tests is not None and run.result.tests.control is not None
    control = run.result.tests.control
    assert control.first and control.noticed <= control.planted <= 8
    assert len(control.unnoticed) == control.planted - control.noticed
    assert "faults planted in `clamp`" in run.result.reason or "broken on purpose" in run.result.reason
    assert [e.control for e in run.of(events.ControlEnded)] == [control]
    assert run.result.tests.to_json()["control"]["first"] is True


async def test_a_green_that_proves_nothing(tmp_path: Path) -> None:
    run = await ran(tmp_path, BLIND)
    assert run.result.outcome == "proposed_unverified", run.result.reason
    assert "proves nothing about `clamp`" in run.result.reason


@pytest.mark.parametrize("mode", ["first", "off"])
async def test_the_person_may_want_less(tmp_path: Path, mode: str) -> None:
    run = await ran(tmp_path, GOOD, mode)
    assert run.result.outcome == "proposed" and run.result.tests is not None
    control = run.result.tests.control
    assert control is None if mode == "off" else control is not None and control.first and not control.planted
    assert mode != "off" or "no control ran" in run.result.reason


async def test_a_change_that_interferes_is_suspect(tmp_path: Path) -> None:
    write(tmp_path, {**CLAMP, "test_clamp.py": GOOD})
    answer = code("""
        import sys

        def clamp(value, low, high):
            sys.modules.get("pytest")
            return low if value < low else high if value > high else value
        """)
    run = await drive(tmp_path, {"artisan": [answer]}, path="clamp.py", at="raise")
    assert run.result.outcome == "proposed_suspect", run.result.reason
    assert "uses `sys.modules`" in run.result.reason and run.result.edits
    assert EXIT_CODES.get(run.result.outcome, 1) == 1
