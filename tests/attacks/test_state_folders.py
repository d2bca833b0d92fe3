"""What ralphd keeps is the person's alone, and planted folders and links lead nothing astray."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.attacks.conftest import PLACE, RIGHT
from tests.support import product
from tests.support.scripted_server import ScriptedServer


@pytest.mark.row("T9", "H3")
@pytest.mark.slow
def test_everything_kept_is_private_and_old_journals_go(project: Path) -> None:
    state = Path(os.environ["XDG_STATE_HOME"], "ralphd")
    old = state / "workspaces/0123456789abcdef/runs/old.jsonl"
    old.parent.mkdir(parents=True)
    old.write_text("{}\n")
    os.utime(old, (time.time() - 40 * 86400,) * 2)
    mask = os.umask(0o022)
    try:
        with ScriptedServer([RIGHT]) as model:
            ended = product.run(project, PLACE, model)
    finally:
        os.umask(mask)
    assert ended.result["outcome"] == "proposed", ended.stderr
    assert not old.exists(), "cleaned by itself"
    assert Path(ended.result["journal"]).is_file()
    for folder in (state, Path(os.environ["XDG_CACHE_HOME"], "ralphd")):
        assert folder.stat().st_mode & 0o777 == 0o700
    ours = {*state.rglob("*")} - {*old.parents}
    assert ours and not [path for path in ours if path.lstat().st_mode & 0o077]


@pytest.mark.row("H3", "T9")
@pytest.mark.parametrize(
    ("command", "variable"),
    [
        (["serve"], "XDG_STATE_HOME"),
        (["run", "implement", "double.py"], "XDG_CACHE_HOME"),
        *(
            pytest.param(command, variable, marks=pytest.mark.full)
            for command, variable in (
                (["serve"], "XDG_CACHE_HOME"),
                (["run", "implement", "double.py"], "XDG_STATE_HOME"),
                (["doctor"], "XDG_STATE_HOME"),
                (["doctor"], "XDG_CACHE_HOME"),
            )
        ),
    ],
)
def test_a_planted_link_is_refused_in_a_sentence(
    project: Path, tmp_path: Path, variable: str, command: list[str]
) -> None:
    target, place = tmp_path / "target", Path(os.environ[variable], "ralphd")
    target.mkdir()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)
    done = subprocess.run(
        [sys.executable, "-m", "ralphd", *command], cwd=project, capture_output=True, text=True, check=False, input=""
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"ralphd: {place} is a link") and "Traceback" not in done.stderr
    assert list(target.iterdir()) == []
