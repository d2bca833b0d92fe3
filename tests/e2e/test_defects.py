"""The benchmark of the two agents that look for defects: from the kept answers of the model, the kept figures again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bench.defects import Row, summary

BENCH = Path(__file__).parents[2] / "bench"
KEPT = json.loads((BENCH / "defects.json").read_text("utf-8"))
SOME = ("gcd", "truncate")


@pytest.mark.e2e
@pytest.mark.parametrize("command", ["chaosTests", "critique"])
def test_the_kept_answers_give_the_kept_figures(command: str, tmp_path: Path) -> None:
    """Of the commands whose answers were asked for; those of second opinions are not kept yet."""
    out = tmp_path / "rows.json"
    argv = [sys.executable, "bench/defects.py", "--only", ",".join(SOME), "--command", command, "--json", str(out)]
    run = subprocess.run(argv, cwd=BENCH.parent, capture_output=True, text=True, timeout=900, check=False)
    assert run.returncode == 0, run.stderr
    assert "answers are missing" not in run.stderr, run.stderr
    rows = json.loads(out.read_text("utf-8"))
    ways = {row["way"] for row in rows}
    kept = [row for row in KEPT if row["case"] in SOME and row["way"] in ways]
    assert kept and [row for row in rows if row in kept] == kept


def test_the_table_is_in_the_readme() -> None:
    readme = (BENCH.parent / "README.md").read_text("utf-8")
    for line in summary([Row(**row) for row in KEPT]):
        assert line in readme
