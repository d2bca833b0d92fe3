"""The control of a green: planted faults, and what the run says of them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from ralphd.app import build_service
from ralphd.core import events
from ralphd.core.run import EXIT_CODES, RunRequest
from ralphd.core.runner import Decision, Question
from ralphd.judging.control import noticed
from ralphd.judging.reports import Report, TestCase
from ralphd.judging.verdict import TestRun
from ralphd.models.scripted import ScriptedGateway
from tests.support.projects import PYTEST, code, write
from tests.support.service import Outcome, drive, line_settings

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


async def never(question: Question) -> Decision | None:
    return "never"


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


ENDS_ITSELF = """
    import os
    from clamp import clamp

    def test_all():
        try:
            assert clamp(2, 1, 3) == 2
            assert clamp(0, 1, 3) == 1
        except RuntimeError as error:
            if type(error) is not RuntimeError:  # what the stub raises
                raise
            os.kill(os.getpid(), 9)
    """


@pytest.mark.slow
@pytest.mark.slow
async def test_a_control_that_was_killed_shows_nothing(tmp_path: Path) -> None:
    run = await ran(tmp_path, ENDS_ITSELF)
    assert run.result.outcome == "proposed", run.result.reason
    assert "no control ran: its run was ended: it was killed from outside" in run.result.reason
    assert run.result.tests is not None and run.result.tests.control is None


CLEAN = TestRun(("pytest",), 0, report=Report({"test_a.py::test": TestCase("test_a.py::test", "passed")}))
VOID = Report(void="the test process ended before its runner wrote its report")


@pytest.mark.parametrize(
    ("run", "seen"),
    [
        (CLEAN, False),
        (TestRun(("pytest",), 1, report=Report({"test_a.py::test": TestCase("test_a.py::test", "failed")})), True),
        (TestRun(("pytest",), 134, report=VOID), True),  # it broke the interpreter
        (TestRun(("pytest",), 124, timed_out=True, hung="test_a.py::test"), True),
        (TestRun(("pytest",), 137, timed_out=True), None),
        (TestRun(("pytest",), 137, report=VOID), None),
        (TestRun(("pytest",), 137, "F\n[stopped: the run was filling the disk]\n", report=VOID), None),
        (TestRun(("pytest",), 1, "OSError: [Errno 28] No space left on device", expects_report=True), None),
    ],
)
def test_what_a_run_on_a_fault_shows(run: TestRun, seen: bool | None) -> None:
    assert noticed(run, CLEAN) is seen


@pytest.mark.parametrize("mode", ["first", "off"])
async def test_the_person_may_want_less(tmp_path: Path, mode: str) -> None:
    run = await ran(tmp_path, GOOD, mode)
    assert run.result.outcome == "proposed" and run.result.tests is not None
    control = run.result.tests.control
    assert control is None if mode == "off" else control is not None and control.first and not control.planted
    assert mode != "off" or "no control ran" in run.result.reason


@pytest.mark.slow
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


@pytest.mark.slow
async def test_what_a_falsified_test_leaves_behind_accuses_nobody(tmp_path: Path) -> None:
    """A false expectation ends a test before it cleans up: what is seen after that says nothing of the candidate."""
    tests = """
        import os
        from tag import image

        def test_default():
            assert image() == "app:v1"

        def test_tag():
            os.environ["APP_TAG"] = "v2"
            assert image() == "app:v2"
            del os.environ["APP_TAG"]
        """
    write(tmp_path, {"tag.py": "def image():\n    raise NotImplementedError\n", "test_tag.py": tests})
    answer = code("""
        import os

        def image():
            return "app:" + os.environ.get("APP_TAG", "v1")
        """)
    run = await drive(tmp_path, {"artisan": [answer.replace("clamp.py", "tag.py")]}, path="tag.py", at="raise")
    assert run.result.outcome == "proposed", run.result.reason


@pytest.mark.full
async def test_four_controls_at_once(tmp_path: Path) -> None:
    """Each run holds a shadow copy of the four that there are: none waits for a second one of another for ever."""
    names = [f"clamp{n}" for n in range(4)]
    for name in names:
        write(
            tmp_path, {f"{name}.py": CLAMP["clamp.py"], f"test_{name}.py": GOOD.replace("from clamp", f"from {name}")}
        )
    config = line_settings({"testing": {"control": "auto"}})
    config["testing"]["command"] = [*PYTEST, "--continue-on-collection-errors"]
    service = build_service(dict(os.environ), command_line=config, scripted=ScriptedGateway({"artisan": [RIGHT] * 4}))

    async def one(name: str) -> str:
        text = CLAMP["clamp.py"]
        at = text.index("raise")
        asked = RunRequest(f"run-{name}", "implement", str(tmp_path), f"{name}.py", text, (at, at), "Do it.")
        return (await service.run(asked, lambda event: None, never)).outcome

    try:
        ended = await asyncio.gather(*map(one, names))
    finally:
        await service.close()
    assert ended == ["proposed"] * 4
