"""Which program a test command starts: looked for as the sandbox does, in the workspace's own folders of programs first."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

PROGRAM_FOLDERS = (".venv/bin", "venv/bin", "node_modules/.bin")
"""Relative to the workspace; they come before the person's own PATH in a test run."""


def program_at(root: str, word: str, environ: Mapping[str, str]) -> str:
    """Absolute path of the program that the command's first word starts in the workspace `root`; empty if none is found."""
    if "/" in word:
        path = os.path.normpath(os.path.join(root, word))
        return path if os.path.isfile(path) else ""
    own = [os.path.join(root, folder) for folder in PROGRAM_FOLDERS]
    inherited = [part for part in environ.get("PATH", "").split(os.pathsep) if os.path.isabs(part)]
    return shutil.which(word, path=os.pathsep.join([*own, *inherited])) or ""
