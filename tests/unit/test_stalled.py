"""When a run counts as hung, and the processor time that decides it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ralphd.judging.workbench import stalled
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
