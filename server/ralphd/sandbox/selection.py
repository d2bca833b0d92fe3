"""Which files of a workspace belong to a test run, with their signatures. Reads; writes nothing, runs nothing.

Taken: what git tracks, and what is untracked and not ignored. Left out: version control's own folders, caches,
editors' droppings, FIFOs, sockets and devices. Dependency trees (.venv, node_modules, …) are named, not walked.
"""

from __future__ import annotations

import os
import posixpath
import stat
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ralphd.core.ignore import IgnoreRules
from ralphd.core.paths import within
from ralphd.core.regular_files import read_regular
from ralphd.errors import SandboxError
from ralphd.sandbox.git_index import git_folder, tracked_paths

Sig = tuple[int, int, int, int, int]
"""mode, size, mtime_ns, ctime_ns, inode. No program can set ctime, so an equal signature means equal bytes."""

OUT = frozenset({".git", ".hg", ".svn", ".jj", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"})
"""Never copied. `.git` may hold tokens; a `__pycache__` made for other text of the same size and second is believed."""
_TREES = frozenset({"node_modules", "bower_components", ".tox", ".nox", "__pypackages__", "elm-stuff", "Pods"})
_ENVIRONMENTS = frozenset({".venv", "venv"})
_GENERATED_ENDS = (".so", ".pyd", ".node", "_version.py", "__version__.py", "_pb2.py", "_pb2.pyi", "_pb2_grpc.py")
"""Ignored files that code imports nonetheless: without them the baseline is red."""
_MAX_RULES_BYTES = 1 << 18
"""A bigger ignore file is not read, as if it were not there."""

Rule = tuple[int, str, IgnoreRules]
"""Rules that are asked about `prefix + relative[cut:]`."""


class Stopped(Exception):
    """The walk or copy was told to stop."""


@dataclass
class Listing:
    """A workspace at one moment, paths relative to its root."""

    files: dict[str, Sig] = field(default_factory=dict)
    """Regular files and symbolic links."""
    dirs: dict[str, int] = field(default_factory=dict)
    trees: list[str] = field(default_factory=list)
    """Dependency trees, real directories."""
    brought: set[str] = field(default_factory=set)
    """Those of `files` that are ignored and are there because the person asked for them."""
    skipped: int = 0
    """FIFOs, sockets, devices and what may not be read."""


def signature(info: os.stat_result) -> Sig:
    return (info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino)


class Selection:
    """Walks one workspace again and again. Decisions about ignored names are kept until an ignore file changes."""

    def __init__(
        self,
        root: str,
        *,
        home: str,
        max_files: int,
        max_bytes: int,
        leave_out: frozenset[str] = frozenset(),
        include: Sequence[str] = (),
        secret: Callable[[str], bool] = lambda path: False,
    ) -> None:
        self._include, self._secret = tuple(include), secret
        self._root = root
        self._home = home
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._leave_out = leave_out
        self._lock = threading.Lock()
        self._verdicts: dict[str, bool] = {}
        self._rules_seen: dict[str, Sig] = {}
        self._specs: dict[str, IgnoreRules] = {}
        self._index_sig: Sig | None = None
        self._tracked: frozenset[str] = frozenset()
        self._tracked_dirs: frozenset[str] = frozenset()

    @property
    def tracked(self) -> frozenset[str]:
        """The paths that git tracks, as of the last scan; empty where there is no repository."""
        return self._tracked

    def scan(self, stop: Callable[[], bool]) -> Listing:
        """The workspace now. SandboxError beyond the caps, `Stopped` when told so."""
        with self._lock:
            return self._scan(stop)

    def _scan(self, stop: Callable[[], bool]) -> Listing:
        listing = Listing()
        stack: list[tuple[str, tuple[Rule, ...], bool]] = [("", self._outer_rules(), False)]
        total = 0
        while stack:
            if stop():
                raise Stopped
            folder, rules, only_tracked = stack.pop()
            prefix = f"{folder}/" if folder else ""
            try:
                with os.scandir(os.path.join(self._root, folder)) as entries:
                    found = list(entries)
            except OSError:
                if not folder:
                    raise SandboxError(f"The folder {self._root} cannot be read.") from None
                listing.skipped += 1
                continue
            ignore_file = os.path.join(self._root, prefix + ".gitignore")
            if ignore_file in self._rules_seen or any(entry.name == ".gitignore" for entry in found):
                spec = self._spec(ignore_file, prefix)
                rules = (*rules, (len(prefix), "", spec)) if spec is not None else rules
            for entry in found:
                name = entry.name
                relative = prefix + name
                if name in OUT or _dropping(name) or relative in self._leave_out:
                    continue
                try:
                    info = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                mode = info.st_mode
                if stat.S_ISDIR(mode):
                    self._directory(listing, stack, relative, name, mode, rules, only_tracked)
                elif stat.S_ISREG(mode) or stat.S_ISLNK(mode):
                    if not self._wanted(relative, name, rules, only_tracked) and not (
                        stat.S_ISLNK(mode) and (name in _TREES or name in _ENVIRONMENTS)
                    ):
                        continue
                    listing.files[relative] = (mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino)
                    total += info.st_size
                else:
                    listing.skipped += 1
            if len(listing.files) > self._max_files or total > self._max_bytes:
                raise self._too_big(listing)
        for path in self._include:
            self._bring(listing, posixpath.normpath(path), stop)
        if len(listing.files) > self._max_files:
            raise self._too_big(listing)
        return listing

    def _bring(self, listing: Listing, path: str, stop: Callable[[], bool]) -> None:
        """Take an ignored file, or a folder with what lies in it, into `listing`. Links are not followed, and nothing
        comes that is a secret, a dependency or version control's."""
        if stop():
            raise Stopped
        parts = path.split("/")
        if path.startswith(("/", "..")) or any(part in OUT or part in _TREES for part in parts) or self._secret(path):
            return
        if any(within(path, tree) for tree in listing.trees):
            return
        full = os.path.join(self._root, path)
        try:
            info = os.lstat(full)
            if os.path.realpath(full) != full:
                return
            inside = sorted(os.listdir(full)) if stat.S_ISDIR(info.st_mode) else []
        except OSError:
            return
        for inner in inside if len(listing.files) <= self._max_files else ():
            self._bring(listing, posixpath.normpath(f"{path}/{inner}"), stop)
        if stat.S_ISREG(info.st_mode) and path not in listing.files:
            listing.files[path] = signature(info)
            listing.brought.add(path)
            for count in range(1, len(parts)):
                folder = "/".join(parts[:count])
                listing.dirs.setdefault(folder, os.lstat(os.path.join(self._root, folder)).st_mode)

    def _directory(
        self,
        listing: Listing,
        stack: list[tuple[str, tuple[Rule, ...], bool]],
        relative: str,
        name: str,
        mode: int,
        rules: tuple[Rule, ...],
        only_tracked: bool,
    ) -> None:
        tracked = relative in self._tracked_dirs
        ignored = only_tracked or self._ignored(relative + "/", rules)
        if not tracked and (name in _TREES or os.path.lexists(os.path.join(self._root, relative, "pyvenv.cfg"))):
            listing.trees.append(relative)
        elif not ignored:
            listing.dirs[relative] = mode
            stack.append((relative, rules, False))
        elif tracked:
            listing.dirs[relative] = mode
            stack.append((relative, rules, True))
        elif name.endswith(".egg-info"):
            # Entry points of an editable install.
            listing.dirs[relative] = mode
            stack.append((relative, (), False))

    def _wanted(self, relative: str, name: str, rules: tuple[Rule, ...], only_tracked: bool) -> bool:
        if only_tracked:
            return relative in self._tracked
        if not self._ignored(relative, rules):
            return True
        return relative in self._tracked or name.endswith(_GENERATED_ENDS)

    def _ignored(self, key: str, rules: tuple[Rule, ...]) -> bool:
        """As git decides: the innermost file that says something wins. `key` of a directory ends with a slash."""
        known = self._verdicts.get(key)
        if known is not None:
            return known
        verdict = False
        for cut, prefix, spec in reversed(rules):
            said = spec.decide(prefix + key[cut:].removesuffix("/"), key.endswith("/"))
            if said is not None:
                verdict = said
                break
        self._verdicts[key] = verdict
        return verdict

    def _outer_rules(self) -> tuple[Rule, ...]:
        """Rules from outside the root: the person's global ones, .git/info/exclude, and those of folders above."""
        rules: list[Rule] = []
        top, above = self._root, ""
        for _ in range(64):
            if os.path.lexists(os.path.join(top, ".git")):
                break
            parent = os.path.dirname(top)
            if parent == top:
                top = ""
                break
            above = f"{os.path.basename(top)}/{above}"
            top = parent
        sources = [(os.path.join(self._home, ".config", "git", "ignore"), above if top else "")]
        if top:
            folder = git_folder(top)
            if folder is not None:
                sources.append((os.path.join(folder, "info", "exclude"), above))
                self._read_index(os.path.join(folder, "index"), above)
            at, rest = top, above
            while rest:
                sources.append((os.path.join(at, ".gitignore"), rest))
                first, _, rest = rest.partition("/")
                at = os.path.join(at, first)
        for path, prefix in sources:
            spec = self._spec(path, "")
            if spec is not None:
                rules.append((0, prefix, spec))
        return tuple(rules)

    def _read_index(self, index: str, above: str) -> None:
        try:
            sig = signature(os.stat(index))
        except OSError:
            return
        if sig == self._index_sig:
            return
        paths = tracked_paths(index)
        if above:
            paths = frozenset(path[len(above) :] for path in paths if path.startswith(above))
        dirs: set[str] = set()
        for path in paths:
            folder = path.rpartition("/")[0]
            while folder and folder not in dirs:
                dirs.add(folder)
                folder = folder.rpartition("/")[0]
        self._tracked, self._tracked_dirs, self._index_sig = paths, frozenset(dirs), sig

    def _spec(self, path: str, scope: str) -> IgnoreRules | None:
        """The rules of one ignore file; a changed one takes back the decisions made below `scope`."""
        try:
            sig = signature(os.lstat(path))
        except OSError:
            sig = None
        if sig is None or not stat.S_ISREG(sig[0]) or sig[1] > _MAX_RULES_BYTES:
            if self._rules_seen.pop(path, None) is not None:
                self._specs.pop(path, None)
                self._forget(scope)
            return None
        if self._rules_seen.get(path) != sig:
            data = read_regular(path, _MAX_RULES_BYTES)
            if data is None:
                return None
            lines = data.decode("utf-8", "surrogateescape").splitlines()
            self._specs[path] = IgnoreRules(lines)
            self._rules_seen[path] = sig
            self._forget(scope)
        return self._specs[path]

    def _forget(self, scope: str) -> None:
        self._verdicts = {key: value for key, value in self._verdicts.items() if not key.startswith(scope)}

    def _too_big(self, listing: Listing) -> SandboxError:
        weight: dict[str, int] = {}
        for relative, sig in listing.files.items():
            top = relative.split("/")[0]
            weight[top] = weight.get(top, 0) + 1 + (sig[1] >> 14)
        heaviest = max(weight, key=lambda name: weight[name]) if weight else ""
        return SandboxError(
            f"The workspace is too big to copy for a test run: more than {self._max_files} files or {self._max_bytes >> 20} MB.",
            f"Most of it lies in {heaviest!r}: put it into .gitignore if the tests do not need it, or open a smaller folder.",
        )


def _dropping(name: str) -> bool:
    """Editors' lock, swap and backup files: they come and go while the person types, and are no part of the code."""
    return (
        name.startswith(".#")
        or name.endswith("~")
        or name == "4913"
        or (name[0] == "#" and name[-1] == "#")
        or (name[0] == "." and name.endswith((".swp", ".swo", ".swx")))
    )
