"""Hundreds of answers in the manner of real models, each with the only texts that reading it may give."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "answers"
MUST_REFUSED = 3
"""Unambiguous answers of edits.jsonl that may be refused at most."""


@cache
def verdicts(name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each case with what `python bench/edit_cases.py` prints for it."""
    cases = [json.loads(line) for line in (CASES / name).read_text(encoding="utf-8").splitlines()]
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "edit_cases.py"), str(CASES / name)],
        capture_output=True, text=True, encoding="utf-8", check=True,
    )  # fmt: skip
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [v["id"] for v in found] == [c["id"] for c in cases]
    assert all(set(v) == {"id", "verdict", "texts", "why"} and v["verdict"] in ("edited", "refused") for v in found)
    return list(zip(cases, found, strict=True))


def is_right(case: dict[str, Any], verdict: dict[str, Any]) -> bool:
    """Whether an edit is one of the right ones. Refusing is never wrong, but may be a fault of its own."""
    if verdict["verdict"] == "refused":
        return True
    before = {**case.get("files", {}), case["path"]: case["before"]}
    expected = case["expected"]
    good = [] if "refuse" in expected else [expected.get("texts", {case["path"]: expected.get("text")})]
    good += [text if isinstance(text, dict) else {case["path"]: text} for text in case.get("also", [])]
    changed = [{path: text for path, text in one.items() if before.get(path) != text} for one in good]
    return verdict["texts"] in changed


@pytest.mark.parametrize("name", ["edits.jsonl", "further.jsonl"])
def test_no_answer_is_read_wrong(name: str) -> None:
    read = verdicts(name)
    wrong = [(case["id"], case["name"], verdict["texts"]) for case, verdict in read if not is_right(case, verdict)]
    assert not wrong
    refused = [
        (case["id"], case["name"], verdict["why"])
        for case, verdict in read
        if case.get("must") and verdict["verdict"] == "refused"
    ]
    assert len(refused) <= (MUST_REFUSED if name == "edits.jsonl" else 0), refused
    assert all(verdict["why"] for _, verdict in read if verdict["verdict"] == "refused"), "a refusal says why"


def test_a_wrong_edit_would_be_noticed() -> None:
    case, verdict = next(pair for pair in verdicts("edits.jsonl") if pair[1]["verdict"] == "edited")
    spoiled = {path: text + "# more\n" for path, text in verdict["texts"].items()}
    assert not is_right(case, {**verdict, "texts": spoiled})


def test_a_missing_argument_is_said(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(ROOT / "bench" / "edit_cases.py")], capture_output=True, text=True)
    assert done.returncode == 2 and "CASES.jsonl" in done.stderr
