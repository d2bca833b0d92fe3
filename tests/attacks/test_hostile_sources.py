"""Files that parsers, readers and walkers stumble over: an ending in a sentence, never a defect and never a hang."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

import ralphd
from tests.attacks.conftest import PLACE, RIGHT
from tests.lsp.conftest import Start
from tests.support import product
from tests.support.patience import seconds
from tests.support.projects import PYTEST, write
from tests.support.scripted_server import ScriptedServer


def plant_fifos(root: Path) -> None:
    for name in (
        ".git/index",
        ".git/info/exclude",
        ".gitignore",
        "sub/.git",
        "env/pyvenv.cfg",
        "data.fifo",
        "tests/x.py",
        ".git/HEAD",
        ".git/config",
        "setup.cfg",
        "AGENTS.md",
        "node_modules/x/package.json",
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(path)


@pytest.mark.row("W7", "T8")
@pytest.mark.slow
def test_pipes_dashes_stars_and_loops(project: Path) -> None:
    plant_fifos(project)
    write(
        project,
        {
            "dashes.py": "-" * 20_000,
            "tests/test_dashes.py.txt": "(" * 60_000,
            "nul.py": "\0" * 100,
            "deep.py": "x = " + "[" * 50_000,
        },
    )
    write(project, {"sub/.gitignore": ("*" + "a*" * 200 + "b\n") * 2_000, "sub/" + "a" * 200: ""})
    (project / "loop").symlink_to(".")
    (project / "folder/.gitignore").mkdir(parents=True)
    (project / "folder/package.json").mkdir()
    (project / "tox.ini").symlink_to("/dev/zero")
    (project / "away").symlink_to("/proc/self")
    os.close(os.open(os.fsencode(project) + b"/bad\xff\xfename.py", os.O_CREAT | os.O_WRONLY))
    with ScriptedServer([RIGHT]) as model:
        # Its own folder: pytest itself would walk through the links for ever.
        ended = product.run(project, PLACE, model, testing={"command": [*PYTEST, "tests"]})
    assert ended.result["outcome"] == "proposed", ended.stderr


async def test_no_files_in_an_editor(start: Start, project: Path) -> None:
    """What an editor names is a pipe, a device, a folder or huge: a sentence, more often than the server has threads. The
    pipe is open in the editor then, and the run on its text ends as any other."""
    os.mkfifo(project / "pipe.py")
    (project / "zero.py").symlink_to("/dev/zero")
    (project / "folder.py").mkdir()
    with (project / "huge.py").open("wb") as file:
        file.truncate(2 << 30)
    editor = await start(root=project, artisan=[RIGHT], user={"testing": {}})
    for name in ["pipe.py"] * 8 + ["zero.py", "folder.py", "huge.py"]:
        params = {"command": "ralph.server.implement", "arguments": [{"uri": (project / name).as_uri()}]}
        refused = await editor.rpc.request("workspace/executeCommand", params, seconds(60))
        assert re.search(rf"{name} (is too big|cannot be read)", refused["error"]["message"])
    uri = await editor.open(project / "pipe.py", "def double(x):\n    raise NotImplementedError\n")
    await editor.command("ralph.server.implement", {"uri": uri, "instruction": "do it"})
    assert (await editor.run_ended())["outcome"] not in ("internal_error", "")
    await editor.close(uri)
    assert (await editor.command("ralph.server.status"))["version"]


TAKES_THE_REPORT = """
    import os

    for fd in os.listdir("/proc/self/fd"):
        try:
            path = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue
        if path.endswith(".jsonl") and "chaos-" in path:
            os.unlink(path)
            PUT
"""
PUT = {
    "a pipe": "os.mkfifo(path)",
    "a link to another's file": "os.symlink(OUTSIDE, path)",
    "a link to nothing": "os.symlink('/nowhere', path)",
    "a folder": "os.mkdir(path)",
    "nonsense": 'open(path, \'w\').write(\'[]\\n{}\\n{"event": "end", "outcome": [], "frames": 5}\\n{"event": "collected", "tests": 7}\\n\')',
    "a huge file": "os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), 10 << 30)",
}


@pytest.mark.slow
@pytest.mark.parametrize("put", PUT, ids=str)
def test_a_report_that_a_test_takes_away(project: Path, tmp_path: Path, put: str) -> None:
    """A run of hostile tests writes its report where the project's code can write too."""
    outside = tmp_path / "outside.jsonl"
    outside.write_text('{"event": "error", "kind": "import", "text": "canary-5d1f", "touched": []}\n')
    conftest = TAKES_THE_REPORT.replace("PUT", PUT[put]).replace("OUTSIDE", repr(str(outside)))
    write(project, {"conftest.py": conftest, "double.py": "def double(x: int) -> int:\n    return 2 * x\n"})
    module = "```python\nfrom double import double\n\ndef test_two():\n    assert double(1) == 2\n```\n"
    with ScriptedServer([module, module]) as model:
        ended = product.run(project, "double.py:1", model, action="chaos", chaos={"repeat": 1, "max_examples": 5})
    assert ended.result["outcome"] not in ("internal_error", ""), ended.stderr
    assert "Traceback" not in ended.stderr and "canary-5d1f" not in ended.everything


READERS = {
    "context/names.py": "a query that comes with a grammar",
    "lsp/client.py": "the demo's own project",
    "lsp/request_log_view.py": "the person's log",
    "lsp/run_record_view.py": "a journal",
    "phases/base.py": "the person's prompt",
    "runs/history.py": "journals",
    "runs/receipt.py": "journals",
    "runs/replay.py": "journals",
    "runs/survivors.py": "what this program kept",
}
"""Files of the packages that know a workspace which read something else, by what that is."""


def test_files_of_others_are_read_in_one_place() -> None:
    """`open` waits for ever on a pipe that stands in a file's place."""
    server = Path(ralphd.__file__).parent
    knowing = ("attack", "context", "judging", "loop", "lsp", "phases", "retrieval", "runs")
    direct = {
        str(path.relative_to(server))
        for path in (path for package in knowing for path in (server / package).rglob("*.py"))
        if not {"runner_plugins", "pytest_plugins", "plain_process"} & set(path.parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and re.fullmatch(r"open|.*\.(read_text|read_bytes)|path\.open", ast.unparse(node.func))
        if "resources.files(" not in ast.unparse(node)
    }
    assert direct == {*READERS}


def test_json_of_others_is_read_in_one_place() -> None:
    """`json.loads` raises more than `ValueError` for 100,000 brackets. What this process wrote itself is read directly."""
    server = Path(ralphd.__file__).parent
    elsewhere = [
        f"{path.relative_to(server)}:{node.lineno}"
        for path in server.rglob("*.py")
        if not {"runner_plugins", "pytest_plugins", "demo_project", "plain_process"} & set(path.parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("json.loads", "json.load")
        if not ast.unparse(node).startswith("json.loads(json.dumps(")
    ]
    assert elsewhere == ["core/foreign_json.py:12"]


def test_toml_of_others_is_read_in_one_place() -> None:
    """Python's parser takes an hour for a key of half a million parts."""
    server = Path(ralphd.__file__).parent
    reading = {str(path.relative_to(server)) for path in server.rglob("*.py") if "tomllib" in path.read_text("utf-8")}
    assert reading - {"judging/hidden_answers.py"} == {"core/foreign_toml.py"}, "and a name in a list"


def test_a_project_whose_manifest_has_no_end(project: Path) -> None:
    """Found by its root for each request: it is no hang, and no defect."""
    write(
        project,
        {
            "pyproject.toml": ".".join(["a"] * 500_000) + " = 1\n",
            "Cargo.toml": "[" * 500_000,
            "package.json": "[" * 500_000,
        },
    )
    done = product.ralphd(project, "config", "show")
    assert done.returncode == 0 and "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("-" * 20_000, id="-"),
        pytest.param("x = " + "(" * 20_000, id="("),
        pytest.param("def f():\n" + " if a:\n" * 3, id="if"),
    ],
)
def test_a_target_that_no_parser_takes(project: Path, text: str) -> None:
    write(project, {"dashes.py": text})
    with ScriptedServer([RIGHT, RIGHT, RIGHT, RIGHT, RIGHT]) as model:
        ended = product.run(project, "dashes.py:1", model)
    assert ended.result["outcome"] not in ("internal_error", ""), ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
@pytest.mark.row("T6")
@pytest.mark.parametrize("name", ["dou\nble.py", "-rf.py", "a;touch x.py", "$(touch x).py", "{{x}}.py", "\x1b[2Jx.py"])
def test_a_target_with_an_odd_name(project: Path, name: str) -> None:
    write(project, {name: "def double(x):\n    raise NotImplementedError\n"})
    with ScriptedServer([RIGHT]) as model:
        ended = product.run(project, f"./{name}:2", model, loop={"max_iterations": 1})
    assert len(ended.prompts) == 1 and ended.result["outcome"] not in ("internal_error", ""), ended.stderr
    assert "Traceback" not in ended.stderr and "\x1b" not in ended.stderr and not (project / "x").exists()


@pytest.mark.parametrize("kind", ["sparse", "device", "fifo"])
def test_a_target_that_is_no_text(project: Path, kind: str) -> None:
    target = project / "odd.py"
    if kind == "sparse":
        with target.open("wb") as file:
            file.truncate(2 << 30)
    elif kind == "device":
        target.symlink_to("/dev/zero")
    else:
        os.mkfifo(target)
    done = product.ralphd(project, "run", "implement", "odd.py", "--json")
    assert done.returncode == 2 and done.stderr.startswith("ralphd: odd.py is ") and done.stdout == ""
