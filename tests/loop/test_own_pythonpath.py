"""A test command that sets PYTHONPATH itself takes ours away; its tests run and are reported all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.kinds_of_projects import PY_RIGHT, PY_TODO
from tests.support.projects import write
from tests.support.service import drive

FILES = {
    "pyproject.toml": "",
    "Makefile": "test:\n\tPYTHONPATH=src python -m pytest -q\nshort:\n\tPYTHONPATH=src pytest -q\n",
    "src/calc.py": PY_TODO,
    "tests/test_calc.py": "from calc import double\n\ndef test_a():\n    assert double(2) == 4\n",
}


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("make test"),
        pytest.param("make short", marks=pytest.mark.slow),
        pytest.param("env PYTHONPATH=src python -m pytest -q", marks=pytest.mark.slow),
    ],
)
async def test_its_tests_are_reported(command: str, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    asked = {"path": "src/calc.py", "argv": command.split(), "instruction": "Double it."}
    run = await drive(tmp_path, {"artisan": [PY_RIGHT]}, **asked)
    result = run.result
    assert result.outcome == "proposed", result.reason
    assert result.tests is not None and result.tests.passed == 1
