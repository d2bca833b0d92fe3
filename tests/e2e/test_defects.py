"""The benchmark of the two agents that look for defects: from the kept answers of the model, the kept figures again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
KEPT = json.loads((BENCH / "defects.json").read_text("utf-8"))
SOME = ("gcd", "truncate")


@pytest.mark.e2e
def test_the_kept_answers_give_the_kept_figures(tmp_path: Path) -> None:
    out = tmp_path / "rows.json"
    argv = [sys.executable, "bench/defects.py", "--only", ",".join(SOME), "--json", str(out)]
    run = subprocess.run(argv, cwd=BENCH.parent, capture_output=True, text=True, timeout=900, check=False)
    assert run.returncode == 0, run.stderr
    assert "the prompt changed" not in run.stderr, run.stderr
    rows = json.loads(out.read_text("utf-8"))
    assert rows == [row for row in KEPT if row["case"] in SOME]


def test_every_answer_is_kept_and_the_table_is_in_the_readme() -> None:
    cases = {path.parent.name for path in (BENCH / "cases").glob("*/case.json")}
    names = {f"{c}-{v}-{k}.jsonl" for c in cases for v in ("wrong", "right") for k in ("chaosTests", "critique")}
    assert {path.name for path in (BENCH / "journals").iterdir()} == names and {row["case"] for row in KEPT} == cases
    readme = (BENCH.parent / "README.md").read_text("utf-8")
    for way in {row["way"] for row in KEPT}:
        own = [row for row in KEPT if row["way"] == way]
        found, alarms = sum(row["found"] for row in own), sum(row["alarm"] for row in own)
        assert f"| {way} | {found} of 20 | {alarms} of 20 |" in readme
