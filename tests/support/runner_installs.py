"""Real test runners, installed once from their registries into the cache folder of the development machine."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import venv
from collections.abc import Mapping
from pathlib import Path

import pytest
from filelock import FileLock

JAVASCRIPT = {
    "jest": "29.7.0",
    "vitest": "3.2.7",
    "mocha": "11.8.0",
    "ava": "6.4.1",
    "tape": "5.10.2",
    "yarn": "1.22.22",
    "pnpm": "9.15.9",
}
PYTHON = {"django": "5.2.19", "tox": "4.67.15", "nox": "2026.10.20", "uv": "0.13.9"}
_CACHE = Path(os.environ.get("RALPHD_E2E_CACHE") or Path.home() / ".cache" / "ralphd-dev") / "runners"


def javascript(root: Path) -> None:
    """Give the project `root` a node_modules folder with all of `JAVASCRIPT`. Skips where it cannot be installed."""
    source = _installed("js", JAVASCRIPT)
    shutil.copytree(source / "node_modules", root / "node_modules", symlinks=True, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _digest(packages: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(packages).encode()).hexdigest()[:12]


def _installed(kind: str, packages: Mapping[str, str]) -> Path:
    wanted = json.dumps({"private": True, "dependencies": packages})
    folder = _CACHE / f"{kind}-{_digest(packages)}"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        if not (folder / "done").exists():
            if shutil.which("npm") is None:
                pytest.skip("npm is not installed")
            (folder / "package.json").write_text(wanted)
            install = ["npm", "install", "--no-fund", "--no-audit", "--loglevel=error"]
            done = subprocess.run(install, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"the runners could not be installed: {done.stderr[-300:]}")
            (folder / "done").touch()
    return folder


def python() -> Path:
    """A virtual environment with all of `PYTHON`. Skips where it cannot be made."""
    folder = _CACHE / f"python-{_digest(PYTHON)}"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        if not (folder / "done").exists():
            venv.create(folder, with_pip=True)
            named = [f"{name}=={version}" for name, version in PYTHON.items()]
            install = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", *named]
            done = subprocess.run(install, capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"the runners could not be installed: {done.stderr[-300:]}")
            (folder / "done").touch()
    return folder
