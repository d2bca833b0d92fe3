"""The receipt of a run, and what it says when a byte of what was judged changes."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import pytest

from ralphd.errors import UsageError
from ralphd.runs.receipt import PREDICATE, STATEMENT
from ralphd.shell.receipt import receipt
from tests.support.projects import code, write
from tests.support.service import drive


def asked(run: str = "", check: str = "", root: str = "") -> argparse.Namespace:
    return argparse.Namespace(run=run, check=check, root=root)


async def test_a_receipt_and_its_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "project"
    tests = "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"
    write(root, {"calc.py": "def add(a, b):\n    return a - b\n", "test_calc.py": tests})
    run = await drive(root, {"artisan": [code("def add(a, b):\n    return a + b")]}, path="calc.py", at="return")
    assert run.result.outcome == "proposed", run.result.reason
    assert receipt(asked(run.result.journal), os.environ) == 0
    document = json.loads(text := capsys.readouterr().out)
    assert (document["_type"], document["predicateType"]) == (STATEMENT, PREDICATE)
    told = document["predicate"]
    assert told["counts"]["passed"] == 1 and told["canaries"] is True and told["control"]["first"] is True
    assert {subject["name"] for subject in document["subject"]} == {"calc.py", "test_calc.py"}

    file = tmp_path / "receipt.json"
    file.write_text(text)
    assert receipt(asked(check=str(file), root=str(root)), os.environ) == 1, "nothing was accepted yet"
    assert "calc.py: differs" in capsys.readouterr().out
    (root / "calc.py").write_text(run.result.edits["calc.py"])
    assert receipt(asked(check=str(file), root=str(root)), os.environ) == 0
    (root / "test_calc.py").write_text(tests + " ")
    assert receipt(asked(check=str(file), root=str(root)), os.environ) == 1
    assert "test_calc.py: differs" in capsys.readouterr().out
    for broken in ("{", "[]", '{"_type": 1}'):
        file.write_text(broken)
        with pytest.raises(UsageError):
            receipt(asked(check=str(file)), os.environ)
