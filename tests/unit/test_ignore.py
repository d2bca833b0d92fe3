"""Rules of `.gitignore`: git itself says what is right; hostile ones cost no time."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from ralphd.core.ignore import IgnoreRules
from tests.support import growth

ATOMS = ["a", "b", "*", "**", "?", "[ab]", "[!a]", "[^b]", "[a-c]", "\\*", "/", "!", " ", "\\ ", ".", "ab", "[]a]",
         "[[:alpha:]]", "\\#", "#", "-"]  # fmt: skip
NAMES = ["a", "b", "ab", "abc", "*", "a b", "c.a", ".a", "]", "a ", "bb", "#a", "-"]


@pytest.mark.skipif(shutil.which("git") is None, reason="git tells what the answer is")
@pytest.mark.parametrize("seed", range(20))
def test_decides_as_git_does(tmp_path: Path, seed: int) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, env=environment, check=True)
    source = random.Random(seed)
    for _ in range(10):
        lines = ["".join(source.choices(ATOMS, k=source.randint(1, 7))) for _ in range(source.randint(1, 4))]
        paths = sorted({"/".join(source.choices(NAMES, k=source.randint(1, 3))) for _ in range(30)})
        (tmp_path / ".gitignore").write_text("\n".join(lines) + "\n")
        said = subprocess.run(
            ["git", "check-ignore", "--no-index", "-z", "--stdin"],
            cwd=tmp_path,
            env=environment,
            input="\0".join(paths).encode(),
            capture_output=True,
            check=False,
        )
        rules = IgnoreRules(lines)
        assert {path for path in paths if rules.ignores(path)} == set(said.stdout.decode().split("\0")) - {""}, lines


@pytest.mark.parametrize(
    ("lines", "ignored", "kept"),
    [
        (["*.py[cod]", "!keep.pyc"], ["a.pyc", "d/b.pyo"], ["a.py", "keep.pyc"]),
        (["/build/", "out"], ["build/x", "out", "d/out/y"], ["d/build/x", "output"]),
        (["docs/**/*.tmp", "x/**"], ["docs/a.tmp", "docs/d/e/a.tmp", "x/y/z"], ["a.tmp", "x"]),
        (["[z-a]", "ok", "[", "a\\", "\0"], ["ok"], ["z", "["]),
    ],
)
def test_usual_rules(lines: list[str], ignored: list[str], kept: list[str]) -> None:
    rules = IgnoreRules(lines)
    assert [path for path in [*ignored, *kept] if rules.ignores(path)] == ignored


HOSTILE = {
    "stars": ("*" + "a*" * 120 + "b\n") * 5000,
    "one line": "*a" * 500_000,
    "names": "".join(f"n{number}\n" for number in range(170_000)),
    "folders": ("**/a/" * 60 + "b\n") * 4000,
    "a class": "[" + "a-" * 500_000,
    "classes": ("[a-z]*" * 40 + "x\n") * 5000,
    "question marks": ("?" * 250 + "*\n") * 5000,
    "a long end": ("*" + "a" * 200 + "b\n") * 6000,
    "brackets": "[[:" * 400_000,
    "escapes": "\\" * 1_000_000,
    "blanks": ("a" + " " * 4000 + "\n") * 300,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_megabyte_of_hostile_rules(kind: str) -> None:
    names = ["d/" * 3 + "a" * 240 + str(number) for number in range(50)] + ["a/" * 60 + "c"]
    lines = HOSTILE[kind][: 1 << 20].splitlines()

    def work() -> None:
        rules = IgnoreRules(lines)
        for name in names:
            rules.ignores(name)

    growth.within(2000, work)
