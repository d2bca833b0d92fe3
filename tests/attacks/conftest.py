"""What every attack starts from: a small project with one unwritten function and its test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lsp.conftest import start
from tests.support.projects import code, write

__all__ = ["PLACE", "RIGHT", "WRONG", "project", "start"]

WRONG = code("def double(x):\n    return x")
RIGHT = code("def double(x):\n    return 2 * x")
PLACE = "double.py:2"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """`double.py` is to be implemented at its second line; `tests/test_double.py` says when that is done."""
    write(
        tmp_path / "project",
        {
            "pyproject.toml": "",
            "double.py": "def double(x):\n    raise NotImplementedError\n",
            "tests/test_double.py": "from double import double\n\ndef test_double():\n    assert double(2) == 4\n",
        },
    )
    return tmp_path / "project"
