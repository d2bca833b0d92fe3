"""What is installed is what was pinned: hashes, versions that must not come, and files that run at every start of Python."""

from __future__ import annotations

import re
import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KNOWN_PTH = re.compile(r"^(_virtualenv|distutils-precedence|__editable__\..*|a1_coverage|coverage.*)\.pth$")


@pytest.mark.row("C1")
def test_every_requirement_is_pinned_by_hash() -> None:
    for name in ("runtime.txt", "dev.txt", "build.txt", "sbom.txt"):
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        for block in re.findall(r"^[A-Za-z0-9][^\n]*(?:\n[ \t]+[^\n]*)*", text, re.MULTILINE):
            assert re.match(r"^[\w.-]+==\S+", block) and "--hash=sha256:" in block, block[:80]
    runtime = (ROOT / "requirements/runtime.txt").read_text(encoding="utf-8")
    for elsewhere in ("async-timeout", "colorama"):  # of Python 3.11.0 to 3.11.2 (Debian 12), and of Windows
        assert re.search(rf"^{elsewhere}==\S+ ; ", runtime, re.MULTILINE), (
            f"{elsewhere} is missing: see CONTRIBUTING.md"
        )
    assert not re.search(r"^litellm==1\.82\.[78]\b", runtime, re.MULTILINE)
    assert "!=1.82.7,!=1.82.8" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.row("C1")
def test_a_wrong_hash_is_not_installed(tmp_path: Path) -> None:
    wheel = tmp_path / "evil-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("evil.py", "")
        file.writestr("evil-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
        file.writestr("evil-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("evil-1.0.dist-info/RECORD", "")
    (tmp_path / "lock.txt").write_text(f"evil==1.0 --hash=sha256:{'0' * 64}\n")
    options = ["--no-index", "--find-links", str(tmp_path), "--require-hashes", "--target", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "-r", str(tmp_path / "lock.txt")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0 and "DO NOT MATCH" in done.stderr.upper()
    assert not (tmp_path / "out/evil.py").exists()


@pytest.mark.row("C1")
def test_no_unknown_file_runs_at_every_start_of_python() -> None:
    for folder in site.getsitepackages():
        assert [p.name for p in Path(folder).glob("*.pth") if not KNOWN_PTH.match(p.name)] == []
