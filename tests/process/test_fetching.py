"""Fetching the embedded model from an editor: its progress, one download at a time, and an end when a person cancels."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from tests.support import product
from tests.support.fake_editor import FakeEditor
from tests.support.processes import descendants, gone

TITLE = "Ralph: fetching the embedded model"


@pytest.mark.slow
async def test_a_download_shows_how_far_it_is_and_can_be_cancelled(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and never says a word
        place = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environ = {**os.environ, "HTTPS_PROXY": place, "https_proxy": place, "PIP_INDEX_URL": f"{place}/simple"}
        editor = await FakeEditor.start(
            [sys.executable, "-P", "-m", "ralphd"], tmp_path, env=environ, stderr_path=tmp_path / "stderr.log"
        )
        said: list[str] = []
        editor.rpc.listeners.append(lambda method, params: said.append(str((params or {}).get("message", ""))))
        try:
            await editor.command("ralph.server.fetchModel")
            await editor.rpc.wait_for(
                lambda: any("0 of 1,117 MB" in str(values) for values in editor.progress.values()),
                product.HANGS_S,
                "a report",
            )
            ((token, shown),) = editor.progress.items()
            assert shown[0]["title"] == TITLE and shown[0]["cancellable"]
            await editor.command("ralph.server.fetchModel")
            await editor.rpc.wait_for(
                lambda: any("being fetched already" in text for text in said), product.HANGS_S, "a refusal"
            )
            children = descendants(editor.rpc.pid)
            await editor.rpc.notify("window/workDoneProgress/cancel", {"token": token})
            await editor.rpc.wait_for(lambda: shown[-1]["kind"] == "end", product.HANGS_S, "its end")
            assert shown[-1]["message"].startswith("Stopped.")
            assert not any("could not" in text for text in said) and len(editor.progress) == 1
            await gone({pid for pid in children if pid not in descendants(editor.rpc.pid)}, product.HANGS_S)
            await editor.stop()
        finally:
            await editor.rpc.kill()
