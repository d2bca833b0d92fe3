"""Workspaces, pools and digests for the sandbox's tests."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ralphd.sandbox.environment import sandbox_environment
from ralphd.sandbox.isolation import Isolation, detect
from ralphd.sandbox.shadow import ShadowPool

T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    network: bool = False
    read_only: tuple[str, ...] = ()
    memory_mb: int = 4096
    output_mb: int = 4


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@functools.cache
def isolation() -> Isolation:
    return asyncio.run(detect("auto"))


def need_bwrap() -> Isolation:
    found = isolation()
    if found.kind != "bwrap":
        pytest.skip(found.detail)
    return found


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def bwrap_pool(root: Path, cache: Path, **more: Any) -> ShadowPool:
    more.setdefault("environment", sandbox_environment(os.environ))
    return ShadowPool(str(root), str(cache), more.pop("settings", Settings()), need_bwrap(), **more)


def plain_pool(root: Path, cache: Path, **more: Any) -> ShadowPool:
    """Without isolation, allowed."""
    none = Isolation("none", "for a test", shutil.which("prlimit") or "")
    return ShadowPool(
        str(root),
        str(cache),
        more.pop("settings", Settings()),
        none,
        environment=more.pop("environment", None) or sandbox_environment(os.environ),
        allow_unisolated=more.pop("allow_unisolated", True),
        **more,
    )


def digest(folder: Path) -> str:
    """Of names, kinds, modes, times, link targets and bytes below `folder`."""
    total = hashlib.sha256()
    for at, dirs, names in os.walk(os.fsencode(folder)):
        dirs.sort()
        for name in sorted([*dirs, *names]):
            path = os.path.join(at, name)
            info = os.lstat(path)
            total.update(path + b"\0" + str((info.st_mode, info.st_nlink, info.st_mtime_ns)).encode())
            if stat.S_ISLNK(info.st_mode):
                total.update(os.readlink(path))
            elif stat.S_ISREG(info.st_mode):
                total.update(Path(os.fsdecode(path)).read_bytes())
    return total.hexdigest()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` by relative name; links as their targets."""
    found = {}
    for at, _, names in os.walk(folder):
        for name in names:
            path = Path(at, name)
            found[str(path.relative_to(folder))] = (
                os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
            )
    return found


def living(token: str) -> list[int]:
    """Processes that have `token` in their command line."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                command = Path("/proc", name, "cmdline").read_bytes()
                state = Path("/proc", name, "stat").read_bytes().rpartition(b")")[2].split()[0]
            except (OSError, IndexError):
                continue
            if token.encode() in command and state != b"Z":
                found.append(int(name))
    return found


def gone_within(token: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while living(token):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
