"""From a workspace, a slot and a command to the plan of one run. Looks at the disk, so it is called from a thread."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ralphd.core.paths import within
from ralphd.errors import SandboxError
from ralphd.sandbox import bwrap, seatbelt, visible_files
from ralphd.sandbox.bwrap import Bind, Limits, RunPlan
from ralphd.sandbox.environment import run_environment, with_ours
from ralphd.sandbox.isolation import proc_parts
from ralphd.sandbox.mirror import Mirror
from ralphd.sandbox.programs import program_at, program_folders, virtual_environments
from ralphd.sandbox.selection import Listing
from ralphd.sandbox.workspace import Workspace

if sys.platform != "win32":
    import resource


@dataclass(frozen=True)
class TestCommand:
    """What is asked of one run. `cwd` is relative to the workspace, the folders are absolute."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    extra_ro: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    cwd: str = ""
    own_environments: bool = False
    """Whether it gets a copy of its own of the folders in which tox and nox keep environments: they write there."""


def make_plan(workspace: Workspace, mirror: Mirror, listing: Listing, command: TestCommand) -> RunPlan:
    """The plan of one run. Checks everything that bwrap will mount beneath the copy, immediately before the launch."""
    base = workspace.root if workspace.isolated else mirror.tree
    folder = workspace.resolve(command.cwd) if command.cwd not in ("", ".") else ""
    if folder and not os.path.isdir(os.path.join(workspace.root, folder)):
        raise SandboxError(f"{command.cwd!r} is no folder of the workspace.")
    home, tmp = _private_places(workspace, mirror)
    environments = virtual_environments(workspace.root, folder)
    env = run_environment(
        _moved(workspace, mirror),
        home=home,
        tmp=tmp,
        program_dirs=[f"{base}/{path}" for path in program_folders(workspace.root, folder)],
        virtual_env=f"{base}/{environments[0]}" if environments else None,
    )
    plan = RunPlan(
        argv=command.argv,
        cwd=f"{base}/{folder}" if folder else base,
        env=with_ours(env, command.env),
        network=workspace.settings.network,
        limits=_limits(workspace.settings.memory_mb),
    )
    if workspace.isolation.kind == "seatbelt":
        return replace(plan, argv=tuple(seatbelt.argv(_profile(workspace, mirror, listing, command), plan.argv)))
    if not workspace.isolated:
        return plan
    links, system = visible_files.system_view()
    trees = [os.path.join(workspace.root, path) for path in dict.fromkeys([*environments, *listing.trees])]
    return replace(
        plan,
        links=links,
        system=system,
        private=_private(home, plan.limits),
        binds=_binds(workspace, mirror, listing, command, trees),
        proc_read_only=proc_parts(bwrap.PROC_READ_ONLY),
        proc_hidden=proc_parts(bwrap.PROC_HIDDEN),
        disable_userns=workspace.isolation.disable_userns,
        as_nobody=os.geteuid() == 0,
    )


def _profile(workspace: Workspace, mirror: Mirror, listing: Listing, command: TestCommand) -> str:
    """The Seatbelt profile of one run: its slot may be written to, toolchains and dependency folders be read."""
    program = program_at(workspace.root, command.cwd, command.argv[0], workspace.environment)
    trees = [os.path.join(workspace.root, path) for path in listing.trees]
    toolchains = visible_files.toolchains(
        workspace.environment, workspace.root, environments=trees, programs=[program] if program else []
    )
    return seatbelt.profile(
        readable=[
            *(bind.source for bind in toolchains),
            *(os.path.realpath(os.path.expanduser(path)) for path in workspace.settings.read_only),
            *map(os.path.realpath, command.extra_ro),
        ],
        hidden=[workspace.root],
        shown=trees,
        writable=[os.path.realpath(mirror.folder), *map(os.path.realpath, command.writable)],
        network=workspace.settings.network,
    )


def _private(home: str, limits: Limits) -> tuple[tuple[str, int], ...]:
    """The empty folders of a run; together they may not hold much more than its memory limit."""
    most = limits.memory_mb << 20
    places = {"/tmp": bwrap.TMP_BYTES, "/var/tmp": bwrap.OTHER_BYTES, "/run": bwrap.OTHER_BYTES, home: bwrap.HOME_BYTES}
    return tuple((path, min(size, most)) for path, size in sorted(places.items()))


def _binds(
    workspace: Workspace, mirror: Mirror, listing: Listing, command: TestCommand, environments: Sequence[str]
) -> tuple[Bind, ...]:
    root = workspace.root
    extra = [Bind(os.path.realpath(path), os.path.realpath(path)) for path in command.extra_ro]
    extra += [Bind(os.path.realpath(path), os.path.realpath(path), True) for path in command.writable]
    inside = [os.path.relpath(bind.target, root) for bind in extra if within(bind.target, root)]
    git = _git(workspace, mirror, listing)
    mirror.check_mounts([*listing.trees, *inside, *git])
    workspace.check_trees(listing.trees)
    shown = [os.path.realpath(os.path.expanduser(path)) for path in workspace.settings.read_only]
    program = program_at(root, command.cwd, command.argv[0], workspace.environment)
    programs = [program] if program else []
    toolchains = visible_files.toolchains(workspace.environment, root, environments=environments, programs=programs)
    return (
        *toolchains,
        *visible_files.system_links(),
        *(Bind(path, path) for path in shown if os.path.exists(path)),
        *(Bind(mirror.tree, place, writable=True) for place in workspace.places),
        *(Bind(f"{root}/{path}", f"{place}/{path}") for place in workspace.places for path in listing.trees),
        *(
            Bind(source, f"{place}/{path}", writable=True)
            for path, source in (git | _own_environments(root, mirror, listing, command)).items()
            for place in workspace.places
        ),
        *extra,
    )


def _git(workspace: Workspace, mirror: Mirror, listing: Listing) -> dict[str, str]:
    """A `.git` made afresh for the run, where runs are to have one: by its place in the workspace, the folder."""
    if workspace.head is None:
        return {}
    folder = os.path.join(mirror.folder, "git")
    tracked = workspace.selection.tracked
    files = {path: sig for path, sig in listing.files.items() if path in tracked or not tracked}
    workspace.head.write(folder, {path: sig for path, sig in files.items() if path not in listing.brought})
    return {".git": folder}


def _own_environments(root: str, mirror: Mirror, listing: Listing, command: TestCommand) -> dict[str, str]:
    """Copies of `.tox` and `.nox`, made afresh for each run, so that no run finds what an earlier one put there."""
    if not command.own_environments:
        return {}
    folder = os.path.join(mirror.folder, "environments")
    shutil.rmtree(folder, ignore_errors=True)
    made = {path: os.path.join(folder, path) for path in listing.trees if os.path.basename(path) in (".tox", ".nox")}
    for path, copy in made.items():
        shutil.copytree(os.path.join(root, path), copy, symlinks=True)
    return made


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
    """HOME and TMPDIR of the run: empty folders inside; without isolation folders of the slot, emptied before each run."""
    if workspace.isolated:
        home = os.path.realpath(workspace.environment["HOME"])
        return ("/tmp/home" if home == "/" or visible_files.is_system(home) else home), "/tmp"
    made = []
    for name in ("home", "tmp"):
        path = os.path.join(mirror.folder, name)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path, mode=0o700, exist_ok=True)
        made.append(path)
    return made[0], made[1]


def _limits(memory_mb: int) -> Limits:
    """Never above what this process may set itself: raising a hard limit is refused."""

    def cap(value: int, kind: int) -> int:
        hard = resource.getrlimit(kind)[1]
        return value if hard == resource.RLIM_INFINITY else min(value, hard)

    return Limits(
        memory_mb=memory_mb,
        processes=cap(bwrap.PROCESSES, resource.RLIMIT_NPROC),
        file_bytes=cap(bwrap.FILE_BYTES, resource.RLIMIT_FSIZE),
    )
