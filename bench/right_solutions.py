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
import contextlib
import doctest
import gzip
import hashlib
import io
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.projects import write
from tests.support.service import drive

SETS = {
    "humaneval-plus.jsonl.gz": "298f79977b2663b8b8ab6b5fa50b17d6f23a92603d24f39e26203fe58c37eeda",
    "humanevalpack-python.jsonl.gz": "960b7b3838c0fafe556efab54c90c7731c6c53610c7c407ddd512e1d40cad9fc",
}
INPUTS = 4
MOST_FLAGGED = 0.02


def tasks(folder: Path) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Each task of the first set with the same one of the second."""
    found = []
    for name, digest in SETS.items():
        data = (folder / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise SystemExit(f"{name} is not the file that the published tables were made with.")
        found.append([json.loads(line) for line in gzip.decompress(data).decode().splitlines()])
    return list(zip(*found, strict=True))


def project(task: Mapping[str, Any], twin: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...], str]:
    """The files of a task's project, its test command and the right answer."""
    entry, solution = task["entry_point"], task["prompt"] + task["canonical_solution"]
    space: dict[str, Any] = {"__name__": "solution"}
    exec(solution, space)
    shown = twin["example_test"]
    if "assert" not in shown or not _compiles(shown):
        cases = [(given, space[entry](*json.loads(json.dumps(given)))) for given in task["base_input"][:INPUTS]]
        lines = [f"    assert candidate(*{given!r}) == {right!r}" for given, right in cases]
        shown = "def check(candidate):\n" + "\n".join(lines) + f"\ncheck({entry})\n"
    body, _, _ = shown.rpartition(f"check({entry})")
    names = ", ".join(name for name, value in space.items() if callable(value) and f"\ndef {name}(" in "\n" + solution)
    tests = f"from solution import {names}\n\n\n{body}\n\ndef test_examples():\n    check({entry})\n"
    argv = ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    if _examples_hold(space[entry], entry, space):
        argv.append("--doctest-modules")
    stub = f"{task['prompt'].rstrip()}\n    raise NotImplementedError\n"
    return {"solution.py": stub, "test_solution.py": tests}, tuple(argv), f"solution.py\n```python\n{solution}\n```\n"


def _compiles(text: str) -> bool:
    try:
        return bool(compile(text, "example_test", "exec"))
    except SyntaxError:
        return False


def _examples_hold(function: Any, name: str, space: dict[str, Any]) -> bool:
    try:
        tests = [t for t in doctest.DocTestFinder(recurse=False).find(function, name, globs=space) if t.examples]
    except ValueError:  # a docstring that doctest cannot read
        return False
    with contextlib.redirect_stdout(io.StringIO()):
        runner = doctest.DocTestRunner(verbose=False)
        return bool(tests) and all(runner.run(test).failed == 0 for test in tests)


async def ended(task: Mapping[str, Any], twin: Mapping[str, Any], control: str) -> tuple[str, str]:
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
