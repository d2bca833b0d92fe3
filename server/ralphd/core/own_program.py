"""How this program starts itself and other modules: with the interpreter that runs it, and without the working folder on
their import path.

The working folder is often a repository, and a repository may hold a module of any name.
"""

from __future__ import annotations

import sys


def own_command(*words: str) -> list[str]:
    """`ralphd` with the arguments `words`."""
    return [sys.executable, "-P", "-m", "ralphd", *words]


_WATCHING = (
    "import os, runpy, sys, threading; "
    "threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start(); "
    "sys.argv[:] = sys.argv[1:]; runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
)


def ending_with_us(module: str, *words: str) -> list[str]:
    """`python -m module` with the arguments `words`, in a process that ends when its standard input does. Give it a pipe that
    nobody writes to: the system closes that with whoever holds it, whatever ended them."""
    return [sys.executable, "-P", "-c", _WATCHING, module, *words]
