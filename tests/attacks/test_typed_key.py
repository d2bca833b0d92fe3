"""A key that is typed into an editor: it goes to its provider's own host, and is nowhere else afterwards."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.attacks.conftest import RIGHT
from tests.support import product
from tests.support.fake_editor import FakeEditor
from tests.support.processes import descendants
from tests.support.scripted_server import Reply, Request, ScriptedServer

KEY = "typed-words-without-a-known-form-0123456789"


def echoing(request: Request) -> Reply:
    return Reply(f"bad key {request.headers.get('authorization')}", status=401)


@pytest.mark.slow
@pytest.mark.row("G3")
async def test_it_goes_home_only_and_stays_nowhere(project: Path, tmp_path: Path) -> None:
    with ScriptedServer([echoing, RIGHT]) as home, ScriptedServer([Reply("no", status=401)]) as foreign:
        product.person_file(
            {
                "models": {
                    "artisan": {"model": "openai/scripted"},
                    "critic": {"model": "openai/scripted", "api_base": foreign.base_url},
                },
                "testing": {"command": ["env"], "adversarial_tests": False},
                "loop": {"critic": "never", "librarian": "never", "max_iterations": 1},
                "litellm": {"enable_caching": False, "retry_attempts": 1, "enable_fallback": False},
            }
        )
        environ = {**os.environ, "OPENAI_API_BASE": home.base_url}
        stderr = tmp_path / "stderr.log"
        editor = await FakeEditor.start(
            [sys.executable, "-m", "ralphd"], project, env=environ, stderr_path=stderr, trace="verbose"
        )
        try:
            for wrong in ({"provider": "openai"}, {"provider": "openai", "key": f"{KEY}\r\nX: y"}, [KEY]):
                refused = await editor.rpc.request("ralph/setKey", wrong)
                assert KEY not in json.dumps(refused["error"])
            set_ = await editor.rpc.result("ralph/setKey", {"provider": "OpenAI", "key": KEY}, product.HANGS_S)
            assert set_ == {"provider": "openai", "set": True}
            uri = await editor.open(project / "double.py")
            outcomes = []
            for command in ("implement", "implement", "critique"):
                started = await editor.command(f"ralph.server.{command}", {"uri": uri, "instruction": "do it"})
                outcomes.append((await editor.run_ended(started["runId"], product.HANGS_S))["outcome"])
            assert outcomes[0] == outcomes[2] == "provider_failed", outcomes
            environments = [
                Path(f"/proc/{pid}/environ").read_bytes() for pid in (editor.rpc.pid, *descendants(editor.rpc.pid))
            ]
        finally:
            await editor.stop()
        assert [request.headers["authorization"] for request in home.requests] == [f"Bearer {KEY}"] * 2
        assert len(foreign.requests) == 1 and KEY not in json.dumps(foreign.requests[0].headers)
    said = json.dumps([message for direction, message in editor.rpc.log if direction == "<-"])
    kept = product.kept()
    assert "REDACTED" in said and "PATH=" in kept
    for text in (said, kept, stderr.read_text(), *(e.decode("utf-8", "replace") for e in environments)):
        assert KEY not in text
