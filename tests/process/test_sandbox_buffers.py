"""Documents that are open in places no test run sees: the run goes on without them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ralphd.errors import SandboxError
from tests.support.fake_editor import FakeEditor
from tests.support.product import person_settings
from tests.support.projects import code, write
from tests.support.sandboxes import bwrap_pool, run
from tests.support.scripted_server import ScriptedServer

UNSEEN = (
    ".venv/lib/python3/site-packages/dep.py",
    "node_modules/dep/index.py",
    "web/node_modules/dep/index.py",
    ".git/COMMIT_EDITMSG",
    "__pycache__/x.py",
    "away/outside.py",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    write(
        root,
        {
            "pyproject.toml": "",
            ".venv/pyvenv.cfg": "home = /usr/bin\n",
            "double.py": "def double(x):\n    raise NotImplementedError\n",
            "tests/test_double.py": "from double import double\n\ndef test_double():\n    assert double(2) == 4\n",
        },
    )
    write(tmp_path, {"elsewhere/outside.py": "x = 1\n"})
    (root / "away").symlink_to(tmp_path / "elsewhere")
    write(root, dict.fromkeys(UNSEEN, "x = 1\n"))
    return root


@pytest.mark.parametrize("path", UNSEEN)
def test_a_run_with_such_a_buffer(project: Path, tmp_path: Path, path: str) -> None:
    """The buffer is left out; what is to be tried at the same place is refused, never quietly not tried."""
    pool = bwrap_pool(project, tmp_path / "cache")
    buffers = {path: b"opened", "new.py": b"opened", "double.py": b"x"}

    async def work() -> None:
        async with pool.lease() as shadow:
            await shadow.refresh({"double.py": b"tried"}, buffers=buffers)
            seen = await shadow.run(["sh", "-c", f"cat double.py new.py; cat {path}"], timeout_s=60)
            assert seen.output.startswith("triedopened") and seen.output.count("opened") == 1
            with pytest.raises(SandboxError):
                await shadow.refresh({path: b"tried"})

    run(work())


@pytest.mark.slow
async def test_an_editor_with_such_documents_open(project: Path, tmp_path: Path) -> None:
    """Through the LSP process: every such document is open, one of them changed, and the run ends as it should."""
    with ScriptedServer([code("def double(x):\n    return 2 * x")]) as model:
        editor = await FakeEditor.start(
            [sys.executable, "-m", "ralphd"],
            project,
            user_settings=person_settings(model),
            stderr_path=tmp_path / "stderr.log",
        )
        try:
            for path in UNSEEN:
                await editor.open(project / path)
            uri = await editor.open(project / "double.py")
            at = editor.range_of(uri, "raise")["start"]
            await editor.act(uri, "Ralph: implement", {"start": at, "end": at})
            result = await editor.run_ended(timeout=600)
            assert await editor.stop() == 0
        finally:
            await editor.rpc.kill()
    assert result["outcome"] == "proposed", result["reason"]
