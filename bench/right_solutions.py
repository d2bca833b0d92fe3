"""How the product ends on right solutions: a public set of tasks, each with its canonical solution as the model's answer.

    python bench/right_solutions.py FOLDER [--every N] [--from K] [--control auto|first|off] [--kept FILE]

FOLDER holds `humaneval-plus.jsonl.gz` and `humanevalpack-python.jsonl.gz`; their SHA-256 are checked, so that two tables
can be compared. A task's tests are its visible examples: those of its docstring, run as doctests where they hold for the
canonical solution, and `example_test`, else the first inputs of the set. None may be turned red, and at most 2 % may be
flagged as suspect. With `--kept` each ending is added to FILE as a line of JSON, and a task that stands there is not run
again: a run of an hour goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.public_sets import Row, example_module, examples_hold, rows, stub
from tests.support.projects import write
from tests.support.service import drive

MOST_FLAGGED = 0.02


def tasks(folder: Path) -> list[tuple[Row, Row]]:
    """Each task of the first set with the same one of the second."""
    return list(zip(rows(folder, "humaneval"), rows(folder, "python"), strict=True))


def project(task: Row, twin: Row) -> tuple[dict[str, str], tuple[str, ...], str]:
    """The files of a task's project, its test command and the right answer."""
    entry, solution = task["entry_point"], task["prompt"] + task["canonical_solution"]
    space: dict[str, Any] = {"__name__": "solution"}
    exec(solution, space)
    argv = ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    if examples_hold(space[entry], entry, space):
        argv.append("--doctest-modules")
    files = {"solution.py": stub(task), "test_solution.py": example_module(task, twin, space)}
    return files, tuple(argv), f"solution.py\n```python\n{solution}\n```\n"


async def ended(task: Row, twin: Row, control: str) -> tuple[str, str]:
    files, argv, answer = project(task, twin)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "project", files)
        for kind in ("CONFIG", "STATE", "CACHE"):
            os.environ[f"XDG_{kind}_HOME"] = str(Path(folder) / kind.lower())
        run = await drive(
            Path(folder) / "project",
            {"artisan": [answer, answer]},
            path="solution.py",
            argv=argv,
            instruction=f"Implement {task['entry_point']}.",
            config={"loop": {"max_iterations": 1}, "testing": {"control": control}},
        )
    return run.result.outcome, run.result.reason


def kept(path: Path | None) -> dict[str, tuple[str, str]]:
    """The endings that an earlier run wrote: outcome and reason by the task's id."""
    if path is None or not path.exists():
        return {}
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {name: (outcome, reason) for name, outcome, reason in rows}


async def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--control", choices=("auto", "first", "off"), default="auto")
    parser.add_argument("--kept", type=Path)
    given = parser.parse_args()
    known = kept(given.kept)
    counts: Counter[str] = Counter()
    for task, twin in tasks(given.folder)[given.first :: given.every]:
        name = task["task_id"]
        if name not in known:
            known[name] = await ended(task, twin, given.control)
            if given.kept:
                with given.kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([name, *known[name]]) + "\n")
        outcome, reason = known[name]
        counts[outcome] += 1
        print(f"{name}: {outcome}" + ("" if outcome == "proposed" else f": {reason}"), flush=True)
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.most_common()))
    red = (
        sum(count for outcome, count in counts.items() if not outcome.startswith("proposed"))
        + counts["proposed_failing"]
    )
    return int(red > 0 or counts["proposed_suspect"] > MOST_FLAGGED * counts.total())


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
