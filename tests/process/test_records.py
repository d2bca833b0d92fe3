"""What is kept, and the commands that show it: dismissed findings, past runs with tokens and cost by role."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ralphd.app import Engine
from tests.support import engines
from tests.support.loops import write

REVIEW = json.dumps(
    {
        "verdict": "revise",
        "findings": [
            {
                "path": "a.py",
                "quote": "return 1",
                "kind": "logic",
                "severity": "error",
                "message": "It is always one.",
                "scenario": "f() -> 1",
            }
        ],
    }
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path / "project", {"a.py": "def f():\n    return 1\n", "pyproject.toml": ""})
    return tmp_path / "project"


def ralphd(folder: Path, *words: str) -> tuple[int, str]:
    run = subprocess.run(
        [sys.executable, "-m", "ralphd", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert not run.stderr, run.stderr
    return run.returncode, run.stdout


async def critique(project: Path) -> list[str]:
    result = await engines.run(project, "a.py", {"critic": [REVIEW]}, command="critique")
    assert result.outcome == "reviewed"
    return [finding.fingerprint for finding in result.findings]


async def test_dismissed_for_good_listed_and_taken_back(project: Path) -> None:
    [fingerprint] = await critique(project)
    assert "It is always one." in ralphd(project, "findings")[1]
    engine = Engine(dict(os.environ))
    engine.dismiss(str(project), fingerprint, "It is always one.")
    await engine.close()
    assert await critique(project) == []
    assert ralphd(project, "findings", "--dismissed") == (0, f"{fingerprint}  It is always one.\n")
    assert json.loads(ralphd(project, "findings", "--dismissed", "--json")[1]) == {fingerprint: "It is always one."}
    code, told = ralphd(project, "findings", "--revoke", fingerprint[:8])
    assert code == 0 and "1 will be shown again" in told
    assert await critique(project) == [fingerprint]
    assert ralphd(project, "findings", "--dismissed")[1] == "None.\n"


async def test_past_runs_with_sums_by_role(project: Path) -> None:
    await critique(project)
    code, told = ralphd(project, "runs")
    assert code == 0 and "reviewed" in told and "a.py" in told
    assert " critic " in told and "$0.001" in told and "Booked today (UTC): critic " in told
    [row] = json.loads(ralphd(project, "runs", "--json")[1])
    assert row["usage"]["byRole"]["critic"] == row["usage"]["totalTokens"] > 0
    assert row["cost"]["byRole"]["critic"] == row["cost"]["usd"] == 0.001
