"""Old journals, reports and test copies are removed by themselves: once a day, in the background of whatever starts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from ralphd import state
from ralphd.state import Folders

log = logging.getLogger("ralphd")


def clean(folders: Folders) -> tuple[int, int, int]:
    """Remove what is old now: (journals and reports removed, their bytes, test copies removed)."""
    from ralphd.sandbox.slots import reclaim

    removed, freed = state.clean(folders)
    return removed, freed, reclaim(str(folders.cache))


def begin(environ: Mapping[str, str], *, after_s: float) -> None:
    """Start the daily cleaning in a thread that ends with the process, `after_s` from now."""
    folders = Folders.of(environ)

    def work() -> None:
        try:
            if state.is_due(folders):
                log.info("cleaned: %d files, %d bytes, %d test copies", *clean(folders))
        except Exception:
            log.exception("cleaning")

    timer = threading.Timer(after_s, work)
    timer.daemon = True
    timer.start()
