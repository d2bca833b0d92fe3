"""When a run counts as hung, the processor time that decides it, and the test that is named."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ralphd.judging.cargo_progress import CargoProgress
from ralphd.judging.stalling import stalled
from ralphd.sandbox.watchdog import Meter, members


@pytest.mark.parametrize(
    ("waited", "burnt", "hung"),
    [
        (29, 29, False),
        (31, 31, True),
        (31, 0, True),
        (31, 10, False),
        (300, 29, False),
        (300, 31, True),
        (300, 5, True),
    ],
)
def test_stalled(waited: float, burnt: float, hung: bool) -> None:
    assert stalled(waited, burnt, 30) is hung


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_meter_counts_the_whole_tree() -> None:
    """A parent that only waits, for a child that burns until its own clock says that it has used 0.3 s."""
    child = "import time\nwhile time.process_time() < 0.3: pass\nprint('burnt', flush=True)\ninput()"
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"burnt\n"
        meter = Meter()
        meter.read(members(process.pid))
        assert meter.seconds >= 0.25
        process.communicate(b"\n")


_CARGO = """\
     Running unittests src/lib.rs (target/debug/deps/calc-07c1)

running 3 tests
test tests::later ... ignored
test tests::adds - should panic ... ok
test tests::zero ... \x1b[32mok\x1b[m

test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests calc

running 2 tests
test src/lib.rs - add (line 3) ... ok
test src/lib.rs - add (line 9) ... ok
"""


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("   Compiling calc v0.1.0\n", ""),
        ("running 3 tests\n", "tests::adds"),
        ("running 3 tests\ntest tests::adds - should panic ... ok\ntest tests::later ... ignored\n", "tests::zero"),
        ("running 3 tests\ntest tests::later ... ", "tests::later"),
        (_CARGO.replace("(line 3) ... ok", "(line 4) ... ok").replace("test src/lib.rs - add (line 9) ... ok\n", ""), "src/lib.rs - add"),
        ("running 1 test\nrunning 1 test\nrunning 1 test\n", ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_the_test_that_cargo_still_runs(said: str, name: str, size: int) -> None:
    before = CargoProgress()
    before.feed(_CARGO.encode())
    progress = CargoProgress(before)
    for at in range(0, len(said), size):
        progress.feed(said.encode()[at : at + size])
    assert progress.running() == name
    assert (progress.progress() > 0) is ("running" in said)
