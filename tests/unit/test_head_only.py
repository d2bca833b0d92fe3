"""The git of test runs: real git reads it, finds HEAD and the files as they are, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ralphd.sandbox.head_only import HeadOnly
from ralphd.sandbox.selection import signature
from tests.support.projects import write


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_real_git_reads_it(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "1\n", "pkg/b-c.py": "2\n", "pkg/b/d é.py": "", "pkg/b.py": "3\n", "run.sh": "true\n"})
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "link").symlink_to("a.py")
    names = ["a.py", "link", "pkg/b-c.py", "pkg/b.py", "pkg/b/d é.py", "run.sh"]
    files = {name: signature(os.lstat(tmp_path / name)) for name in names}
    maker = HeadOnly(str(tmp_path))
    maker.write(str(tmp_path / ".git"), files)

    def git(*words: str) -> str:
        command = ["git", "-c", "core.quotePath=false", "-C", str(tmp_path), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    first = git("rev-parse", "HEAD")
    assert git("ls-files").split("\n")[:-1] == sorted(names, key=os.fsencode)
    assert git("ls-tree", "-r", "--name-only", "HEAD") == git("ls-files")
    assert git("status", "--porcelain") == "" and git("log", "--format=%s") == "The project as it is\n"
    assert git("remote") == "" and not list((tmp_path / ".git").glob("hooks*"))
    (tmp_path / "a.py").write_text("changed\n")
    assert git("status", "--porcelain") == " M a.py\n"
    maker.write(str(tmp_path / ".git"), files)
    assert git("rev-parse", "HEAD") == first, "the same files give the same commit"
