"""Shadow refresh after one changed file in a tree of 20,000 files, beside the floor: walking and stat-ing that tree.

    python bench/shadow.py [--files 20000] [--rounds 7] [--json]

The aim is 600 ms. `idle` is a refresh after nothing ran in the copy, `after a run` one where the copy has to be looked
through as well. The ratio is to `os.walk` + `lstat` over the workspace, and to `rsync -a` where it is installed, in the
same process and minute; the minimum of the rounds is what the machine can do, the median what it did.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ralphd.sandbox.environment import sandbox_environment
from ralphd.sandbox.isolation import Isolation, detect
from ralphd.sandbox.shadow import ShadowPool

AIM_S = 0.6


@dataclass(frozen=True)
class Settings:
    network: bool = False
    read_only: tuple[str, ...] = ()
    memory_mb: int = 4096
    output_mb: int = 4


def make_tree(root: Path, files: int) -> None:
    """`files` small files in folders of 50, three levels deep, under the rules of a usual .gitignore."""
    (root / ".gitignore").write_text(
        "__pycache__/\n*.py[co]\n*.egg-info/\nbuild/\ndist/\n.venv/\nnode_modules/\n*.log\n.coverage\n/out\n"
    )
    for start in range(0, files, 50):
        folder = root / f"p{start // 2500:02d}" / f"q{start // 50:04d}"
        folder.mkdir(parents=True)
        for number in range(start, min(start + 50, files)):
            (folder / f"m{number:05d}.py").write_text(f"VALUE = {number}\n" * 20)


def walk(root: Path) -> None:
    for folder, _, names in os.walk(root):
        for name in names:
            os.lstat(f"{folder}/{name}")


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


async def measure(base: Path, files: int, rounds: int) -> dict[str, list[float]]:
    root = base / "workspace"
    root.mkdir()
    make_tree(root, files)
    isolation: Isolation = await detect("auto")
    pool = ShadowPool(
        str(root),
        str(base / "cache"),
        Settings(),
        isolation,
        environment=sandbox_environment(os.environ),
        allow_unisolated=True,
    )
    times: dict[str, list[float]] = {name: [] for name in ("first copy", "os.walk + lstat", "idle", "after a run")}
    changed = root / "p00" / "q0000" / "m00000.py"
    rsync = shutil.which("rsync")
    if rsync:
        times["rsync -a"] = []
        subprocess.run([rsync, "-a", f"{root}/", f"{base}/rsync"], check=True)
    async with pool.lease() as shadow:
        start = time.perf_counter()
        await shadow.refresh({})
        times["first copy"].append(time.perf_counter() - start)
        for number in range(rounds):
            times["os.walk + lstat"].append(timed(lambda: walk(root)))
            for name in ("idle", "after a run"):
                changed.write_text(f"VALUE = {number} # {name}\n")
                if name == "after a run":
                    await shadow.run(["true"], timeout_s=30)
                start = time.perf_counter()
                await shadow.refresh({})
                times[name].append(time.perf_counter() - start)
                if shadow.read("p00/q0000/m00000.py") != changed.read_bytes():
                    raise SystemExit("the copy is not what the workspace holds")
            if rsync:
                changed.write_text(f"VALUE = {number} # rsync\n")
                times["rsync -a"].append(
                    timed(lambda: subprocess.run([rsync, "-a", "--delete", f"{root}/", f"{base}/rsync"], check=True))
                )
    await pool.close()
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="ralphd-bench-"))
    try:
        times = asyncio.run(measure(base, options.files, options.rounds))
    finally:
        shutil.rmtree(base, ignore_errors=True)
    floor = statistics.median(times["os.walk + lstat"])
    rows = [(name, statistics.median(values), min(values)) for name, values in times.items()]
    if options.json:
        table = [
            {"name": name, "median_s": round(median, 4), "min_s": round(least, 4), "ratio": round(median / floor, 2)}
            for name, median, least in rows
        ]
        print(json.dumps({"files": options.files, "aim_s": AIM_S, "rows": table}))
    else:
        print(f"{options.files} files, one changed; aim {AIM_S * 1000:.0f} ms\n")
        for name, median, least in rows:
            print(f"{name:<16} median {median * 1000:7.0f} ms   min {least * 1000:7.0f} ms   x{median / floor:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
