"""What it costs to measure which tests reach the target's file: the baseline with and without it, by the clock.

Each project spends its time in what a trace is dearest for: calls of small functions, in the target's file and beside it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.measuring import PYTEST, Row, median, scratch

from ralphd.app import build_service
from ralphd.core.run import RunRequest
from ralphd.judging.workbench import EVERYTHING, Asked
from ralphd.models.scripted import ScriptedGateway
from ralphd.settings.schema import Settings

ROUNDS = 5
CALLS = 300_000


@dataclass(frozen=True)
class Project:
    name: str
    argv: tuple[str, ...]
    target: str
    files: Mapping[str, str]


_PY_TESTS = "import other\nimport target\n\n\n" + "\n\n".join(
    f"def test_{n}():\n    assert sum({'target' if n % 2 else 'other'}.one(x) for x in range({CALLS})) == {CALLS}"
    for n in range(6)
)
_ONE_JS = "function one(x) {\n  return x - x + 1;\n}\n\nmodule.exports = { one };\n"
_JS_TESTS = (
    "const { test } = require('node:test');\nconst assert = require('node:assert');\n"
    "const { one } = require('./%s.js');\n\nfor (let n = 0; n < 4; n++) {\n  test(`test ${n}`, () => {\n"
    "    let sum = 0;\n    for (let x = 0; x < 40_000_000; x++) sum += one(x);\n    assert.equal(sum, 40_000_000);\n  });\n}\n"
)
_GO_TESTS = (
    'package %s\n\nimport "testing"\n\nfunc TestSum(t *testing.T) {\n\tsum := 0\n'
    "\tfor x := 0; x < 400000000; x++ {\n\t\tsum += One(x)\n\t}\n\tif sum != 400000000 {\n\t\tt.Fatal(sum)\n\t}\n}\n"
)
_ONE_GO = "package %s\n\nfunc One(x int) int {\n\treturn x - x + 1\n}\n"
PROJECTS = (
    Project(
        "pytest",
        PYTEST,
        "target.py",
        {**{f"{name}.py": "def one(x):\n    return 1\n" for name in ("target", "other")}, "test_both.py": _PY_TESTS},
    ),
    Project(
        "node --test",
        ("node", "--test"),
        "target.js",
        {
            **{f"{name}.js": _ONE_JS for name in ("target", "other")},
            **{f"{name}.test.js": _JS_TESTS % name for name in ("target", "other")},
            "package.json": "{}",
        },
    ),
    Project(
        "go test",
        ("go", "test", "-count=1", "./..."),
        "target/target.go",
        {
            "go.mod": "module bench\n\ngo 1.18\n",
            **{f"{name}/{name}.go": _ONE_GO % name for name in ("target", "other")},
            **{f"{name}/{name}_test.go": _GO_TESTS % name for name in ("target", "other")},
        },
    ),
)


async def _times(project: Project, root: Path) -> dict[bool, list[float]]:
    """Seconds of whole test runs, by whether reach was measured; one of each kind before them fills the caches."""
    for path, text in project.files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    text = project.files[project.target]
    request = RunRequest("run-1", "implement", str(root), project.target, text, None, "")
    service = build_service(dict(os.environ), scripted=ScriptedGateway({}))
    took: dict[bool, list[float]] = {True: [], False: []}
    try:
        async with service.benches.open(request, Settings(), project.argv) as bench:
            for round_ in range(ROUNDS + 1):
                for measured in (False, True):
                    began = time.monotonic()
                    run = await bench.run(Asked(reach_of=project.target) if measured else EVERYTHING)
                    if run.exit_code != 0:
                        raise SystemExit(f"{project.name}: {run.output[-2000:]}")
                    if round_:
                        took[measured].append(time.monotonic() - began)
    finally:
        await service.close()
    return took


def measure() -> list[Row]:
    rows = []
    for project in PROJECTS:
        if shutil.which(project.argv[0]) is None and project.argv[0] != "python":
            continue
        with scratch() as (base, env):
            os.environ.update({name: value for name, value in env.items() if name.startswith("XDG_") or name == "PATH"})
            took = asyncio.run(_times(project, base / "w"))
        ours, plain = median(took[True]), median(took[False])
        rows.append(Row(f"baseline with reach measured, {project.name}", ours, plain, "s", "the same without", aim=1.2))
    return rows
