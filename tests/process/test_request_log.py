"""The request log of a run tells how its answers were read, joined to their requests, and masked."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.product import run
from tests.support.projects import DOUBLE, code, write
from tests.support.scripted_server import ScriptedServer

KEY = "sk-of-a-person-0123456789abcdef"
REFUSED = code("def other(x):\n    return 1")
MENDED = code("import re\n\n\ndef double(x):\n    return 2 * x\n\n\nprint('" + KEY + "')")


@pytest.mark.full
def test_a_run_says_in_the_request_log_how_its_answers_were_read(tmp_path: Path) -> None:
    write(tmp_path, DOUBLE)
    with ScriptedServer([REFUSED, MENDED]) as model:
        ended = run(tmp_path, "double.py:2", model, environment={"OPENAI_API_KEY": KEY})
    assert ended.result["outcome"] == "proposed", ended.result
    [log] = Path(os.environ["XDG_STATE_HOME"]).rglob("litellm.log")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    asked, refused, again, mended = lines
    assert [line.get("read") for line in lines] == [None, "refused", None, "edited"]
    assert (refused["call"], mended["call"]) == (asked["call"], again["call"]) and asked["call"] != again["call"]
    assert "`double` is not in your block" in refused["why"] and refused["role"] == mended["role"] == "artisan"
    assert "dropped an unused import `re`" in mended["mended"]
    assert any("print(" in sentence for sentence in mended["mended"]) and KEY not in log.read_text()
    assert len(mended["mended"]) == len(ended.result["mended"])
