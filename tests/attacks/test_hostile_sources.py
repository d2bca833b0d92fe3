"""Files that parsers, readers and walkers stumble over: an ending in a sentence, never a defect and never a hang."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.attacks.conftest import PLACE, RIGHT
from tests.support import product
from tests.support.projects import PYTEST, write
from tests.support.scripted_server import ScriptedServer


def plant_fifos(root: Path) -> None:
    for name in (
        ".git/index",
        ".git/info/exclude",
        ".gitignore",
        "sub/.git",
        "env/pyvenv.cfg",
        "data.fifo",
        "tests/x.py",
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(path)


@pytest.mark.row("W7", "T8")
def test_pipes_dashes_stars_and_loops(project: Path) -> None:
    plant_fifos(project)
    write(
        project,
        {
            "dashes.py": "-" * 20_000,
            "tests/test_dashes.py.txt": "(" * 60_000,
            "nul.py": "\0" * 100,
            "deep.py": "x = " + "[" * 50_000,
        },
    )
    write(project, {"sub/.gitignore": ("*" + "a*" * 200 + "b\n") * 2_000, "sub/" + "a" * 200: ""})
    (project / "loop").symlink_to(".")
    (project / "away").symlink_to("/proc/self")
    os.close(os.open(os.fsencode(project) + b"/bad\xff\xfename.py", os.O_CREAT | os.O_WRONLY))
    with ScriptedServer([RIGHT]) as model:
        # Its own folder: pytest itself would walk through the links for ever.
        ended = product.run(project, PLACE, model, testing={"command": [*PYTEST, "tests"]})
    assert ended.result["outcome"] == "proposed", ended.stderr


@pytest.mark.parametrize(
    "text", ["-" * 20_000, "x = " + "(" * 20_000, "def f():\n" + " if a:\n" * 3], ids=["-", "(", "if"]
)
def test_a_target_that_no_parser_takes(project: Path, text: str) -> None:
    write(project, {"dashes.py": text})
    with ScriptedServer([RIGHT, RIGHT, RIGHT, RIGHT, RIGHT]) as model:
        ended = product.run(project, "dashes.py:1", model)
    assert ended.result["outcome"] not in ("internal_error", ""), ended.stderr
    assert "Traceback" not in ended.stderr
