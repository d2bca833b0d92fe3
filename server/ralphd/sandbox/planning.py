"""From a workspace, a slot and a command to the `Plan` of one run: gathers what policy.py decides about. Blocking."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ralphd.core.paths import within
from ralphd.errors import SandboxError
from ralphd.sandbox import policy, toolchains
from ralphd.sandbox.environment import run_environment, with_ours
from ralphd.sandbox.mirror import Mirror
from ralphd.sandbox.selection import Listing
from ralphd.sandbox.workspace import Workspace

if sys.platform != "win32":
    import resource

FREE_BYTES = 512 << 20
USED_BYTES = 8 << 30
USED_INODES = 300_000
NEW_TASKS = 4 * policy.PROCESSES
_PROGRAMS = (".venv/bin", "venv/bin", "node_modules/.bin")


@dataclass(frozen=True)
class Request:
    """What is asked of one run. `cwd` is relative to the workspace, the folders are absolute."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    extra_ro: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    cwd: str = ""


def make_plan(workspace: Workspace, mirror: Mirror, listing: Listing, request: Request) -> policy.Plan:
    """The plan of one run. Checks everything that bwrap will mount beneath the copy, immediately before the launch."""
    base = workspace.root if workspace.isolated else mirror.tree
    folder = workspace.resolve(request.cwd) if request.cwd not in ("", ".") else ""
    if folder and not os.path.isdir(os.path.join(workspace.root, folder)):
        raise SandboxError(f"{request.cwd!r} is no folder of the workspace.")
    home, tmp = _private_places(workspace, mirror)
    environments = [path for path in (".venv", "venv") if os.path.isfile(f"{workspace.root}/{path}/pyvenv.cfg")]
    env = run_environment(
        _moved(workspace, mirror),
        home=home,
        tmp=tmp,
        program_dirs=[f"{base}/{path}" for path in _PROGRAMS if os.path.isdir(f"{workspace.root}/{path}")],
        virtual_env=f"{base}/{environments[0]}" if environments else None,
    )
    return policy.Plan(
        argv=request.argv,
        cwd=f"{base}/{folder}" if folder else base,
        home=home,
        hidden=workspace.hidden,
        binds=_binds(workspace, mirror, listing, request, environments) if workspace.isolated else (),
        env=with_ours(env, request.env),
        network=workspace.settings.network,
        disable_userns=workspace.isolation.disable_userns,
        limits=_limits(workspace.settings.memory_mb),
    )


def _binds(
    workspace: Workspace, mirror: Mirror, listing: Listing, request: Request, environments: Sequence[str]
) -> tuple[policy.Bind, ...]:
    root = workspace.root
    extra = [policy.Bind(os.path.realpath(path), os.path.realpath(path)) for path in request.extra_ro]
    extra += [policy.Bind(os.path.realpath(path), os.path.realpath(path), True) for path in request.writable]
    inside = [os.path.relpath(bind.target, root) for bind in extra if within(bind.target, root)]
    mirror.check_mounts([*listing.trees, *inside])
    workspace.check_trees(listing.trees)
    shown = [os.path.realpath(os.path.expanduser(path)) for path in workspace.settings.read_only]
    needed = toolchains.needed(
        workspace.environment,
        root,
        workspace.hidden,
        environments=[os.path.join(root, path) for path in dict.fromkeys([*environments, *listing.trees])],
        programs=request.argv[:1],
    )
    return (
        *needed,
        *(policy.Bind(path, path) for path in (*toolchains.system_links(), *shown) if os.path.exists(path)),
        *(policy.Bind(mirror.tree, place, writable=True) for place in workspace.places),
        *(policy.Bind(f"{root}/{path}", f"{place}/{path}") for place in workspace.places for path in listing.trees),
        *extra,
    )


def _moved(workspace: Workspace, mirror: Mirror) -> dict[str, str]:
    """The person's environment; without isolation its PYTHONPATH leads to the copy instead of the original."""
    person = dict(workspace.environment)
    if not workspace.isolated and "PYTHONPATH" in person:
        root, parts = workspace.root, person["PYTHONPATH"].split(":")
        person["PYTHONPATH"] = ":".join(
            mirror.tree + part[len(root) :] if within(part, root) else part for part in parts
        )
    return person


def _private_places(workspace: Workspace, mirror: Mirror) -> tuple[str, str]:
    """HOME and TMPDIR of the run: tmpfs inside; without isolation folders of the slot, emptied before each run."""
    if workspace.isolated:
        home = os.path.realpath(workspace.environment["HOME"])
        covered = any(within(home, place) for place in workspace.hidden)
        return (home if covered else "/tmp/home"), "/tmp"
    made = []
    for name in ("home", "tmp"):
        path = os.path.join(mirror.folder, name)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path, mode=0o700, exist_ok=True)
        made.append(path)
    return made[0], made[1]


def _limits(memory_mb: int) -> policy.Limits:
    """Never above what this process may set itself: raising a hard limit is refused."""

    def cap(value: int, kind: int) -> int:
        hard = resource.getrlimit(kind)[1]
        return value if hard == resource.RLIM_INFINITY else min(value, hard)

    return policy.Limits(
        memory_mb=cap(memory_mb << 20, resource.RLIMIT_AS) >> 20,
        processes=cap(policy.PROCESSES, resource.RLIMIT_NPROC),
        file_bytes=cap(policy.FILE_BYTES, resource.RLIMIT_FSIZE),
    )


def guard(folder: str) -> Callable[[], str | None]:
    """Says why to stop once a run eats the disk that `folder` is on, or the machine's process table.

    Both as growth since the start: limits per process and per user do not bind a run of root's, or a million small files.
    """
    start, tasks = os.statvfs(folder), _tasks()

    def look() -> str | None:
        now = os.statvfs(folder)
        used = (start.f_bavail - now.f_bavail) * now.f_frsize
        free = now.f_bavail * now.f_frsize
        if used > USED_BYTES or (free < FREE_BYTES and used > 0):
            return "stopped: the run was filling the disk"
        if now.f_files and start.f_favail - now.f_favail > USED_INODES:
            return "stopped: the run made too many files"
        if _tasks() - tasks > NEW_TASKS:
            return "stopped: the run made too many processes"
        return None

    return look


def _tasks() -> int:
    """Threads on the machine, in one short read; 0 where the system does not tell."""
    try:
        with open("/proc/loadavg", "rb") as file:
            return int(file.read(256).split()[3].partition(b"/")[2])
    except (OSError, IndexError, ValueError):
        return 0
