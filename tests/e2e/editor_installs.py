"""Real editors for the tests, in the developer's cache, and what the environment of the person at them is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
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


def environment_in(state: Path) -> dict[str, str]:
    """The whole environment of an editor whose person keeps everything in the folder `state`."""
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "HOME": str(state / "home"),
        "XDG_CONFIG_HOME": str(state / "config"),
        "XDG_DATA_HOME": str(state / "data"),
        "XDG_STATE_HOME": str(state / "state"),
        "XDG_CACHE_HOME": str(state / "cache"),
        "PYTHONPATH": str(ROOT / "server"),
    }
