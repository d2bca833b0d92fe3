"""What a process remembers has an end."""

from __future__ import annotations

import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ralphd.core.latest import Latest
from ralphd.core.run import RunRequest
from ralphd.runs.bench import POOLS_KEPT, Benches
from ralphd.runs.survivors import Survivors
from ralphd.sandbox.shadow import ShadowPool
from ralphd.settings.schema import Settings
from ralphd.state import Folders
from tests.support.projects import DOUBLE, write


def test_the_latest_entries_stay() -> None:
    kept: Latest[str, int] = Latest(3)
    kept.update({"a": 1, "b": 2, "c": 3})
    kept["a"] = 4
    kept.setdefault("d", 5)
    assert dict(kept) == {"c": 3, "a": 4, "d": 5}
    assert kept.get("b") is None and kept.pop("c") == 3 and len(kept) == 2


async def test_each_change_of_a_setting_leaves_no_pool_behind(tmp_path: Path) -> None:
    """Not even while one of the old ones is in use, which goes on."""

    def pools() -> int:
        gc.collect()
        return sum(isinstance(one, ShadowPool) for one in gc.get_objects())

    before = pools()  # those of other tests in this process
    write(tmp_path / "project", DOUBLE)
    environ = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    benches = Benches(Folders(*(tmp_path / name for name in ("config", "state", "cache"))), environ)
    request = RunRequest("run", "implement", str(tmp_path / "project"), "double.py", "", None)

    def settings(number: int) -> Settings:
        return Settings.model_validate({"sandbox": {"mode": "none"}, "testing": {"env": [f"NAME_{number}"]}})

    async with benches.open(request, settings(0), ("true",)) as first:
        for number in range(1, 2 * POOLS_KEPT):
            async with benches.open(request, settings(number), ("true",)):
                pass
        assert (await first.run()).exit_code == 0
    assert pools() - before <= POOLS_KEPT
    assert await benches.close() == []


def test_a_mark_that_is_gone_is_remembered_nowhere(tmp_path: Path) -> None:
    """A run's mark is made by one thread and taken away by another: filelock remembers in each what was locked there."""
    survivors = Survivors(Folders(*(tmp_path / name for name in ("config", "state", "cache"))))

    def marks(count: int) -> int:
        for number in range(count):
            keeper.submit(survivors.keep, "at_work", str(tmp_path), f"run-{number}", "{}").result()
            dropper.submit(survivors.drop, "at_work", str(tmp_path), f"run-{number}").result()
        gc.collect()
        return sys.getallocatedblocks()

    with ThreadPoolExecutor(1) as keeper, ThreadPoolExecutor(1) as dropper:
        before = marks(20)
        # The least of three: other threads of this process may hold something for a moment.
        assert min(marks(200) for _ in range(3)) - before < 200, "an entry for each"
    survivors.close()
