"""How long tests wait. A limit here is reached only by what hangs; a slow or busy machine scales it by
`PYTEST_TIMEOUT_SCALE` (1 where it is not set)."""

from __future__ import annotations

import os

SCALE = float(os.environ.get("PYTEST_TIMEOUT_SCALE", "1"))


def seconds(limit: float) -> float:
    """`limit` seconds on a quiet machine, as many times more as the person who runs the tests says."""
    return limit * SCALE
