"""A disk that is too full for a run: named before a call is paid for, and nothing of the person's is touched."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.attacks.conftest import PLACE, RIGHT, WRONG
from tests.support import product
from tests.support.processes import command_of, descendants
from tests.support.projects import tree
from tests.support.scripted_server import Request, ScriptedServer


@pytest.mark.row("W6")
def test_the_disk_is_named_before_a_call_is_paid_for(project: Path) -> None:
    cache, mount = small_disk("XDG_CACHE_HOME", "16m")
    before = tree(project)
    with ScriptedServer() as model:
        ended = product.run(project, PLACE, model, around=mount)
    assert ended.result["outcome"] == "misconfigured" and ended.prompts == ()
    assert f"The disk of {cache}/ralphd" in ended.result["reason"]
    assert re.search(r"\b1[0-6] MB are free", ended.result["reason"]), "what is there already takes a part of the 16"
    assert tree(project) == before and "Traceback" not in ended.stderr


@pytest.mark.slow
@pytest.mark.row("W6")
@pytest.mark.parametrize(("variable", "size"), [("XDG_STATE_HOME", "40m"), ("XDG_CACHE_HOME", "300m")])
def test_a_disk_that_fills_in_the_middle_of_a_run(project: Path, variable: str, size: str) -> None:
    """While the model answers, the last byte is taken. The answer was paid for; no further one is asked for."""
    place, mount = small_disk(variable, size)
    before = tree(project)

    def filling(request: Request) -> str:
        inside = next(pid for pid in descendants(os.getpid()) if f"{project}" in work_of(pid))
        with contextlib.suppress(OSError), open(f"/proc/{inside}/root{place}/filler", "wb", buffering=0) as file:
            while file.write(b"x" * 65_536):
                pass
        return WRONG

    with ScriptedServer([filling, RIGHT]) as model:
        ended = product.run(project, PLACE, model, around=mount)
    assert ended.result["outcome"] == "misconfigured" and len(ended.prompts) == 1, ended.stderr
    assert str(place) in ended.result["reason"] and "disk" in ended.result["reason"]
    assert tree(project) == before and "Traceback" not in ended.stderr


def work_of(pid: int) -> str:
    """The working folder of `ralphd run`; empty for another process."""
    return os.readlink(f"/proc/{pid}/cwd") if "ralphd run" in command_of(pid) else ""


def small_disk(variable: str, size: str) -> tuple[Path, tuple[str, ...]]:
    """The folder that `variable` names, and a command in front of which it is a disk of its own."""
    place = Path(os.environ[variable])
    place.mkdir(parents=True, exist_ok=True)
    mount = ("unshare", "-Urm", "sh", "-c", f'mount -t tmpfs -o size={size} none "{place}" && exec "$@"', "sh")
    if subprocess.run([*mount, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    return place, mount
