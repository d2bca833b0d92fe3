"""Fills the index of one workspace and keeps its graph, in a process of its own at a low priority: reading a big project for
the first time takes minutes of processor time, which would make the editor's server wait for Python's lock.

    python -m ralphd.judging.index_builder DATABASE ROOT CACHE HOME

It ends with the server that started it; what it has written by then is kept.
"""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from ralphd.context.project_index import ProjectIndex
from ralphd.core.own_program import ending_with_us
from ralphd.core.paths import within
from ralphd.core.priority import step_back
from ralphd.errors import SandboxError
from ralphd.judging.workspace_files import SnapshotTree
from ralphd.sandbox.selection import Selection

MAX_FILES = 200_000
MAX_BYTES = 4 << 30


async def build(database: Path, root: str, cache: Path, environ: Mapping[str, str]) -> int:
    """Runs the builder to its end; killed where this is cancelled. Returns its exit code."""
    words = (str(database), root, str(cache), environ.get("HOME", "/"))
    process = await asyncio.create_subprocess_exec(
        *ending_with_us("ralphd.judging.index_builder", *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=cache,
        env=dict(environ),
        start_new_session=True,  # Ctrl-C in a terminal is for the server
    )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def main(database: str, root: str, cache: str, home: str) -> int:
    step_back(10)  # not 19: a process that gets no turn on a busy machine cannot die at once either
    root = os.path.realpath(root)
    left_out = frozenset({os.path.relpath(cache, root)} if within(cache, root) else ())
    selection = Selection(root, home=home, max_files=MAX_FILES, max_bytes=MAX_BYTES, leave_out=left_out)
    try:
        listing = selection.scan(lambda: False)
    except SandboxError:
        return 1
    signatures = {p: s for p, s in listing.files.items() if stat.S_ISREG(s[0])}
    ProjectIndex(Path(database)).graph(root, SnapshotTree(root, sorted(signatures), {}), signatures)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
