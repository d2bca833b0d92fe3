"""What every attack starts from: a small project with one unwritten function and its test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lsp.conftest import start
from tests.support.projects import DOUBLE, code, write

__all__ = ["PLACE", "RIGHT", "WRONG", "project", "start"]

WRONG = code("def double(x):\n    return x")
RIGHT = code("def double(x):\n    return 2 * x")
PLACE = "double.py:2"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """`double.py` is to be implemented at its second line; `tests/test_double.py` says when that is done."""
    write(tmp_path / "project", DOUBLE)
    return tmp_path / "project"
