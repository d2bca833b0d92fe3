"""The program as a process: what it writes where, what it leaves behind, and how it ends."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ralphd import cli
from ralphd.app import build_service
from ralphd.models.scripted import Reply, ScriptedGateway
from ralphd.shell import headless
from tests.support.fake_editor import FakeEditor
from tests.support.patience import seconds
from tests.support.processes import command_of, descendants, gone
from tests.support.projects import code, tree, write
from tests.support.raw_rpc import frame, split_frames
from tests.support.scripted_server import ScriptedServer

FILES: dict[str, str | bytes] = {
    "double.py": "def double(x):\n    raise NotImplementedError\n",
    "tests/test_double.py": "from double import double\n\ndef test_it():\n    print('to stdout')\n    assert double(2) == 4\n",
    "conftest.py": "import os, sys\nprint('a print of a test run')\nos.write(1, b'and a raw one')\n",
    "litellm.py": "raise SystemExit('the repository was imported')\n",
}
RIGHT = code("def double(x):\n    return 2 * x")
WRONG = code("def double(x):\n    return x")
HANGS = code("def double(x):\n    import time\n    time.sleep(60)")
PYTEST = "python -m pytest -q"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    write(root, {**FILES, "pyproject.toml": ""})
    return root


# ---- the server --------------------------------------------------------------------------------------------------

RECORDED = """
import os, sys
real = os._exit
def leave(code):
    with open(sys.argv[1], "w") as file:
        file.write("\\n".join(sys.modules))
    real(code)
os._exit = leave
from ralphd.cli import main
sys.exit(main(["serve", "--stdio"]))
"""


def person(model: ScriptedServer, **keys: Any) -> dict[str, Any]:
    role = {"model": "openai/scripted", "api_base": model.base_url}
    testing = {"command": PYTEST.split(), "adversarial_tests": False}
    return {"models": {"default": role}, "testing": testing, "loop": {"critic": "never"}, **keys}


async def begin(model: ScriptedServer, project: Path, tmp_path: Path) -> tuple[FakeEditor, str]:
    argv = [sys.executable, "-c", RECORDED, str(tmp_path / "modules.txt")]
    editor = await FakeEditor.start(argv, project, user_settings=person(model), stderr_path=tmp_path / "stderr.log")
    uri = await editor.open(project / "double.py")
    at = editor.range_of(uri, "raise")["start"]
    await editor.act(uri, "Ralph: implement", {"start": at, "end": at})
    return editor, uri


@pytest.mark.slow
async def test_a_whole_run_with_the_real_model_host(project: Path, tmp_path: Path) -> None:
    """Wrong, then right, through litellm in the host: stdout is the protocol, litellm never in the server, no orphans."""
    before = tree(project)
    with ScriptedServer([WRONG, RIGHT]) as model:
        editor, _ = await begin(model, project, tmp_path)
        try:
            result = await editor.run_ended(timeout=90)
            children = descendants(editor.rpc.pid)
            assert any("ralphd.model_host.child" in command_of(pid) for pid in children), "the host was at work"
            log = Path((await editor.command("ralph.server.showLog"))["path"])
            await editor.rpc.wait_for(lambda: editor.shown, 5, "the request log")
            view = await editor.rpc.result("workspace/textDocumentContent", {"uri": editor.shown[0]["uri"]})
            await editor.command("ralph.server.showRun", {"runId": result["runId"]})
            await editor.rpc.wait_for(lambda: len(editor.shown) == 2, 5, "the record of the run")
            record = await editor.rpc.result("workspace/textDocumentContent", {"uri": editor.shown[1]["uri"]})
            assert await editor.stop() == 0
        finally:
            await editor.rpc.kill()
    assert (result["outcome"], result["iterations"]) == ("proposed", 2), result["reason"]
    assert result["usage"]["calls"] == 2 and result["models"]["artisan"]["model"]
    assert tree(project) == before and editor.faults == []
    assert editor.shown[0]["uri"] == "ralph:/requests.md"
    assert view["text"].count("\n## Artisan · openai/") == 2 and WRONG.strip() in view["text"], "by request, whole"
    assert editor.shown[1]["uri"] == f"ralph:/runs/{result['runId']}.md"
    assert record["text"].startswith("# implement · double.py\n") and "**proposed**" in record["text"]
    assert record["text"].count("\n## Artisan\n") == 2 and WRONG.strip() in record["text"], "what was answered"
    assert "\n## The tests: 1 failed, exit code 1\n" in record["text"], "what the tests said"
    assert log.stat().st_mode & 0o777 == 0o600
    assert [json.loads(line)["role"] for line in log.read_text().splitlines()] == ["artisan", "artisan"]
    messages, rest = split_frames(editor.rpc.raw_stdout)
    assert rest == b"" and messages and all(m["jsonrpc"] == "2.0" for m in messages)
    assert editor.rpc.raw_stdout.count(b"Content-Length: ") == len(messages)
    modules = (tmp_path / "modules.txt").read_text().split("\n")
    assert "ralphd.loop.loop" in modules
    assert not [m for m in modules if m.split(".")[0] in ("litellm", "openai", "httpx", "tiktoken", "torch")]
    await gone(children, 3)


@pytest.mark.row("P2")
@pytest.mark.slow
async def test_nothing_outlives_a_killed_server(project: Path, tmp_path: Path) -> None:
    """SIGKILL in the middle of a test run: model host, sandbox and tests end too."""
    with ScriptedServer([HANGS]) as model:
        editor, _ = await begin(model, project, tmp_path)
        try:
            await editor.rpc.wait_for(
                lambda: any(e["type"] == "phaseStarted" and e["phase"] == "tests" for e in editor.events), 90, "tests"
            )
            until = time.monotonic() + 10
            while not any("--unshare" in command_of(pid) for pid in descendants(editor.rpc.pid)):
                assert time.monotonic() < until, "no test run was seen"
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.3)
            children = descendants(editor.rpc.pid)
            assert any("ralphd.model_host.child" in command_of(pid) for pid in children)
            os.kill(editor.rpc.pid, signal.SIGKILL)
            await gone(children, 5)
        finally:
            await editor.rpc.kill()


@pytest.mark.row("P7")
def test_stray_output_is_no_protocol(tmp_path: Path) -> None:
    """Whatever prints, in the server or a child that inherits its descriptors, prints to stderr; stdin is not shared."""
    program = """
import os, subprocess, sys
from ralphd.lsp.server import RalphServer
def noisy():
    print("a print"); os.write(1, b"raw"); subprocess.run(["sh", "-c", "echo a child; cat"])
    raise RuntimeError("and a defect")
sys.exit(RalphServer(noisy).serve())
"""
    initialize = {"processId": None, "rootUri": tmp_path.as_uri(), "capabilities": {}}
    sent = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initialize},
        {"jsonrpc": "2.0", "method": "initialized", "params": {}},
        {"jsonrpc": "2.0", "id": 2, "method": "workspace/executeCommand", "params": {"command": "ralph.server.status"}},
        {"jsonrpc": "2.0", "id": 3, "method": "shutdown"},
        {"jsonrpc": "2.0", "method": "exit"},
    ]
    run = subprocess.run(
        [sys.executable, "-c", program], input=b"".join(map(frame, sent)), capture_output=True, timeout=30, check=False
    )
    messages, rest = split_frames(run.stdout)
    answers = {m["id"]: m for m in messages if "method" not in m}
    assert rest == b"" and {1, 2} <= set(answers), run.stderr
    assert run.returncode == 0, "also where `exit` comes before the answer to `shutdown`"
    assert answers[2]["error"]["code"] == -32603 and "defect" not in run.stdout.decode()
    assert b"a print" in run.stderr and b"a child" in run.stderr


# ---- ralphd run --------------------------------------------------------------------------------------------------


class Shell:
    """`ralphd …` in this process, with a scripted model."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *argv: str, artisan: list[Reply | str] | None = None, critic: str = "") -> tuple[int, str, str]:
        gateway = ScriptedGateway({"artisan": artisan or [], "critic": [critic] if critic else []})
        self._monkeypatch.setattr(headless, "build_service", functools.partial(build_service, scripted=gateway))
        self._capsys.readouterr()
        try:
            exit_code = cli.main(argv)
        except SystemExit as error:
            exit_code = int(error.code or 0)
        said = self._capsys.readouterr()
        assert "Traceback" not in said.err
        return exit_code, said.out, said.err


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], private_state: Path) -> Shell:
    config = private_state / "config" / "ralphd" / "config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("loop: {critic: never}\ntesting: {adversarial_tests: false}\n")
    return Shell(monkeypatch, capsys)


RESULT = {
    "runId", "command", "outcome", "reason", "iterations", "reviewId", "hunks", "findings", "findingList", "chaos", "tests",
    "usage", "cost", "models", "journal", "mended", "actions",
}  # fmt: skip
TESTS = {
    "command", "passed", "failed", "errors", "skipped", "exitCode", "baselinePassed", "durationS", "sandbox",
    "alreadyFailing", "hashes",
}  # fmt: skip


def test_run_that_ends_well(project: Path, shell: Shell) -> None:
    before, place = tree(project), f"{project}/double.py:2"
    exit_code, out, err = shell("run", "implement", place, "--test-command", PYTEST, "--json", artisan=[WRONG, RIGHT])
    assert exit_code == 0, err
    result = json.loads(out)
    assert set(result) == {*RESULT, "edits"}
    assert (result["outcome"], result["command"], result["iterations"], result["hunks"]) == (
        "proposed",
        "implement",
        2,
        1,
    )
    assert result["edits"] == {"double.py": "def double(x):\n    return 2 * x\n"}
    assert set(result["tests"]) >= TESTS and set(result["tests"]) - TESTS <= {"flaky", "control", "changedTests"}
    assert result["tests"]["command"] == PYTEST.split() and (
        result["tests"]["passed"],
        result["tests"]["exitCode"],
    ) == (1, 0)
    assert all(value.startswith("sha256:") for value in result["tests"]["hashes"].values())
    assert set(result["usage"]) == {"promptTokens", "completionTokens", "totalTokens", "cachedTokens", "calls"}
    assert set(result["cost"]) == {"usd", "unpriced", "byRole"}
    assert set(result["cost"]["byRole"]) == {"librarian", "artisan", "critic", "chaos"}
    assert result["models"]["artisan"] == {"model": "scripted/model", "provider": "scripted"}
    assert Path(result["journal"]).is_file() and result["reviewId"] is None and result["chaos"] is None
    assert tree(project) == before, "without --apply nothing is written"
    assert "Attempt 2" in err and "proposed: " in err

    exit_code, out, err = shell("run", "implement", place, "--test-command", PYTEST, "--apply", artisan=[RIGHT])
    assert exit_code == 0 and "Wrote double.py." in err
    assert out.startswith("--- a/double.py\n+++ b/double.py\n") and "+    return 2 * x" in out
    assert tree(project) == {**before, "double.py": b"def double(x):\n    return 2 * x\n"}


def test_run_that_ends_badly(project: Path, shell: Shell) -> None:
    """Nothing is written, also with --apply; the code says which kind of ending it was."""
    before, place = tree(project), f"{project}/double.py:2"
    exit_code, out, err = shell("run", "implement", place, "--test-command", PYTEST, "--apply", artisan=["no", "no"])
    assert (exit_code, out) == (1, "") and "stuck: " in err
    exit_code, out, err = shell("run", "implement", place, "--apply", artisan=[RIGHT])
    assert exit_code == 1 and "proposed_unverified: " in err and "+    return 2 * x" in out
    exit_code, out, err = shell("run", "implement", place, "--test-command", "no-such-runner", artisan=[])
    assert exit_code == 2 and "no-such-runner" in err
    exit_code, out, err = shell("run", "implement", place, "--test-command", PYTEST, "--json", artisan=[])
    assert exit_code == 4 and json.loads(out)["outcome"] == "provider_failed"
    exit_code, out, err = shell("run", "critique", str(project / "double.py"), critic='{"findings": []}')
    assert exit_code == 0 and "reviewed: Nothing found." in err
    write(project, {"ralph.config.yaml": f"testing: {{command: [{', '.join(PYTEST.split())}]}}\n"})
    exit_code, out, err = shell("run", "implement", place, "--apply", artisan=[RIGHT])
    assert exit_code == 5 and PYTEST in err
    (project / "ralph.config.yaml").unlink()
    assert tree(project) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{}/missing.py"], "is not a file"),
        (["{}"], "is not a file"),
        (["{}/double.py:99"], "there is no line 99"),
        (["{}/double.py:0"], "there is no line 0"),
        (["{}/double.py", "--range", "2:99"], "--range"),
        (["{}/double.py", "--range", "3:2"], "--range"),
        (["{}/double.py", "--range", "x"], "--range"),
        (["{}/latin.py"], "UTF-8"),
        (["{}/double.py", "--test-command", "pytest 'x"], "--test-command"),
        (["{}/double.py", "--speed", "9"], "--speed"),
        ([], "FILE"),
    ],
)
def test_wrong_usage(project: Path, shell: Shell, arguments: list[str], said: str) -> None:
    (project / "latin.py").write_bytes(b"x = '\xe9'\n")
    exit_code, out, err = shell("run", "implement", *[a.format(project) for a in arguments])
    assert (exit_code, out) == (2, "") and said in err, err


INTERRUPTED = """
import functools, sys
from ralphd import app, cli
from ralphd.models.scripted import Reply, ScriptedGateway
from ralphd.shell import headless
gateway = ScriptedGateway({"artisan": [Reply("x", delay_s=60)]})
headless.build_service = functools.partial(app.build_service, scripted=gateway)
sys.exit(cli.main(sys.argv[1:]))
"""


def test_an_interrupt_is_a_cancel(project: Path) -> None:
    before = tree(project)
    argv = ["run", "implement", str(project / "double.py"), "--test-command", PYTEST, "--json"]
    run = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert run.stderr is not None
    try:
        for line in run.stderr:
            if "asking scripted/model" in line:
                break
        children, started = descendants(run.pid), time.monotonic()
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=10)
    finally:
        run.kill()
    assert run.returncode == 130 and time.monotonic() - started < seconds(5)
    assert json.loads(out)["outcome"] == "cancelled" and "Traceback" not in err
    assert tree(project) == before
    asyncio.run(gone(children, 2))


@pytest.mark.slow
def test_a_file_keeps_the_encoding_that_it_declares(project: Path, shell: Shell) -> None:
    old = "# -*- coding: latin-1 -*-\n# \xe9\ndef double(x):\n    return x\n".encode("latin-1")
    (project / "double.py").write_bytes(old)
    answer = "```python\ndef double(x):\n    return 2 * x\n```\n"
    place = f"{project}/double.py:3"
    exit_code, _, err = shell("run", "implement", place, "--test-command", PYTEST, "--apply", artisan=[answer])
    assert exit_code == 0, err
    assert (project / "double.py").read_bytes() == old.replace(b"return x", b"return 2 * x")


@pytest.mark.slow
def test_the_workspace_and_what_may_be_edited_are_the_persons_word(project: Path, shell: Shell) -> None:
    whole = "conftest.py\n```python\nVALUE = 2\n```\n\ndouble.py\n```python\ndef double(x):\n    return 2 * x\n```\n"
    (project / "conftest.py").write_text("VALUE = 1\n")
    given = ["run", "implement", f"{project}/double.py", "--test-command", PYTEST, "--json", "-m", "double it"]
    exit_code, out, err = shell(*given, artisan=[whole, whole])
    assert exit_code == 1 and json.loads(out)["edits"] == {}, err
    exit_code, out, err = shell(*given, "--allow", f"{project}/conftest.py", artisan=[whole])
    assert exit_code == 0 and set(json.loads(out)["edits"]) == {"conftest.py", "double.py"}, err
    exit_code, _, err = shell(*given, "--root", str(project / "elsewhere"))
    assert exit_code == 2 and "is not a folder" in err
    exit_code, _, err = shell(*given, "--allow", "/etc/hosts")
    assert exit_code == 2 and "outside the workspace" in err
