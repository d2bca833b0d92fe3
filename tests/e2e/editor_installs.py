"""Real editors for the tests, in the developer's cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
_PROGRAMS = {"neovim": "nvim", "neovim-wheel": "nvim", "helix": "hx", "emacs": "emacs"}


def install(kind: str) -> Path:
    """The program; installed into the cache where it is not there yet. `kind`: as install-editor.sh names it."""
    cache = Path(os.environ.get("RALPHD_E2E_CACHE", Path.home() / ".cache" / "ralphd-dev"))
    destination = cache / "editors" / kind
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [str(HERE / "install-editor.sh"), str(destination), kind],
        env={**os.environ, "PATH": path, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{kind} could not be installed: {done.stderr[-2000:]}")
    return destination / "bin" / _PROGRAMS[kind]
