"""The main job on the real embedded model, as `make demo` runs it: weights fetched once, real server, real tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e
TRIES = 2
"""A small model may fail a run (it then says so and exits 1); twice in a row would be ours."""


def test_demo_on_the_embedded_model() -> None:
    env = {**os.environ, "XDG_CACHE_HOME": os.environ.get("RALPHD_CACHE", str(Path.home() / ".cache"))}
    command = [sys.executable, "-m", "ralphd", "demo", "--plain", "--yes"]
    for _ in range(TRIES):
        run = subprocess.run(command, env=env, capture_output=True, text=True, timeout=1200, check=False)
        if run.returncode == 0:
            break
        assert "did not succeed this time. Nothing was changed." in run.stdout, run.stdout + run.stderr
    assert run.returncode == 0, run.stdout + run.stderr
    told = run.stdout
    assert "6 failing tests" in told and "asks local" in told
    assert "\nproposed: " in told and "6 passed" in told
    assert "cost $0.0000" in told
    assert "Traceback" not in told + run.stderr
