"""How this program starts itself and other modules: with the interpreter that runs it, and without the working folder on
their import path. And how such a process ends with the one that started it.

The working folder is often a repository, and a repository may hold a module of any name.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1
_RUN = (
    "import runpy, sys; from ralphd.core.own_program import end_with_starter; end_with_starter(); "
    "sys.argv[:] = sys.argv[1:]; runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
)


def own_command(*words: str) -> list[str]:
    """`ralphd` with the arguments `words`."""
    return [sys.executable, "-P", "-m", "ralphd", *words]


def ending_with_us(module: str, *words: str) -> list[str]:
    """`python -m module` with the arguments `words`, in a process that ends when its standard input does. Give it a pipe: the
    system closes that with whoever holds it, whatever ended them."""
    return [sys.executable, "-P", "-c", _RUN, module, *words]


def end_with_starter() -> None:
    """From now on this process ends as soon as nobody holds the other end of its standard input, a pipe; also while it loads
    what it needs, which takes seconds on a busy machine. Nothing is read from the pipe. Not on Windows.

    On Linux the kernel also kills it with the thread that started it, which needs no turn of this process's own. That thread
    has to live as long as the process is wanted: the event loop's does, and one that waits for the process."""
    if sys.platform == "win32":
        return
    kill_with_starter(True)
    closed = select.poll()
    closed.register(0, 0)  # that the other end is closed is always told

    def end() -> None:
        closed.poll()
        os._exit(1)

    threading.Thread(target=end, name="end-with-starter", daemon=True).start()


def kill_with_starter(wanted: bool) -> None:
    """Whether the kernel kills this process when the thread that started it ends. Linux only."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL if wanted else 0)
