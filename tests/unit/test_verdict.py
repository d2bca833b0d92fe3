"""What red tests of which nobody knows whether they reach the target say of a green."""

from __future__ import annotations

import pytest

from ralphd.judging.reports import Report, TestCase
from ralphd.judging.verdict import TestRun, judge


def ended(**outcomes: str) -> TestRun:
    names = {name.replace("__", ".py::"): word for name, word in outcomes.items()}
    report = Report({name: TestCase(name, word) for name, word in names.items()})  # type: ignore[arg-type]
    return TestRun(("pytest",), int("failed" in names.values()), report=report)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"cli__a": "failed", "cli__b": "failed"}, {"cli__a": "passed", "cli__b": "passed"}, ""),
        ({"cli__a": "failed", "ok__b": "passed"}, {"cli__a": "failed", "ok__b": "passed"}, "no test that failed before passes now, and whether cli.py::a reaches"),
        ({"cli__a": "failed", "cli__b": "failed"}, {"cli__a": "passed", "cli__b": "failed"}, "other tests beside them pass now, and whether cli.py::b reaches"),
        ({"cli__a": "failed", "web__b": "failed"}, {"cli__a": "passed", "web__b": "failed"}, ""),
    ],
)  # fmt: skip
def test_red_tests_whose_reach_is_not_known(before: dict[str, str], after: dict[str, str], told: str) -> None:
    baseline = ended(**before)
    verdict = judge(ended(**after), baseline, (), unknown=[case.nodeid for case in baseline.bad])
    assert verdict.green and verdict.unproven.startswith(told) and bool(verdict.unproven) is bool(told), verdict
