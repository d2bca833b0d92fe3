"""Failures that only the test copy has are told and do not count; what the person may bring in makes them pass."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.kinds_of_projects import PY_RIGHT, PY_TODO
from tests.support.projects import write
from tests.support.service import drive

FILES = {
    "pyproject.toml": "",
    ".gitignore": "build/\n.pytest_cache/\n*.key\n",
    "calc.py": PY_TODO,
    "build/table.json": "[4]",
    "build/own.key": "-----BEGIN PRIVATE KEY-----",
    "tests/test_calc.py": "from calc import double\n\ndef test_double():\n    assert double(2) == 4\n",
    "tests/test_table.py": """\
        import json
        from calc import double

        def test_table():
            assert json.load(open("build/table.json")) == [4]
        """,
    "tests/test_version.py": """\
        import subprocess
        from calc import double

        def git(*words):
            return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout

        def test_version():
            assert len(git("rev-parse", "HEAD").strip()) == 40
            assert "calc.py" in git("ls-files").split()
        """,
    "tests/test_remote.py": """\
        import socket
        from calc import double

        def test_remote():
            socket.create_connection(("example.com", 80), 5)

        def test_database():
            socket.create_connection(("127.0.0.1", 5432), 5)
        """,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    write(root, FILES)
    for words in (("init", "-q"), ("add", "calc.py", "tests", "pyproject.toml", ".gitignore")):
        subprocess.run(["git", "-C", str(root), *words], check=True)
    return root


async def test_what_the_copy_lacks_is_told_and_does_not_count(project: Path) -> None:
    run = await drive(project, {"artisan": [PY_RIGHT]}, path="calc.py", at="raise")
    assert run.result.outcome == "proposed", run.result.reason
    for said in (
        "`tests/test_version.py` needs git, which the copy does not have: it does not count.",
        "`tests/test_table.py` reads build/table.json, which is ignored and so not in the copy: it does not count.",
        "testing: {include: [build/table.json]}",
        "`tests/test_remote.py` needs the network, which test runs do not have: it does not count.",
        "`tests/test_remote.py` needs a server of this machine",
    ):
        assert said in run.result.reason
    prompt = "\n".join(message.content for message in run.gateway.requests[0].messages)
    assert "test_table" not in prompt.split("calc.py", 1)[0] and "not a git repository" not in prompt


@pytest.mark.full
async def test_what_the_person_brings_in(project: Path) -> None:
    config = {"testing": {"include": ["build"], "git": True}}
    run = await drive(project, {"artisan": [PY_RIGHT]}, path="calc.py", at="raise", config=config)
    assert run.result.outcome == "proposed", run.result.reason
    assert "needs git" not in run.result.reason and "build/table.json" not in run.result.reason
    assert run.result.tests is not None and run.result.tests.passed == 3
    assert not any("BEGIN PRIVATE" in m.content or "build/table" in m.content for m in run.gateway.requests[0].messages)


@pytest.mark.full
async def test_a_test_that_failed_for_the_person_too_counts(project: Path) -> None:
    cache = project / ".pytest_cache" / "v" / "cache"
    cache.mkdir(parents=True)
    (cache / "nodeids").write_text(json.dumps(["tests/test_version.py::test_version"]))
    (cache / "lastfailed").write_text(json.dumps({"tests/test_version.py::test_version": True}))
    run = await drive(
        project, {"artisan": [PY_RIGHT]}, path="calc.py", at="raise", config={"loop": {"max_iterations": 1}}
    )
    assert "needs git" not in run.result.reason and run.result.outcome == "proposed_failing"


@pytest.mark.full
async def test_nothing_but_such_failures_ends_the_run_unpaid(project: Path) -> None:
    (project / "tests" / "test_calc.py").unlink()
    run = await drive(project, {}, path="calc.py", at="raise")
    assert (run.result.outcome, run.gateway.requests) == ("misconfigured", []), run.result.reason
    assert {mend.setting for mend in run.result.mends} >= {"testing.git", "testing.include", "sandbox.network"}
