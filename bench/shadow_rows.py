"""`bench/shadow.py` as rows of the table: a refresh after one changed file among 20,000, beside a walk over them."""

from __future__ import annotations

import asyncio

from bench import shadow
from bench.measuring import Row, median, scratch

FILES, ROUNDS = 20_000, 3


def measure() -> list[Row]:
    with scratch() as (base, _):
        times = asyncio.run(shadow.measure(base, FILES, ROUNDS))
    walk = median(times["os.walk + lstat"])
    rows = []
    for name in ("idle", "after a run"):
        rows.append(
            Row(
                f"shadow refresh, 1 of 20,000 files changed, {name}",
                median(times[name]),
                walk,
                "s",
                "os.walk + lstat of the tree",
                ceiling=shadow.AIM_S,
            )
        )
    return rows
