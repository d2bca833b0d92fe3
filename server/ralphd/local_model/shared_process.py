"""The process that holds the embedded model: llama.cpp's own HTTP server, shared by every ralphd of one person and machine.

Knows nothing of prompts: a weights file, a few numbers and the names of three files. It holds `--lock` as long as it lives,
so that there is one of it; it writes its address into `--owner` once it answers; and it ends by itself when nobody has held
`--lease` for `--idle` seconds. The kernel drops the locks of a process that dies, whatever it died of.

It listens on loopback, below a path that nobody can guess: another user of the machine, or a page in a browser, finds
nothing there.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import secrets
import sys
import time
from typing import Any

from ralphd.core.own_program import kill_with_starter
from ralphd.core.priority import step_back
from ralphd.local_model.lock_files import FLAGS, locked, opened

_LOOK_S = 0.25
"""How often it looks whether somebody needs it."""


def _held(path: str) -> int | None:
    """A descriptor that holds the lock of `path` for us alone; None where somebody else holds it."""
    descriptor = opened(path)
    if locked(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def parameters(weights: str, context: int, threads: int, secret: str) -> Any:
    """How the model is loaded and served: an `xllamacpp.CommonParams`. Its address begins with `secret` as the path.

    One sequence at a time, from weights as they are in the file: `bench/batch.py` measures what other choices give.
    """
    xllamacpp: Any = importlib.import_module("xllamacpp")  # an extra, untyped, and 40 MB: never in the parent
    params = xllamacpp.CommonParams()
    params.model.path = weights
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_prefix = f"/{secret}"
    params.cors_origins = "none"  # a page's origin is never that
    params.n_ctx = context
    params.n_parallel = 1
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    # Waiting threads sleep rather than spin: on a busy machine that is the faster way, too.
    params.cpuparams.poll = 0
    params.cpuparams_batch.poll = 0
    params.n_gpu_layers = 0
    params.use_jinja = True
    params.ui = False
    params.offline = True
    params.cache_ram_mib = 0
    params.no_extra_bufts = True  # weights stay mapped from the file, not repacked: 0.6 GB less
    params.warmup = False  # an empty run over all weights: a third of the start, and up to 10 s of a busy machine
    params.fit_params = False
    return params


def _served(options: argparse.Namespace, secret: str) -> Any:
    """The server, once it answers."""
    params = parameters(options.weights, options.context, options.threads, secret)
    return importlib.import_module("xllamacpp").Server(params)


def _until_idle(lease: str, idle_s: float) -> None:
    """Returns when nobody has held the lease for `idle_s`. Whoever comes then finds it held by us, and waits for our end."""
    needed = time.monotonic()
    while True:
        time.sleep(_LOOK_S)
        held = _held(lease)
        if held is None:
            needed = time.monotonic()
        elif time.monotonic() - needed >= idle_s:
            return
        else:
            os.close(held)


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("weights", "owner", "lock", "lease"):
        parser.add_argument(f"--{name}", required=True)
    for name, kind in (("context", int), ("threads", int), ("nice", int), ("idle", float)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    options = parser.parse_args()
    if _held(options.lock) is None:
        return 0  # another one was first
    kill_with_starter(True)  # while the weights load, nobody else could end us
    with contextlib.suppress(FileNotFoundError):
        os.unlink(options.owner)
    step_back(options.nice)
    secret = secrets.token_urlsafe(24)
    server = _served(options, secret)
    part = f"{options.owner}.part"
    with open(os.open(part, FLAGS | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"url": f"{server.listening_address}/{secret}", "pid": os.getpid()}, file)
    os.replace(part, options.owner)
    kill_with_starter(False)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)  # who started us may be gone
    _until_idle(options.lease, options.idle)
    with contextlib.suppress(OSError):
        os.unlink(options.owner)
    os._exit(0)  # not sys.exit: the C++ threads would hold the process up


if __name__ == "__main__":
    sys.exit(main())
