"""tests/scenarios/<case>: input/ and the model's replies -> outcome and expected/ (the edited files, byte for byte)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.projects import tree
from tests.support.service import drive

CASES = sorted((Path(__file__).resolve().parents[1] / "scenarios").glob("*/case.json"))
SAMPLE = {
    "001_region",
    "003_blocks_and_a_new_file",
    "006_elision_is_refused",
    "007_paths_outside",
    "009_crlf_bom_no_final_newline",
}
"""One of each form of answer, and one of each refusal."""


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, id=c.parent.name, marks=() if c.parent.name in SAMPLE else pytest.mark.slow) for c in CASES],
)
async def test_scenario(case: Path, tmp_path: Path) -> None:
    asked = json.loads(case.read_text(encoding="utf-8"))
    root = tmp_path / "project"
    shutil.copytree(case.parent / "input", root)
    before = tree(root)
    run = await drive(
        root, asked["replies"], path=asked["path"], at=asked.get("at", ""), instruction=asked.get("instruction", "")
    )
    assert (run.result.outcome, run.result.iterations) == (asked["outcome"], asked["iterations"]), run.result.reason
    expected = tree(case.parent / "expected") if (case.parent / "expected").exists() else {}
    assert {path: text.encode() for path, text in run.result.edits.items()} == expected
    assert tree(root) == before
