"""How this program starts itself: with the interpreter that runs it, and without the working folder on its import path.

The working folder is often a repository, and a repository may hold a module of any name.
"""

from __future__ import annotations

import sys


def own_command(*words: str) -> list[str]:
    """`ralphd` with the arguments `words`."""
    return [sys.executable, "-P", "-m", "ralphd", *words]
