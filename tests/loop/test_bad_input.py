"""What people, models and test commands get wrong: a named outcome, a sentence to act on, and every byte as it was."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ralphd.app import build_service
from ralphd.core.run import RunRequest, RunResult
from ralphd.core.runner import Decision, Question
from ralphd.models.scripted import Reply, ScriptedGateway
from tests.support.processes import command_of
from tests.support.projects import PYTEST, code, tree, write
from tests.support.service import drive

RIGHT = code("def double(x):\n    return 2 * x")
FILES: dict[str, str | bytes] = {
    "double.py": "def double(x):\n    raise NotImplementedError\n",
    "tests/test_double.py": "from double import double\n\ndef test_it():\n    assert double(2) == 4\n",
    "conftest.py": "",
}
HOSTILE = """\
import os, pathlib, shutil, subprocess, sys
what, root = sys.argv[1], pathlib.Path.cwd()
if what == "flood":
    while True:
        os.write(1, b"x" * 65536)
if what == "daemon":
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            subprocess.run([sys.executable, "-c", "import time; time.sleep(300)  # ralph-daemon-marker"])
        os._exit(0)
    sys.exit(1)
if what == "deletes":
    for path in root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    sys.exit(1)
if what == "rewrites":
    (root / "double.py").write_text("owned = True")
    (root / "new.txt").write_text("left behind")
    sys.exit(1)
if what == "hangs":
    import time
    time.sleep(300)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    write(root, FILES)
    return root


@pytest.mark.parametrize(
    "what", ["flood", "daemon", "deletes", "rewrites", pytest.param("hangs", marks=pytest.mark.slow)]
)
async def test_a_hostile_test_command(project: Path, what: str) -> None:
    """It runs on a copy, with limits, and nothing of it is left: the next attempt finds the files again."""
    write(project, {"run.py": HOSTILE})
    before = tree(project)
    run = await drive(
        project,
        {"artisan": [RIGHT, RIGHT]},
        path="double.py",
        argv=("python", "run.py", what),
        config={
            "loop": {"critic": "never", "max_iterations": 2},
            "testing": {"timeout_s": 4.0},
            "sandbox": {"output_mb": 1},
        },
    )
    assert run.result.outcome in ("stuck", "iteration_limit", "misconfigured"), run.result
    assert run.result.reason.endswith(".") and len(run.result.reason) < 2000 and run.result.edits == {}
    assert tree(project) == before
    if what in ("flood", "hangs"):
        assert ("time limit" if what == "hangs" else "MB of output") in run.result.reason, run.result.reason
    assert not [p for p in os.listdir("/proc") if p.isdigit() and "ralph-daemon-marker" in command_of(int(p))]


BLOCK = "{path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\nEND OF EDITS\n"
WHOLE = "{path}\n```python\nX = 1\n```\n"


@pytest.mark.row("L4", "E10", "E11", "E12")
@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("", "empty"),
        ("I would multiply by two.", "no code"),
        ("```python\ndef double(x):\n    return 2 * x\n", "stopped before its closing fence"),
        (
            BLOCK.format(path="double.py", old="def double(x):", new="def double(y):").replace("END OF EDITS\n", ""),
            "END OF EDITS",
        ),
        (BLOCK.format(path="double.py", old="    return 7", new="    return 8"), "do not stand in the file"),
        (BLOCK.format(path="twice.py", old="pass", new="return 1"), "2 places"),
        (code("def double(x):\n    # ... rest of the code unchanged\n    return 2 * x"), "left out"),
        (code("def double(x:\n    return"), "does not parse"),
        (BLOCK.format(path="no/such.py", old="a", new="b"), "does not exist"),
        (WHOLE.format(path="../x.py"), "outside the workspace"),
        (WHOLE.format(path="a/../../x.py"), "outside the workspace"),
        (WHOLE.format(path="/tmp/x.py"), "outside the workspace"),
        (WHOLE.format(path="~/x.py"), "outside the workspace"),
        (WHOLE.format(path=".git/hooks/pre-commit.py"), "may be edited"),
        (WHOLE.format(path="sub/.git/config.py"), "may be edited"),
        (WHOLE.format(path="conftest.py"), "locked"),
        (WHOLE.format(path=".vscode/tasks.py"), "not yours"),
        (WHOLE.format(path=".VSCODE/tasks.json"), "not yours"),
        (WHOLE.format(path="ralph.config.yaml"), "not yours"),
        (WHOLE.format(path=".github/workflows/ci.yml"), "not yours"),
        (WHOLE.format(path="sitecustomize.py"), "not yours"),
        (WHOLE.format(path="tests/test_double.py"), "locked"),
        (WHOLE.format(path="Tests/TEST_double.py"), "locked"),
        (WHOLE.format(path="link.py"), "symbolic link"),
        (WHOLE.format(path="linked/new.py"), "symbolic link"),
        (WHOLE.format(path="data.bin"), "binary"),
        (code("def double(x):\n    key = '***REDACTED***'\n    return 2 * x"), "mask"),
        (code("x = '" + "y" * 1_000_001 + "'\ndef double(x):\n    return 2 * x"), "bigger"),
    ],
    ids=lambda v: v[:25].replace("\n", "|") if isinstance(v, str) else None,
)
async def test_an_answer_that_is_no_edit(project: Path, tmp_path: Path, bad: str, told: str) -> None:
    """It is told to the model, is no iteration, and touches nothing; two in a row end the run. No tests: no sandbox."""
    outside = tmp_path / "outside"
    write(outside, {"x.py": "SECRET = 1\n"})
    write(project, {"twice.py": "def a():\n    pass\n\ndef b():\n    pass\n", "data.bin": b"\0\1\2"})
    (project / "link.py").symlink_to(outside / "x.py")
    (project / "linked").symlink_to(outside)
    before = tree(project), tree(outside)
    run = await drive(
        project, {"artisan": [bad, bad.replace("double(y)", "double(z)")]}, path="double.py", at="raise", argv=()
    )
    assert (run.result.outcome, run.result.iterations, dict(run.result.edits)) == ("stuck", 0, {}), run.result
    assert told in run.gateway.requests[1].messages[-1].content
    assert "SECRET" not in str([r.messages for r in run.gateway.requests])
    assert (tree(project), tree(outside)) == before


@pytest.mark.row("E9")
async def test_forms_of_text_are_kept(project: Path) -> None:
    """CRLF, no final newline, tabs, astral characters: what is not edited keeps its bytes. An empty file can be filled."""
    source = "# 🙂\r\nX = 1\t \r\n\r\n\r\ndef double(x):\r\n    raise NotImplementedError\r\n\r\n\r\nY = '\x0c'"
    write(project, {"double.py": source.encode(), "empty.py": ""})
    before = tree(project)
    run = await drive(project, {"artisan": [RIGHT]}, path="double.py", at="raise")
    assert run.result.outcome == "proposed", run.result.reason
    assert run.result.edits == {"double.py": source.replace("raise NotImplementedError", "return 2 * x")}
    blocks = BLOCK.format(path="empty.py", old="", new="Z = 1")
    filled = await drive(project, {"artisan": [blocks]}, path="empty.py", argv=(), instruction="fill it")
    assert filled.result.edits == {"empty.py": "Z = 1\n"}
    region = await drive(project, {"artisan": [code("Z = 2")]}, path="empty.py", argv=(), instruction="fill it")
    assert region.result.edits == {"empty.py": "Z = 2\n"} and tree(project) == before


# ---- what never reaches a model: through the whole engine --------------------------------------------------------


async def engine_run(root: Path, path: str, text: str, replies: Sequence[Reply | str] = (), **given: Any) -> RunResult:
    async def ask(question: Question) -> Decision:
        raise AssertionError(f"asked: {question.text}")

    line: dict[str, Any] = {"testing": {"command": list(given.pop("argv", PYTEST)), "adversarial_tests": False}}
    gateway = ScriptedGateway({"artisan": replies})
    engine = build_service(dict(os.environ), scripted=gateway, command_line={**line, "loop": {"critic": "never"}})
    try:
        result = await engine.run(RunRequest("r1", "implement", str(root), path, text, **given), lambda _: None, ask)
    finally:
        await engine.close()
    if not replies:
        assert gateway.requests == [], "what is pointless costs nothing"
    return result


@pytest.mark.row("E13")
@pytest.mark.parametrize(
    ("text", "said"),
    [("x = 1\n" * 900_000, "too big"), ("\0\1\2ELF" * 100, "binary")],
    ids=["5 MB", "binary"],
)
async def test_files_that_no_model_can_work_on(project: Path, text: str, said: str) -> None:
    write(project, {"double.py": text.encode()})
    before = tree(project)
    result = await engine_run(project, "double.py", text)
    assert result.outcome == "misconfigured" and said in result.reason
    assert result.journal and Path(result.journal).stat().st_size < 100_000 and tree(project) == before


async def test_a_root_that_is_gone_or_shut(project: Path, tmp_path: Path) -> None:
    gone = await engine_run(tmp_path / "gone", "a.py", "x = 1\n")
    assert gone.outcome == "misconfigured", gone.reason
    if os.geteuid() != 0:
        project.chmod(0)
        try:
            shut = await engine_run(project, "double.py", "x = 1\n")
        finally:
            project.chmod(stat.S_IRWXU)
        assert shut.outcome == "misconfigured", shut.reason
