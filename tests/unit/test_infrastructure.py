"""Infrastructure is told from failure, and a failing test from both."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ralphd.judging.infrastructure import machine, obstacle
from ralphd.judging.reports import Report, TestCase
from ralphd.judging.verdict import TestRun, judge


def ended(output: str, *details: str, passed: int = 0, code: int = 1) -> TestRun:
    cases = {f"t::{n}": TestCase(f"t::{n}", "failed", text) for n, text in enumerate(details)}
    cases |= {f"p::{n}": TestCase(f"p::{n}", "passed") for n in range(passed)}
    return TestRun(("make", "test"), code, output, report=Report(cases) if cases else None)


@pytest.mark.parametrize(
    ("output", "named"),
    [
        ("npm ERR! getaddrinfo EAI_AGAIN registry", "network"),
        ("OSError: [Errno 28] No space left on device", "disk"),
        ("fork: Cannot allocate memory", "memory"),
    ],
)
def test_what_stood_in_the_way_is_named(output: str, named: str) -> None:
    assert named in obstacle(ended(output))


def test_tests_that_all_want_the_network() -> None:
    unreachable = "OSError: [Errno 101] Network is unreachable"
    assert "network" in obstacle(ended("", unreachable, unreachable))
    assert not obstacle(ended("", unreachable, "assert 1 == 2"))
    assert not obstacle(ended("", unreachable, passed=1))
    assert not machine(ended("", unreachable)), "a candidate may be told that there is no network"


@pytest.mark.parametrize(
    "output", ["", "assert 1 == 2", "ModuleNotFoundError: No module named 'calc'", "Error: slug: not found in table"]
)
def test_a_failure_is_a_failure(output: str) -> None:
    assert not obstacle(ended(output)) and not obstacle(ended(output, output))
    assert not obstacle(ended("sh: jest: not found", code=0))


@pytest.mark.parametrize(
    ("output", "code", "named"),
    [
        ("F.\n[stopped: the run used more than 512 MB of memory (sandbox.memory_mb)]\n", 137, "sandbox.memory_mb"),
        ("F.\n[stopped: the run made more than 512 processes]\n", 143, "more than 512 processes"),
        ("[stopped: the run was filling the disk]\n", 137, "filling the disk"),
        ("collecting ...", 137, "killed from outside"),
        ("Killed\n", 137, "killed from outside"),
    ],
)
def test_a_run_that_was_cut_short_says_nothing_about_the_code(output: str, code: int, named: str) -> None:
    assert named in obstacle(ended(output, code=code))
    assert named in judge(ended(output, code=code), None, ()).why
    assert not obstacle(ended(output, code=0))


@pytest.mark.skipif(sys.platform != "linux", reason="sessions share the processor on Linux")
def test_a_background_process_steps_back_behind_every_session() -> None:
    """Being nice to its own session alone, it would get as much of the processor as the editor does."""
    code = (
        "import os; from ralphd.core.priority import step_back; step_back(7); print(os.nice(0))\n"
        "group = '/proc/self/autogroup'; print(open(group).read() if os.path.exists(group) else 'nice 7')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], start_new_session=True, capture_output=True, text=True, check=True
    )
    niceness, group = done.stdout.split("\n", 1)
    assert int(niceness) >= 7 and group.strip().endswith("nice 7")
