"""What runners wrote -> test cases."""

from __future__ import annotations

import json

import pytest

from ralphd.judging.junit import parse_junit
from ralphd.judging.reports import Report, parse_cargo, parse_go, parse_sessions

JUNIT = b"""<?xml version="1.0"?>
<testsuites><testsuite name="s" tests="5">
<testcase classname="calc.Add" name="zero" time="0.25"/>
<testcase classname="calc.Add" name="adds"><failure message="2 != 3">at line 4</failure></testcase>
<testcase classname="calc.Add" name="later"><skipped/></testcase>
<testcase file="calc.test.ts" name="breaks"><error message="boom"/></testcase>
<testcase classname="calc.Add" name="zero"/>
</testsuite></testsuites>"""


def test_junit() -> None:
    report = parse_junit([JUNIT])
    assert report is not None and not report.void
    shown = [(case.nodeid, case.outcome, case.detail) for case in report.cases.values()]
    assert shown == [
        ("calc.Add::zero", "passed", ""),
        ("calc.Add::adds", "failed", "2 != 3\nat line 4"),
        ("calc.Add::later", "skipped", ""),
        ("calc.test.ts::breaks", "error", "boom"),
        ("calc.Add::zero #2", "passed", ""),
    ]
    assert report.cases["calc.Add::zero"].seconds == 0.25


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<testsuite>",
        b"\x00\xff",
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><testsuite>&a;</testsuite>',
        *(
            f'<?xml version="1.0" encoding="{name}"?><testsuite/>'.encode()
            for name in ("shift_jis", "utf-7", "zlib", "x")
        ),
    ],
)
def test_what_is_no_junit_proves_nothing(data: bytes) -> None:
    report = parse_junit([data])
    assert report is not None and report.void and not report.present
    assert parse_junit([]) is None
    assert parse_junit([b"<testsuite/>"]) == Report()


def test_cargo_tells_what_each_failing_test_printed() -> None:
    names = [f"tests::case_{n}" for n in range(3000)]
    lines = [f"test {name} ... FAILED" for name in names]
    blocks = [f"---- {name} stdout ----\nthread panicked: {name}\n" for name in names]
    sums = "test result: FAILED. 0 passed; 3000 failed; 0 ignored; 0 measured; 0 filtered out"
    report = parse_cargo("\n".join([*lines, "", "failures:", "", *blocks, "failures:", *names, "", sums]))
    assert report is not None and len(report.cases) == 3000
    assert report.cases["tests::case_7"].detail.strip() == "thread panicked: tests::case_7"


def test_numbers_and_events_that_no_runner_writes() -> None:
    """A test can write past its runner: what has another shape is no event, and no number is too long to be read."""
    long = "9" * 5000
    assert parse_cargo(f"test result: ok. {long} passed; 0 failed; 0 ignored") is None
    report = parse_cargo(f"test a - b (line {long}) ... ok\ntest result: ok. 1 passed; 0 failed; 0 ignored")
    assert report is not None and report.cases == {}
    odd: list[object] = [5, None, [], {}, {"a": long}, True]
    events = [{"Action": a, "Package": b, "Test": c, "Output": d} for a in ("output", "run", "fail", []) for b in odd for c in odd for d in odd]  # fmt: skip
    assert parse_go("\n".join(json.dumps(event) for event in events)) is None
    many = [{"Action": "run", "Package": "p", "Test": f"T{n}"} for n in range(20_000)]
    ends = [{"Action": "fail", "Package": "p"}] * 20_000
    report = parse_go("\n".join(json.dumps(event) for event in [*many, *ends]))
    assert report is not None and report.cases["p.T19999"].outcome == "error"


def test_examples_in_comments_are_named_by_their_number() -> None:
    """Their line moves with every edit above them."""
    output = """\
test src/lib.rs - slug (line 11) ... FAILED
test src/lib.rs - A (line 18) - compile fail ... ok
test src/lib.rs - slug (line 3) ... ok
test tests::adds ... ok

failures:

---- src/lib.rs - slug (line 11) stdout ----
panicked

failures:
    src/lib.rs - slug (line 11)

test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out
"""
    report = parse_cargo(output)
    assert report is not None
    assert {name: case.outcome for name, case in report.cases.items()} == {
        "tests::adds": "passed",
        "src/lib.rs - slug (example 1)": "passed",
        "src/lib.rs - slug (example 2)": "failed",
        "src/lib.rs - A (example 1)": "passed",
    }
    assert report.cases["src/lib.rs - slug (example 2)"].detail.strip() == "panicked"


def test_sessions_that_began_and_sent_nothing_void_the_rest() -> None:
    report = parse_sessions([b'{"tests": [{"nodeid": "a", "outcome": "passed", "seconds": 0.5}]}'], 0)
    assert report is not None and not report.void and report.cases["a"].seconds == 0.5
    report = parse_sessions([b'{"tests": [{"nodeid": "a", "outcome": "passed"}]}'], 1)
    assert report is not None and report.void


def test_go_names_the_test_in_which_its_process_ended() -> None:
    events = [
        {"Action": "run", "Package": "p", "Test": "TestA"},
        {"Action": "pass", "Package": "p", "Test": "TestA"},
        {"Action": "run", "Package": "p", "Test": "TestB"},
        {"Action": "output", "Package": "p", "Test": "TestB", "Output": "panic: test timed out after 30s\n"},
        {"Action": "output", "Package": "p", "Output": "coverage: 12.5% of statements in ./p\n"},
        {"Action": "fail", "Package": "p"},
    ]
    report = parse_go("\n".join(json.dumps(event) for event in events))
    assert report is not None and {n: (c.outcome, c.reached) for n, c in report.cases.items()} == {
        "p.TestA": ("passed", True),
        "p.TestB": ("error", True),
    }
    assert "timed out" in report.cases["p.TestB"].detail
