"""What is kept, and the commands that show it: dismissed findings, past runs with tokens and cost by role."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ralphd.app import build_service
from ralphd.core import events
from ralphd.models.scripted import ScriptedGateway
from tests.support.projects import write
from tests.support.service import result_of

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
    result = await result_of(project, "a.py", {"critic": [REVIEW]}, command="critique")
    assert result.outcome == "reviewed"
    return [finding.fingerprint for finding in result.findings]


@pytest.mark.slow
async def test_dismissed_for_good_listed_and_taken_back(project: Path) -> None:
    [fingerprint] = await critique(project)
    assert "It is always one." in ralphd(project, "findings")[1]
    engine = build_service(dict(os.environ))
    await engine.dismiss(str(project), fingerprint, "It is always one.")
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
    assert row["tokens"]["critic"] == row["usage"]["totalTokens"] > 0
    assert row["cost"]["byRole"]["critic"] == row["cost"]["usd"] == 0.001


async def test_an_estimate_from_past_runs_and_a_question_above_the_threshold(project: Path) -> None:
    """No history, no number; then a range; a run that may be dear starts on the person's word only."""
    dear = {"budget": {"confirm_above_usd": 0.0005}}
    told = []
    for expected in ("no history of costs yet", "no history", "no history", "$0.001 to $0.001 in 3 past runs"):
        seen: list[events.Event] = []
        replies = {"critic": [REVIEW]}
        result = await result_of(
            project, "a.py", replies, command="critique", tell=seen.append, config=dear, answer="once", sample=len(told)
        )
        assert result.outcome == "reviewed"
        told += [e.text for e in seen if isinstance(e, events.Note) and e.text.startswith("Estimate: ")]
        assert expected in told[-1], told
    refused = ScriptedGateway({"critic": [REVIEW]})
    result = await result_of(project, "a.py", {}, command="critique", config=dear, answer="never", gateway=refused)
    assert result.outcome == "cancelled" and refused.requests == []
    cheap = await result_of(project, "a.py", {"critic": [REVIEW]}, command="critique", answer="never")
    assert cheap.outcome == "reviewed", "below the threshold nobody is asked"
