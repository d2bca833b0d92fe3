"""One workspace root as the sandbox sees it: which files, which overlay paths are allowed, what its runs may see.

Only reads the workspace. Blocking throughout: the pool calls it from worker threads.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from ralphd.core.paths import within
from ralphd.errors import SandboxError
from ralphd.sandbox import visible_files
from ralphd.sandbox.environment import SandboxEnvironment
from ralphd.sandbox.head_only import HeadOnly
from ralphd.sandbox.isolation import Isolation
from ralphd.sandbox.mirror import Mirror
from ralphd.sandbox.selection import OUT, Listing, Selection, Sig, signature
from ralphd.sandbox.watchdog import require_room


class SandboxSettings(Protocol):
    """The part of the settings that test runs depend on."""

    @property
    def network(self) -> bool: ...
    @property
    def read_only(self) -> Sequence[str]: ...
    @property
    def memory_mb(self) -> int: ...
    @property
    def output_mb(self) -> int: ...


class Workspace:
    """What stays the same over the runs of one root."""

    def __init__(
        self,
        root: str,
        cache_dir: str,
        settings: SandboxSettings,
        isolation: Isolation,
        *,
        environment: SandboxEnvironment,
        max_files: int,
        max_bytes: int,
        include: Sequence[str] = (),
        secret: Callable[[str], bool] = lambda path: False,
        git: bool = False,
    ) -> None:
        """`include`: ignored paths that come along, but for those that are `secret`; `git`: whether runs have one."""
        self.root = os.path.realpath(root)
        self.cache = os.path.realpath(cache_dir)
        self.settings = settings
        self.isolation = isolation
        self.isolated = isolation.kind == "bwrap"
        if not isinstance(environment, SandboxEnvironment):
            raise TypeError(
                "a workspace's test runs take a SandboxEnvironment, which is filtered, and no other mapping"
            )
        self.environment = environment
        home = os.path.realpath(environment["HOME"])
        if self.root == "/" or within(home, self.root):
            raise SandboxError(
                f"{self.root} is no project folder: a test copy of it would hold all your files.",
                "Open the project's own folder.",
            )
        inside = within(self.cache, self.root)
        self.places = self._places(os.path.abspath(root))
        left_out = {os.path.relpath(self.cache, self.root)} if inside else set()
        self.selection = Selection(
            self.root,
            home=home,
            max_files=max_files,
            max_bytes=max_bytes,
            leave_out=frozenset(left_out),
            include=include,
            secret=secret,
        )
        has_git = git and self.isolated and os.path.lexists(os.path.join(self.root, ".git"))
        self.head = HeadOnly(self.root) if has_git else None

    def resolve(self, path: str) -> str:
        """`path` relative to the root, through the workspace's own links; SandboxError when it leads out of it."""
        bad = not path or path.startswith("/") or "\0" in path or ".." in path.split("/")
        real = self.root if bad else os.path.realpath(os.path.join(self.root, path))
        if bad or real == self.root or not within(real, self.root):
            raise SandboxError(f"{path!r} lies outside the workspace.")
        return os.path.relpath(real, self.root)

    def bring_up(
        self,
        mirror: Mirror,
        overlay: Mapping[str, bytes | None],
        buffers: Mapping[str, bytes | None],
        stop: Callable[[], bool],
    ) -> tuple[Listing, dict[str, bytes | None]]:
        """Scan, then make `mirror` equal to the workspace under `buffers` under `overlay`; both by resolved paths.

        SandboxError where a path of `overlay` cannot be placed; such paths of `buffers` are left out.
        """
        listing = self.selection.scan(stop)
        require_room(os.path.dirname(mirror.folder), mirror.incoming_bytes(listing))
        resolved: dict[str, bytes | None] = {}
        for path, data in buffers.items():
            with contextlib.suppress(SandboxError):
                resolved[self._placed(path, listing)] = data
        for path, data in overlay.items():
            resolved[self._placed(path, listing)] = data
        if not self.isolated:
            # A stray of an earlier run may have gone on writing.
            mirror.touched()
        links = {} if self.isolated else {path: os.path.join(self.root, path) for path in listing.trees}
        mirror.refresh(self.root, listing, resolved, listing.trees if self.isolated else (), links, stop)
        return listing, resolved

    def _placed(self, path: str, listing: Listing) -> str:
        """Where in the copy a file of an overlay belongs; SandboxError where no test run sees it, or no file can be."""
        relative = self.resolve(path)
        _check_overlay(path, relative, listing)
        return relative

    def check_trees(self, trees: Iterable[str]) -> None:
        """The dependency folders to be bound are still real folders of the workspace, by every component."""
        for path in trees:
            at = self.root
            for part in path.split("/"):
                at = f"{at}/{part}"
                sig = lstat(at)
                if sig is None or not stat.S_ISDIR(sig[0]):
                    raise SandboxError(f"{path!r} is no longer a real folder in the workspace.", "Run again.")

    def _places(self, given: str) -> tuple[str, ...]:
        """Where the copy is shown: at the real path, and at the one the person uses where no link inside leads there."""
        linked = given != self.root and not visible_files.is_system(given)
        return (self.root, given) if linked else (self.root,)


def lstat(path: str) -> Sig | None:
    try:
        return signature(os.lstat(path))
    except OSError:
        return None


def _check_overlay(path: str, relative: str, listing: Listing) -> None:
    parts = relative.split("/")
    if any(part in OUT for part in parts):
        raise SandboxError(f"{path!r} lies in a folder that no test run sees.")
    if any(within(relative, tree) for tree in listing.trees):
        raise SandboxError(f"{path!r} lies in a dependency folder, which test runs see as it is.")
    above = {"/".join(parts[:count]) for count in range(1, len(parts))}
    if relative in listing.dirs or above & listing.files.keys():
        raise SandboxError(f"{path!r} is a folder, or lies below a file, in the workspace.")
