"""Measures ralphd: each row stands beside a peer or a floor of the same run, for times on a shared machine mean little.

    python bench/run.py [--only NAME…] [--json]

NAME: startup, latency, loop, cancel, shadow, host; and vscode, scale, kills and reach, which are measured only where they
are named. The exit code is 0 also where an aim is missed: a bench tells, it does not judge. Linux only.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MEASURES = ("startup", "latency", "loop", "cancel", "shadow", "host")
ON_REQUEST = ("vscode", "scale", "kills", "reach")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--only",
        nargs="+",
        choices=MEASURES + ON_REQUEST,
        default=MEASURES,
        metavar="NAME",
        help=", ".join(MEASURES + ON_REQUEST),
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not sys.platform.startswith("linux"):
        print("bench reads /proc and runs on Linux only.", file=sys.stderr)
        return 2
    sys.path[:1] = [str(ROOT), str(ROOT / "server")]  # in place of bench/, whose names are not top-level modules
    before, began = os.times(), time.monotonic()
    rows = []
    for name in MEASURES + ON_REQUEST:
        if name in options.only:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows += importlib.import_module(f"bench.{name}_rows" if name == "shadow" else f"bench.{name}").measure()
    after = os.times()
    spent = sum(after[:4]) - sum(before[:4])
    machine = {
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "wall_s": round(time.monotonic() - began),
        "cpu_s": round(spent),
    }
    if options.json:
        listed = [{**asdict(row), "ratio": round(row.ratio, 4), "met": row.met} for row in rows]
        print(json.dumps({"machine": machine, "rows": listed}, indent=1))
        return 0
    table = [("measure", "ours", "peer", "ratio", "aim", "", "against")]
    for row in rows:
        aims = ([f"x{row.aim:g}"] if row.aim is not None else []) + (
            [f"{row.ceiling:g} {row.unit}"] if row.ceiling is not None else []
        )
        said = {True: "met", False: "MISSED", None: ""}[row.met]
        table.append(
            (
                row.measure,
                f"{row.ours:.4g} {row.unit}",
                f"{row.peer:.4g} {row.unit}",
                f"x{row.ratio:.3g}",
                ", ".join(aims),
                said,
                row.against,
            )
        )
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    print(f"\n{machine['cpus']} CPUs, load {machine['load']}, {machine['wall_s']} s, {machine['cpu_s']} s of CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main())
