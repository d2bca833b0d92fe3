"""`ralphd apply`: an answer that was pasted is read, shown, and written only where it may be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CART = "import os\n\n\ndef total(items):\n    raise NotImplementedError\n\n\ndef last():\n    return os.sep\n"
REGION = "Sure!\n\n```python\nimport re\n\n\ndef total(items):\n    return sum(items)\n```\n"
BLOCKS = "cart.py\n<<<<<<< SEARCH\n    raise NotImplementedError\n=======\n    return 0\n>>>>>>> REPLACE\n"
TEST = "tests/test_cart.py\n```python\ndef test_total():\n    assert True\n```\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "tests").mkdir(parents=True)
    (root / "pyproject.toml").write_text("")
    (root / "cart.py").write_text(CART)
    (root / "tests" / "test_cart.py").write_text("def test_total():\n    assert False\n")
    return root


def apply(project: Path, answer: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "HOME": str(project.parent / "home"), "XDG_STATE_HOME": "", "XDG_CACHE_HOME": ""}
    return subprocess.run(
        [sys.executable, "-m", "ralphd", "apply", *arguments],
        cwd=project, input=answer, capture_output=True, text=True, env=environ,
    )  # fmt: skip


def test_the_difference_is_shown_and_nothing_written(project: Path) -> None:
    done = apply(project, REGION, "cart.py:4")
    assert done.returncode == 0, done.stderr
    assert "-    raise NotImplementedError\n+    return sum(items)\n" in done.stdout
    assert "import re" not in done.stdout and "dropped an unused import `re`" in done.stderr
    assert (project / "cart.py").read_text() == CART


def test_the_end_of_the_input_ends_the_blocks(project: Path) -> None:
    (project / "answer.txt").write_text(BLOCKS)
    done = apply(project, "", "cart.py", "--answer", "answer.txt", "--write")
    assert done.returncode == 0, done.stderr
    assert (project / "cart.py").read_text() == CART.replace("raise NotImplementedError", "return 0")
    cut = apply(project, BLOCKS.replace(">>>>>>> REPLACE\n", ""), "cart.py", "--write")
    assert cut.returncode == 1 and "stopped inside an edit block" in cut.stderr


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("I would sum them.", "no code"),
        (REGION.replace("total", "sum_up"), "is not in your block"),
        (BLOCKS.replace("cart.py", "no.py"), "does not exist"),
        ("../out.py\n```python\nx = 1\n```\n", "outside the workspace"),
        ("<<<<<<< HEAD\na\n=======\nb\n>>>>>>> main\n", "Line 1"),
    ],
)
def test_a_refusal_says_why_and_ends_with_one(project: Path, answer: str, told: str) -> None:
    done = apply(project, answer, "cart.py:4", "--write")
    assert done.returncode == 1 and told in done.stderr and not done.stdout
    assert "Traceback" not in done.stderr and (project / "cart.py").read_text() == CART


@pytest.mark.slow
def test_locked_files_are_shown_and_written_only_when_allowed(project: Path) -> None:
    before = (project / "tests" / "test_cart.py").read_text()
    shown = apply(project, TEST, "cart.py")
    assert shown.returncode == 0 and "+    assert True" in shown.stdout
    refused = apply(project, TEST, "cart.py", "--write")
    assert refused.returncode == 1 and "--allow" in refused.stderr
    assert (project / "tests" / "test_cart.py").read_text() == before
    written = apply(project, TEST, "cart.py", "--write", "--allow")
    assert written.returncode == 0 and "assert True" in (project / "tests" / "test_cart.py").read_text()


@pytest.mark.slow
def test_bad_arguments_are_told(project: Path) -> None:
    assert apply(project, "", "none.py").returncode == 2
    assert apply(project, "", "cart.py:99").returncode == 2
    assert apply(project, "", "cart.py", "--answer", "none.txt").returncode == 2
