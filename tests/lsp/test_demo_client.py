"""The demo's own editor: it names every phase of a run, and ends with what went wrong instead of waiting for ever."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest

from ralphd.core.events import Phase
from ralphd.lsp.client import Client
from ralphd.shell.demo import PHASES
from tests.lsp.conftest import RIGHT, USER


def test_every_phase_has_its_words() -> None:
    assert set(PHASES) == set(get_args(Phase))


async def test_what_fails_on_an_event_ends_the_run(project: Path, tmp_path: Path) -> None:
    script = tmp_path / "replies.json"
    script.write_text(json.dumps({"artisan": [RIGHT]}))
    argv = [sys.executable, "-m", "tests.support.serve", str(script)]
    client = await Client.spawn(argv, project, user_settings=USER, env=os.environ)

    def fail(event: Mapping[str, Any]) -> None:
        raise KeyError("a phase without words")

    try:
        client.on_event = fail
        uri = await client.open(project / "slug.py")
        with pytest.raises(KeyError, match="without words"):
            await client.run("implement", uri, 2)
    finally:
        await client.stop()
