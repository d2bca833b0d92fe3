"""The embedded model as `ralphd run` uses it: one process for all runs, found by what it says of itself."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ralphd.core.wording import MODEL_BUSY
from ralphd.local_model.server import LocalServer
from ralphd.local_model.weights import QWEN, weights_path
from tests.support import product
from tests.support.projects import DOUBLE, code, write
from tests.support.scripted_server import ScriptedServer


@contextlib.contextmanager
def _running(model: ScriptedServer) -> Iterator[None]:
    """`model` as the process that answers for the embedded model, and weights that pass for verified."""
    cache = Path(os.environ["XDG_CACHE_HOME"], "ralphd")
    weights = weights_path(cache)
    weights.parent.mkdir(parents=True)
    with weights.open("wb") as file:
        file.truncate(QWEN.size)
    seal = {"sha256": QWEN.sha256, "size": QWEN.size, "mtime_ns": weights.stat().st_mtime_ns}
    weights.with_name(weights.name + ".verified").write_text(json.dumps(seal))
    folder = cache / "embedded"
    folder.mkdir(mode=0o700)
    lock = LocalServer(cache, lambda: folder, os.environ).place("lock")
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        owner = {"url": model.base_url.removesuffix("/v1"), "pid": os.getpid()}
        lock.with_suffix(".owner").write_text(json.dumps(owner))
        yield


@pytest.mark.slow
def test_a_run_uses_the_process_that_is_there_and_says_that_it_waits(tmp_path: Path) -> None:
    write(tmp_path, DOUBLE)
    with ScriptedServer([code("def double(x):\n    return 2 * x")]) as model, _running(model):
        model.busy = True
        local = {"default": "local"}
        ended = product.run(tmp_path, "double.py:2", model, models=local, testing={"adversarial_tests": False})
        assert ended.result["outcome"] == "proposed", (ended.result, ended.stderr)
        assert MODEL_BUSY in ended.stderr
        assert len(model.requests) == 1
