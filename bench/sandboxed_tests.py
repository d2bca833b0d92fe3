"""Test runs of a benchmark that no run of the product sees, in the same sandbox."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from ralphd.judging.workbench import Tester
from ralphd.sandbox.environment import sandbox_environment
from ralphd.sandbox.isolation import detect
from ralphd.sandbox.shadow import ShadowPool
from ralphd.settings.schema import Settings


@asynccontextmanager
async def tester(root: Path, scratch: Path, argv: Sequence[str], timeout_s: float) -> AsyncIterator[Tester]:
    """Runs `argv` on shadow copies of `root`. `scratch`: a folder for these and for the reports."""
    settings = Settings().sandbox
    isolation = await detect(settings.mode)
    environment = sandbox_environment(os.environ)
    pool = ShadowPool(str(root), str(scratch / "apart"), settings, isolation, environment=environment)
    try:
        async with (
            pool.lease() as shadow,
            Tester(
                shadow,
                lease=pool.lease,
                root=str(root),
                argv=argv,
                buffers={},
                timeout_s=timeout_s,
                sandbox=isolation.kind,
                report_root=scratch / "reports",
            ) as made,
        ):
            yield made
    finally:
        await pool.close()
