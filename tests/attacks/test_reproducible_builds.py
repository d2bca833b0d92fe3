"""The wheel and the extension, built twice in two places from the same tree: byte by byte the same."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}


@pytest.fixture
def trees(tmp_path: Path) -> list[Path]:
    """The tracked files, twice."""
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    made = []
    for number in (1, 2):
        tree = tmp_path / f"tree{number}"
        for name in names.splitlines():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
        made.append(tree)
    return made


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def build(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]


@pytest.mark.full
@pytest.mark.row("C3")
def test_the_wheel(trees: list[Path]) -> None:
    for tree in trees:
        build([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "dist", "."], tree)
    first, second = (next((tree / "dist").glob("*.whl")) for tree in trees)
    assert first.name == second.name and digest(first) == digest(second)


@pytest.mark.full
@pytest.mark.row("C3")
@pytest.mark.skipif(shutil.which("npm") is None, reason="the extension is built with npm")
def test_the_extension(trees: list[Path]) -> None:
    for tree in trees:
        build(["npm", "ci", "--no-fund", "--no-audit"], tree / "vscode-extension")
        build(["npm", "run", "package"], tree / "vscode-extension")
    first, second = (tree / "vscode-extension" / "ralphd.vsix" for tree in trees)
    assert digest(first) == digest(second)
