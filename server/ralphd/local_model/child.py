"""The child process that holds the embedded model: llama.cpp's own HTTP server, on loopback, until its parent is gone.

Knows nothing of ralphd: a weights file and a few numbers in, one JSON line with the address out. Its standard input is
the parent's life line, which works on every platform and for every kind of death.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import importlib
import json
import os
import signal
import sys
import threading
from typing import Any

_PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    """Standard input is a pipe that nobody writes to: its end means that the parent has closed it or died."""
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    os._exit(0)  # not sys.exit: the C++ threads would hold the process up


def _die_with_parent() -> None:
    """Linux only, and the quicker way: loading the weights holds Python's lock, so nobody reads the life line then."""
    if sys.platform == "linux":
        parent = os.getppid()
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", required=True)
    parser.add_argument("--context", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--nice", type=int, required=True)
    options = parser.parse_args()
    _die_with_parent()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(options.nice)
    answer = os.dup(1)
    os.dup2(2, 1)  # llama.cpp prints to stdout as it likes; the address has a line of its own

    xllamacpp: Any = importlib.import_module("xllamacpp")  # an extra, untyped, and 40 MB: never in the parent
    params = xllamacpp.CommonParams()
    params.model.path = options.weights
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = options.context
    params.n_parallel = 1
    params.cpuparams.n_threads = options.threads
    params.cpuparams_batch.n_threads = options.threads
    # Waiting threads sleep rather than spin: on a busy machine that is the faster way, too.
    params.cpuparams.poll = 0
    params.cpuparams_batch.poll = 0
    params.n_gpu_layers = 0
    params.use_jinja = True
    params.ui = False
    params.offline = True
    params.cache_ram_mib = 0
    # Weights stay mapped from the file, not repacked: 0.6 GB less, and several editors' servers share the pages.
    params.no_extra_bufts = True
    params.warmup = False  # an empty run over all weights: a third of the start, and up to 10 s of a busy machine
    params.fit_params = False
    server = xllamacpp.Server(params)
    os.write(
        answer,
        json.dumps({"url": server.listening_address, "pid": os.getpid()}).encode() + b"\n",
    )
    os.close(answer)
    threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
