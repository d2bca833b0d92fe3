"""A disk that is too full for a run: named before a call is paid for, and nothing of the person's is touched."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.attacks.conftest import PLACE
from tests.support import product
from tests.support.projects import tree
from tests.support.scripted_server import ScriptedServer


@pytest.mark.row("W6")
def test_the_disk_is_named_before_a_call_is_paid_for(project: Path) -> None:
    cache = Path(os.environ["XDG_CACHE_HOME"])
    cache.mkdir(parents=True, exist_ok=True)
    mount = ("unshare", "-Urm", "sh", "-c", f'mount -t tmpfs -o size=16m none "{cache}" && exec "$@"', "sh")
    if subprocess.run([*mount, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    before = tree(project)
    with ScriptedServer() as model:
        ended = product.run(project, PLACE, model, around=mount)
    assert ended.result["outcome"] == "misconfigured" and ended.prompts == ()
    assert f"The disk of {cache}/ralphd" in ended.result["reason"]
    assert re.search(r"\b1[0-6] MB are free", ended.result["reason"]), "what is there already takes a part of the 16"
    assert tree(project) == before and "Traceback" not in ended.stderr
