"""How many right solutions the suspicion rules flag: a public set of tasks with canonical solutions, nothing is run.

    python bench/suspicion.py FOLDER

FOLDER holds `humaneval-plus.jsonl.gz` and, where there, `humanevalpack-{python,js,go,rust}.jsonl.gz`.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

from ralphd.judging.suspicion import suspicions

SETS = {
    "humaneval-plus": ("prompt", "py"),
    "humanevalpack-python": ("prompt", "py"),
    "humanevalpack-js": ("prompt", "js"),
    "humanevalpack-go": ("prompt", "go"),
    "humanevalpack-rust": ("prompt", "rs"),
}


def main(folder: Path) -> int:
    total = flagged = 0
    for name, (prompt, suffix) in SETS.items():
        path = folder / f"{name}.jsonl.gz"
        if not path.exists():
            continue
        here = 0
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            tasks = [json.loads(line) for line in lines]
        for task in tasks:
            before, after = task[prompt], task[prompt] + task["canonical_solution"]
            file = f"solution.{suffix}"
            tests = [(f"test_solution.{suffix}", task.get("test", ""))]
            if found := suspicions({file: before}, {file: after}, tests):
                here += 1
                print(f"  {task['task_id']}: {'; '.join(found)}")
        total, flagged = total + len(tasks), flagged + here
        print(f"{name}: {here} of {len(tasks)} flagged ({100 * here / len(tasks):.1f} %)")
    print(f"all: {flagged} of {total}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
