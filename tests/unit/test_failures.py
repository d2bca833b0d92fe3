"""What the Artisan is told of failures."""

from __future__ import annotations

from ralphd.judging.failures import failure_text, signature
from ralphd.judging.reports import Report, TestCase
from ralphd.judging.verdict import TestRun, Verdict


def _run(*cases: TestCase) -> tuple[TestRun, Verdict]:
    run = TestRun(("jest",), 1, report=Report({case.nodeid: case for case in cases}))
    return run, Verdict(False, "failing", cases)


def test_the_targets_own_tests_lead() -> None:
    cases = [TestCase(f"a_{n}.test.js::one", "failed", "other") for n in range(8)]
    run, verdict = _run(*cases, TestCase("z.test.js::mine", "failed", "Expected: 3\nReceived: 2"))
    text = failure_text(run, verdict, "/w", local=False, first={"z.test.js::mine"})
    assert text.startswith("z.test.js::mine\nExpected: 3\nReceived: 2")


def test_a_message_before_a_long_stack_is_kept() -> None:
    stack = "\n".join(f"    at f{n} (/w/src/deep/folder/file{n}.js:{n}:1)" for n in range(400))
    run, verdict = _run(TestCase("a.test.js::one", "failed", f"Error: Expected 3, received 2\n{stack}"))
    assert "Expected 3, received 2" in failure_text(run, verdict, "/w", local=True)


def test_one_failure_at_other_lines_is_the_same_failure() -> None:
    first, second = (
        _run(TestCase("a.test.js::one", "failed", f"Error: Expected 3\n    at add (/w/calc.js:{line}:1)"))
        for line in (4, 9)
    )
    assert signature(*first, "/w") == signature(*second, "/w")
