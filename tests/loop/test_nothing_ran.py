"""A baseline that could run nothing ends the run before a model is asked, with the command's words and the mend."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ralphd.core.mends import OPEN_COMMAND
from tests.support.kinds_of_projects import JS_RIGHT, PY_RIGHT, PY_TODO
from tests.support.projects import PYTEST, write
from tests.support.service import drive

PY = {"pyproject.toml": "", "calc.py": PY_TODO, "tests/test_calc.py": "from calc import double\n\ndef test_a():\n    assert double(2) == 4\n"}  # fmt: skip
SRC = {
    "pyproject.toml": "",
    "src/app/calc.py": PY_TODO,
    "tests/test_a.py": "from app.calc import double\n\ndef test_a():\n    assert double(2) == 4\n",
}
JS = {"package.json": json.dumps({"name": "n", "scripts": {"test": "vitest run", "none": "exit 1"}}), "calc.js": "function double(x) {\n  throw 1;\n}\n"}  # fmt: skip
ROWS = {
    "no such path": (PY, "calc.py", [*PYTEST, "tset"], ("tset", "testing.command")),
    "module of the environment": ({**PY, "tests/test_calc.py": "import no_such_library_at_all\n" + PY["tests/test_calc.py"]}, "calc.py", list(PYTEST), ("'no_such_library_at_all'", "pip install")),
    "src layout not installed": (SRC, "src/app/calc.py", list(PYTEST), ("'app'", "pip install -e .")),
    "broken conftest": ({**PY, "conftest.py": "import (\n"}, "calc.py", list(PYTEST), ("SyntaxError",)),
    "unknown option": (PY, "calc.py", [*PYTEST, "--no-such-option"], ("--no-such-option",)),
    "module of python": (PY, "calc.py", ["python", "-m", "no_such_runner"], ("'no_such_runner'",)),
    "no program": (PY, "calc.py", ["no-such-program", "x"], ("'no-such-program'", "testing.command")),
    "no rule": ({**PY, "Makefile": "all:\n\ttrue\n"}, "calc.py", ["make", "test"], ("'test'", "Makefile")),
    "no node_modules": (JS, "calc.js", ["npm", "test"], ("'vitest'", "npm install")),
    "no script": (JS, "calc.js", ["npm", "run", "tset"], ("'tset'",)),
    "npx fetches": (JS, "calc.js", ["npx", "--yes", "vitest"], ("registry", "npm install")),
}  # fmt: skip
ORDINARY = "src layout not installed"


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n == ORDINARY else pytest.mark.full) for n in ROWS])
async def test_no_model_is_asked(name: str, tmp_path: Path) -> None:
    files, path, argv, words = ROWS[name]
    write(tmp_path, files)
    answer = PY_RIGHT if path.endswith(".py") else JS_RIGHT
    run = await drive(tmp_path, {"artisan": [answer]}, path=path, argv=argv, instruction="Double it.")
    reason = run.result.reason
    assert (run.result.outcome, run.gateway.requests) == ("misconfigured", []), reason
    assert all(word in reason for word in words) and "\n    " in reason, reason
    assert run.result.mends[0] == OPEN_COMMAND


@pytest.mark.parametrize(
    ("ends", "said", "setting"),
    [
        ("kept = b'x' * (900 << 20); time.sleep(60)", "more than 512 MB of memory", "sandbox.memory_mb"),
        ("os.kill(os.getpid(), 9)", "killed from outside", None),
    ],
)
async def test_a_baseline_that_was_cut_short_costs_nothing(
    ends: str, said: str, setting: str | None, tmp_path: Path
) -> None:
    """Whoever killed it, a run without its end says nothing about what is to be written."""
    write(tmp_path, {**PY, "tests/test_b.py": f"import os, time\n\ndef test_b():\n    {ends}\n"})
    config = {"sandbox": {"memory_mb": 512}}
    run = await drive(tmp_path, {"artisan": [PY_RIGHT]}, path="calc.py", instruction="Double it.", config=config)
    assert (run.result.outcome, run.gateway.requests) == ("misconfigured", []), run.result.reason
    assert said in run.result.reason
    opened = [mend.setting for mend in run.result.mends if mend.kind == "openSetting"]
    assert opened == ([setting] if setting else [])
