"""Failures that only the test copy has: git, an ignored file, the network or a server of this machine is not in it.

Such a test says nothing about the code, so it does not count. It is told by what its failure names. Where the person's
own last run of the tests is on record (pytest keeps one), a test that failed there as well is none of these.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from ralphd.core import foreign_json
from ralphd.core.mends import Mend
from ralphd.judging.failures import told
from ralphd.judging.infrastructure import wants_network
from ralphd.judging.reports import TestCase
from ralphd.judging.verdict import TestRun, frames_in
from ralphd.sandbox.reading import read_beneath

Lack = Literal["git", "file", "network", "server"]
_RECORD_BYTES = 8 << 20


@dataclass(frozen=True)
class Apart:
    """Tests that do not count, for one reason. `tests`: their ids; `named`: the file, or what the server is known by."""

    tests: tuple[str, ...]
    lack: Lack
    named: str = ""
    whole: tuple[str, ...] = ()
    """Files of which no test counts."""

    @property
    def sentence(self) -> str:
        shown, one = self._shown()
        verb, end = ("needs", "it does not count") if one else ("need", "they do not count")
        if self.lack == "file":
            reads = "reads" if one else "read"
            return (
                f"{shown} {reads} {self.named}, which is ignored and so not in the copy: {end}. "
                f"`testing: {{include: [{self.named}]}}` in your own configuration brings it in."
            )
        if self.lack == "git":
            mend = " `testing: {git: true}` gives test runs a git that shows HEAD and nothing else."
            return f"{shown} {verb} git, which the copy does not have: {end}.{mend}"
        what = "the network" if self.lack == "network" else f"a server of this machine ({self.named})"
        return f"{shown} {verb} {what}, which test runs do not have: {end}."

    def _shown(self) -> tuple[str, bool]:
        """What does not count, and whether that is one thing: a file of which no test counts, else the tests."""
        names = dict.fromkeys(test.split("::")[0] if test.split("::")[0] in self.whole else test for test in self.tests)
        parts = [f"`{name}`" for name in names]
        more = f" and {len(parts) - 3} more" if len(parts) > 3 else ""
        return ", ".join(parts[:3]) + more, len(parts) == 1

    @property
    def mend(self) -> Mend | None:
        setting = {"git": "testing.git", "file": "testing.include", "network": "sandbox.network"}.get(self.lack)
        return Mend("openSetting", setting) if setting else None


_GIT = re.compile(
    r"not a git repository|InvalidGitRepositoryError|NotGitRepository|setuptools[-_]scm was unable to detect version"
    r"|access to an upstream git repository|\bin a git repository\b|find (?:a )?git (?:root|repository)|could not find repository"
    r"|Repository not found at|repository does not exist|\b0\+unknown\b"
    r"|Command '?\[?'?git\b[^\n]{0,300}returned non-zero|Command failed: git \w"
    r"|No such file or directory[^\n]{0,40}['\"][^'\"\n]{0,500}\.git(?:/[^'\"\n]{0,200})?['\"]"
    r"|(?:open|stat|lstat) \S{0,500}?\.git(?:/\S{0,200})?: no such file|\.git(?:/[\w./-]{0,200})?['\"]\)\.(?:exists|is_dir|is_file)\b"
    r"|function (?:exists|isdir|isfile)[^\n]{0,60}\(['\"][^'\"\n]{0,500}\.git(?:/[^'\"\n]{0,200})?['\"]",
    re.IGNORECASE,
)
_MISSING = re.compile(
    r"no such file|nosuchfile|file ?not ?found|enoent|cannot (?:find|open|load)|could not (?:find|open|read)"
    r"|failed to (?:load|open|resolve|read)|unable to (?:open|load|read)|does (?:n[o']t|the file) exist",
    re.IGNORECASE,
)
"""What a line says that misses a file. An assertion that a file exists is about what the code under test was to write."""
_NAMED = re.compile(
    r"['\"(\[ ]((?:\.{0,2}/)?[\w@.-][^\s'\"()\[\],;]{0,500})|^((?:\.{0,2}/)?[\w@.-][^\s'\"()\[\],;:]{0,500}):|(\.{1,2}/[^\s'\"]{1,500})"
)
"""What may be a path in such a line."""
_LIKE_A_PATH = re.compile(r"\w[./]")
_MOST_NAMED, _MOST_LINES, _LONGEST_LINE = 200, 2000, 2000
_INSTALLED = frozenset(
    {"node_modules", ".venv", "venv", "site-packages", "__pycache__", ".git", ".pytest_cache", ".tox", ".nox"}
)
_NO_MODULE = re.compile(r"No module named '([\w.]{1,300})'|cannot import name '(\w{1,200})' from '([\w.]{1,300})'")
_SERVER = re.compile(
    r"[^\n]{0,200}?(?:Connection refused|ECONNREFUSED|ConnectionRefusedError|connect to (?:the |local )?\w{0,20} ?server|Can't connect to"
    r"|connection to server (?:at|on)|NoBrokersAvailable|DockerException|Docker daemon|no display name|open display"
    r"|Failed to connect to socket)[^\n]{0,120}|[^\n]{0,80}?/(?:var/)?run/[\w./-]{1,100}(?:\.sock|socket)\b",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"[\w.-]{1,100}:\d{2,5}\b|/(?:var/)?run/[\w./-]{1,100}(?:\.sock|socket|\.PGSQL\.\d+)|port \d{2,5}|Docker|display",
    re.IGNORECASE,
)


def apart(
    run: TestRun,
    root: str,
    folder: str,
    paths: Collection[str],
    target: str,
    failed_before: Callable[[str], bool | None],
) -> list[Apart]:
    """Of the baseline `run` in `folder` of the workspace `root`, whose copy holds `paths`. Looks at the disk.

    A connection that fails inside `target` is the target's to deal with, so such a test counts. `failed_before`: whether a test failed in the person's own last run; None where that is not known.
    """
    known = set(paths)
    found: dict[tuple[Lack, str], list[str]] = {}
    has_git = _above(root, ".git")
    for case in run.bad:
        lack = _lack(case, root, folder, known, has_git)
        if lack is not None and lack[0] in ("network", "server") and target in frames_in(run, case.nodeid, root):
            continue
        if lack is not None and failed_before(case.nodeid) is not True:
            found.setdefault(lack, []).append(case.nodeid)
    all_apart = {test for tests in found.values() for test in tests}
    counting = {name.split("::")[0] for name in run.cases if name not in all_apart}
    return [
        Apart(tuple(tests), lack, named, tuple(sorted({test.split("::")[0] for test in tests} - counting)))
        for (lack, named), tests in found.items()
    ]


def _lack(case: TestCase, root: str, folder: str, known: set[str], has_git: bool) -> tuple[Lack, str] | None:
    text = told(case.detail, root)
    if path := _ignored_file(text, case.nodeid, root, folder, known):
        return "file", path
    if has_git and _GIT.search(text):
        return "git", ""
    if wants_network(text):
        return "network", ""
    if found := _SERVER.search(text):
        place = _PLACE.search(found[0])
        return "server", place[0] if place else "it refused the connection"
    return None


def _ignored_file(text: str, nodeid: str, root: str, folder: str, known: set[str]) -> str | None:
    """The file of the workspace, as seen from the run's folder, that a failure misses and that is on the disk only."""
    here = posixpath.dirname(nodeid.split("::")[0])
    for name in filter(_LIKE_A_PATH.search, islice(dict.fromkeys(_named_in(text)), _MOST_NAMED)):
        for base in dict.fromkeys((here, folder, "")):
            path = posixpath.normpath(posixpath.join(base, name.rstrip(".:")))
            if found := _only_on_disk(path, root, known):
                return posixpath.relpath(found, folder or ".")
    for match in _NO_MODULE.finditer(text):
        module = match[1] or f"{match[3]}.{match[2]}"
        head, _, last = module.replace(".", "/").rpartition("/")
        folders = {posixpath.dirname(path) for path in known} if head else {"", "src", folder, here}
        for base in sorted(base for base in folders if not head or f"/{base}".endswith(f"/{head}")):
            if found := _module_on_disk(posixpath.join(base, last), root, known):
                return posixpath.relpath(found, folder or ".")
    return None


def _named_in(text: str) -> Iterator[str]:
    """What may be paths in the lines that miss a file."""
    for line in text.split("\n")[-_MOST_LINES:]:
        if _MISSING.search(line[:_LONGEST_LINE]):
            yield from (name for match in _NAMED.finditer(line[:_LONGEST_LINE]) for name in match.groups() if name)


def _module_on_disk(stem: str, root: str, known: set[str]) -> str | None:
    """A module or a package that is ignored; also one that was compiled in place (`_fast.cpython-311-x86_64-linux-gnu.so`)."""
    if found := _only_on_disk(f"{stem}.py", root, known):
        return found
    folder, last = posixpath.split(stem)
    try:
        names = sorted(os.listdir(os.path.join(root, folder)))
    except OSError:
        return None
    built = (name for name in names if re.fullmatch(re.escape(last) + r"(?:\.[\w-]+)?\.(?:so|pyd)", name))
    return next(
        (found for name in (*built, last) if (found := _only_on_disk(posixpath.join(folder, name), root, known))), None
    )


def _only_on_disk(path: str, root: str, known: set[str]) -> str | None:
    if path.startswith(("/", "..")) or _INSTALLED & set(path.split("/")) or path in known:
        return None
    ends = ("", ".js", ".json", ".ts")
    found = next((path + end for end in ends if os.path.isfile(os.path.join(root, path + end))), None)
    if found is None and os.path.isdir(os.path.join(root, path)) and not any(p.startswith(f"{path}/") for p in known):
        found = path
    return found if found is not None and found not in known else None


def _above(folder: str, name: str) -> bool:
    while not os.path.lexists(os.path.join(folder, name)):
        if folder == os.path.dirname(folder):
            return False
        folder = os.path.dirname(folder)
    return True


def last_result(root: str, folder: str) -> Callable[[str], bool | None]:
    """The person's own last run of pytest, from the cache that it left where it found its root. Blocks on the disk."""
    results: dict[str, bool] = {}
    while True:
        cache = posixpath.join(folder, ".pytest_cache", "v", "cache")
        ran, failed = _read(root, f"{cache}/nodeids"), _read(root, f"{cache}/lastfailed")
        for name in (*(ran if isinstance(ran, Sequence) else ()), *(failed if isinstance(failed, Mapping) else ())):
            bad = isinstance(failed, Mapping) and (name in failed or str(name).split("::")[0] in failed)
            results.setdefault(posixpath.normpath(posixpath.join(folder, str(name))), bad)
        if not folder:
            return results.get
        folder = posixpath.dirname(folder)


def _read(root: str, path: str) -> object:
    try:
        return foreign_json.parse(read_beneath(root, path, _RECORD_BYTES) or b"null")
    except (OSError, ValueError, RecursionError):
        return None
