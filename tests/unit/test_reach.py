"""What tracing which tests enter the target's file may cost, where Python has no monitoring of its own."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from ralphd.judging.runner_plugins import reach

pytestmark = pytest.mark.skipif(
    hasattr(sys, "monitoring"), reason="Python's own monitoring costs no call after the first"
)


def calculate() -> int:
    def one(x: int) -> int:
        return x

    return sum(one(x) for x in range(1_000))


def test_many_tests_full_of_calls_are_traced_for_their_share_only(tmp_path: Path) -> None:
    traced = reach.Reach(str(tmp_path / "target.py"))
    told = []
    for _ in range(400):
        traced.start()
        calculate()
        told.append(traced.stop())
    passed = time.perf_counter() - traced._since
    cost = traced._calls * traced._seconds_a_call
    assert cost <= reach._AT_LEAST_S + reach._SHARE * passed + reach._CALLS_BETWEEN_LOOKS * traced._seconds_a_call
    assert set(told) <= {False, None} and told[0] is False, (
        "the first are known; what is not traced is unknown, not untrue"
    )


def test_a_test_of_few_calls_is_known_again_when_time_has_passed(tmp_path: Path) -> None:
    traced = reach.Reach(str(tmp_path / "target.py"))
    traced._calls = 10**9
    traced.start()
    assert traced.stop() is None
    traced._since -= 1e9
    traced.start()
    assert traced.stop() is False
