"""Sub-tests that are skipped are counted for their test, in unittest and in pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ralphd.judging.report_channel import ReportChannel
from ralphd.judging.reports import Report, TestCase, parse_sessions
from ralphd.judging.verdict import TestRun, judge

_TESTS = """\
import unittest


class T(unittest.TestCase):
    def parts(self, *ends):
        for end in ends:
            with self.subTest(end=end):
                if end == "skip":
                    self.skipTest("no")
                self.assertEqual(end, "pass")

    def test_some(self):
        self.parts("pass", "skip", "pass", "skip")

    def test_red(self):
        self.parts("skip", "fail")

    def test_all_pass(self):
        self.parts("pass")

    def test_none(self):
        pass
"""


@pytest.mark.parametrize("runner", ["unittest", "pytest"])
def test_skipped_parts_are_counted(tmp_path: Path, runner: str) -> None:
    channel = ReportChannel(tmp_path / "reports")
    channel.fresh({"root": str(tmp_path)})
    (tmp_path / "test_it.py").write_text(_TESTS)
    command = [sys.executable, "-m", runner, "-q", *(["test_it.py"] if runner == "pytest" else [])]
    subprocess.run(command, cwd=tmp_path, env={**os.environ, **channel.environment()}, capture_output=True, check=False)
    report = parse_sessions(*channel.collect())
    channel.close()
    assert report is not None and not report.void
    seen = {name.rpartition("::")[2]: (case.outcome, case.part_skips) for name, case in report.cases.items()}
    assert seen == {
        "test_some": ("passed", 2),
        "test_red": ("failed", 1),
        "test_all_pass": ("passed", 0),
        "test_none": ("passed", None),
    }


@pytest.mark.parametrize(
    ("before", "now", "green"), [(1, 1, True), (2, 1, True), (0, 1, False), (None, 1, True), (0, None, True)]
)
def test_no_more_parts_may_be_skipped_than_before(before: int | None, now: int | None, green: bool) -> None:
    def run(outcome: str, skips: int | None) -> TestRun:
        case = TestCase("test_it.py::T::test_a", outcome, part_skips=skips)  # type: ignore[arg-type]
        return TestRun(("pytest",), 0 if outcome == "passed" else 1, report=Report({case.nodeid: case}))

    verdict = judge(run("passed", now), run("failed", before), {"test_it.py::T::test_a"})
    assert verdict.green is green
    assert green or "test_it.py::T::test_a" in verdict.why
