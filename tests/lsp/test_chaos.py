"""Chaos tests over LSP: a counterexample at the line, pinned as a test, mended by `fix`; admitted tests as a new file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.conftest import Start
from tests.lsp.test_implement import cursor
from tests.lsp.test_own_reviews import drawing, told, until
from tests.support.patience import seconds
from tests.support.projects import write

SOURCE = '''\
def clamp(x: int, low: int, high: int) -> int:
    """`x`, but never below `low` or above `high`."""
    if x < low:
        return low
    return x
'''
MODULE = '''```python
from hypothesis import given, strategies as st
from clamp import clamp


@given(st.integers(), st.integers(0, 10))
def test_not_above_high(x, high):
    """bounded: "never below `low` or above `high`" """
    assert clamp(x, 0, high) <= high


@given(st.integers())
def test_not_below_low(x):
    """bounded: "never below `low`" """
    assert clamp(x, 0, 10) >= 0
```
'''
FIXED = '```python\ndef clamp(x: int, low: int, high: int) -> int:\n    """`x`, bounded."""\n    return max(low, min(x, high))\n```\n'


@pytest.mark.slow
async def test_counterexample_pin_and_fix(start: Start, project: Path) -> None:
    write(
        project,
        {
            "clamp.py": SOURCE,
            "tests/test_clamp.py": "from clamp import clamp\n\ndef test_in():\n    assert clamp(1, 0, 2) == 1\n",
        },
    )
    user = {"chaos": {"max_examples": 40, "repeat": 1, "mutants": 3}}
    editor = await start(chaos=[MODULE], artisan=[FIXED], user=user, capabilities=drawing(), events=False, stream=False)
    uri = await editor.open(project / "clamp.py")
    await editor.act(uri, "Ralph: chaos tests", cursor(editor, uri, "if x"))
    result = await editor.run_ended()
    assert result["outcome"] == "tests_proposed", result["reason"]
    assert result["chaos"]["counterexamples"] == 1 and result["chaos"]["admitted"] >= 1
    await until(editor, ["pending"], "verified")
    admitted = told(editor)
    assert re.fullmatch(r"\d new tests? passed, \d of \d planted faults noticed", admitted["proof"]["evidence"])
    [finding] = await editor.wait_diagnostics(uri, 1, "ralph.chaos.counterexample")
    assert finding["severity"] == 1 and "x=" in finding["message"] and finding["data"]["evidence"] == "confirmed"
    titles = [a["title"] for a in await editor.actions(uri, finding["range"])]
    assert "Ralph: pin counterexample as test" in titles and "Ralph: dismiss finding" in titles
    pinned = await editor.command("ralph.server.pin", {"uri": uri, "findingId": finding["data"]["findingId"]})
    await until(editor, ["pending"], "reproduces")
    assert told(editor)["reviewId"] == pinned["reviewId"] != admitted["reviewId"]
    await editor.command("ralph.server.accept", {"reviewId": pinned["reviewId"]})
    await editor.rpc.wait_for(lambda: any("regression" in b for b in editor.buffers), 10, "the pinned test")
    new = next(b for b in editor.buffers if "regression" in b)
    assert "/tests/" in new and "@example(" in editor.text(new) and "test_not_above_high" in editor.text(new)
    await editor.act(uri, next(t for t in titles if t.startswith("Ralph: fix: ")), finding["range"])
    mended = await editor.run_ended()
    assert mended["outcome"] == "proposed", mended["reason"]
    await editor.command("ralph.server.accept", {"reviewId": mended["reviewId"]})
    await editor.rpc.wait_for(lambda: "max(low, min(x, high))" in editor.text(uri), seconds(30), "the mended text")

    def known() -> dict[str, Any]:
        """What was told last of the file of admitted tests, which is still to decide on."""
        mine = [e for e in editor.events if e["type"] == "hunksChanged" and e["reviewId"] == admitted["reviewId"]]
        return dict(mine[-1])

    await editor.rpc.wait_for(
        lambda: known()["proof"]["state"] == "stale", seconds(30), "they were tried on the code as it was"
    )
    assert known()["hunks"][0]["state"] == "pending" and known()["hunks"][0]["uri"].endswith("test_clamp_chaos.py")


TOKEN = ("ghp_", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0xR")
"""In two parts, which only the running test puts together: no text of the project or of the model holds it."""
KEYED = f'''```python
from hypothesis import given, strategies as st
from tokens import without


@given(st.sampled_from(["".join({TOKEN!r})]))
def test_no_token_stays(text):
    """masked: "never with a token in it" """
    assert "ghp_" not in without(text)
```
'''


@pytest.mark.slow
async def test_a_dismissed_counterexample_that_holds_a_key_is_not_shown_again(start: Start, project: Path) -> None:
    """What is shown of it has the key masked; it is known again all the same."""
    source = 'def without(text: str) -> str:\n    """`text`, never with a token in it."""\n    return text\n'
    write(project, {"tokens.py": source})
    user = {"chaos": {"max_examples": 5, "repeat": 1, "mutants": 1}, "testing": {}}
    editor = await start(root=project, chaos=[KEYED, KEYED], user=user)
    uri = await editor.open(project / "tokens.py")
    await editor.act(uri, "Ralph: chaos tests", cursor(editor, uri, "return"))
    first = await editor.run_ended()
    assert first["chaos"]["counterexamples"] == 1, first["reason"]
    [finding] = await editor.wait_diagnostics(uri, 1, "ralph.chaos.counterexample")
    assert "***REDACTED*** breaks" in finding["message"].replace("'", "") and "".join(TOKEN) not in finding["message"]
    named = {"uri": uri, "findingId": finding["data"]["findingId"]}
    assert await editor.command("ralph.server.dismiss", named) == {"dismissed": True}
    started = await editor.command("ralph.server.chaosTests", {"uri": uri})
    again = await editor.run_ended(started["runId"])
    assert again["findings"] == 0 and "1 dismissed before" in again["reason"], again["reason"]
