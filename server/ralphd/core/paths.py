"""Comparing paths by their components. The only place in the tree that decides whether a path lies in a folder."""

from __future__ import annotations

import os


def within(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies below it. Whole components are compared: `/ws2` is not in `/ws`.

    Both paths are taken as they are written: the caller resolves links and `..` first, where those matter.
    """
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
