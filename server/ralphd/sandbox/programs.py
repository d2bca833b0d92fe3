"""Where a test run finds its programs: the environments of the folder it runs in and of those above it, nearest first.

In a monorepo a member often has no `.venv` or `node_modules` of its own and uses those of the workspace's root.
"""

from __future__ import annotations

import os
import posixpath
import shutil
from collections.abc import Mapping

_PROGRAM_FOLDERS = (".venv/bin", "venv/bin", "node_modules/.bin")
"""They come before the person's own PATH in a test run."""
_VIRTUAL_ENVIRONMENTS = (".venv", "venv")


def folders_up(folder: str) -> list[str]:
    """`folder` and each folder above it up to the workspace's root, all relative to the root, which is ""."""
    found = [folder] if folder else []
    while folder:
        folder = posixpath.dirname(folder)
        found.append(folder)
    return found or [""]


def program_folders(root: str, folder: str) -> list[str]:
    """The folders of programs that a run in `folder` has, relative to `root`."""
    below = [posixpath.join(above, name) for above in folders_up(folder) for name in _PROGRAM_FOLDERS]
    return [path for path in below if os.path.isdir(os.path.join(root, path))]


def virtual_environments(root: str, folder: str) -> list[str]:
    """The Python environments that a run in `folder` has, relative to `root`; the first is the one that is switched on."""
    below = [posixpath.join(above, name) for above in folders_up(folder) for name in _VIRTUAL_ENVIRONMENTS]
    return [path for path in below if os.path.isfile(os.path.join(root, path, "pyvenv.cfg"))]


def installed_packages(root: str, folder: str) -> str:
    """The nearest `node_modules` of a run in `folder`, relative to `root`; "" where there is none."""
    below = (posixpath.join(above, "node_modules") for above in folders_up(folder))
    return next((path for path in below if os.path.isdir(os.path.join(root, path))), "")


def program_at(root: str, folder: str, word: str, environ: Mapping[str, str]) -> str:
    """Absolute path of the program that the command's first word starts in `folder` of the workspace `root`; empty if
    none is found."""
    if "/" in word:
        path = os.path.join(root, folder, word)
        # From a link the system goes up to the folder that it leads to, not to the one that it stands in.
        path = os.path.realpath(path) if ".." in word.split("/") else os.path.normpath(path)
        return path if os.path.isfile(path) else ""
    own = [os.path.join(root, path) for path in program_folders(root, folder)]
    inherited = [part for part in environ.get("PATH", "").split(os.pathsep) if os.path.isabs(part)]
    return shutil.which(word, path=os.pathsep.join([*own, *inherited])) or ""
