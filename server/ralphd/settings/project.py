"""What makes a folder a project, and what the configuration file in it is called. Imports nothing that takes time."""

from __future__ import annotations

import os

CONFIG_NAME = "ralph.config.yaml"
PROJECT_MARKERS = (".git", CONFIG_NAME, "pyproject.toml", "package.json", "go.mod", "Cargo.toml", "setup.py")


def nearest_project(path: str) -> str | None:
    """The nearest folder above the file `path` that holds one of `PROJECT_MARKERS`; None where there is none.

    Reads the disk: one look-up per marker and folder.
    """
    folder = os.path.dirname(path)
    while not any(os.path.exists(os.path.join(folder, marker)) for marker in PROJECT_MARKERS):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder
