"""What the tests say beyond a run's ending, in clients that do not draw reviews: of a part that was taken, of faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lsp.conftest import TESTING, Start
from tests.lsp.test_implement import cursor
from tests.support.patience import seconds

CASED = """```python
import re

def slug(text):
    if len(text) > 4000:
        text = text[:4000]
    return "-".join(re.findall(r"[a-z0-9]+", text.lower()))
```
"""
SLOW_BASELINE = """
import time
from slug import slug

def test_spaces():
    try:
        slug("")
    except NotImplementedError:
        time.sleep(4)  # the control may take as long as the tests before it took: time enough on a busy machine
    assert slug("Hello World") == "hello-world"
"""


@pytest.mark.slow
async def test_a_part_that_is_red_and_faults_that_nobody_noticed(start: Start, project: Path) -> None:
    (project / "tests" / "test_slug.py").write_text(SLOW_BASELINE)
    every_fault = {"testing": {**TESTING, "control": "auto"}}
    editor = await start(artisan=[CASED], profile="neovim-0.12", user=every_fault)
    uri = await editor.open(project / "slug.py")
    await editor.command("ralph.server.implement", {"uri": uri, "range": cursor(editor, uri, "raise")})
    result = await editor.run_ended()
    assert (result["outcome"], result["hunks"]) == ("proposed", 2), result["reason"]
    planted = result["tests"]["control"]["unnoticed"]
    assert planted, result["tests"]["control"]
    # While the change waits, each fault is at the change, and there is nothing to attack yet.
    hints = await editor.wait_diagnostics(uri, len(planted), "ralph.unnoticed")
    assert {hint["severity"] for hint in hints} == {4}
    assert not [a for a in await editor.actions(uri, hints[0]["range"]) if a["title"] == "Ralph: attack here"]
    # Without its import the rest is not green: a warning, and an action that takes it after all.
    review = {"reviewId": result["reviewId"]}
    await editor.command("ralph.server.reject", {**review, "hunkId": "h1"})
    await editor.command("ralph.server.accept", {**review, "hunkId": "h2"})
    red = (await editor.wait_diagnostics(uri, 1, "ralph.proof", timeout=seconds(120)))[0]
    assert red["message"].startswith("Not green without change 1 (`import re`)") and red["severity"] == 2
    await editor.act(uri, "Ralph: accept change 1 (`import re`) too", red["range"])
    await editor.wait_diagnostics(uri, 0, "ralph.proof")
    await editor.rpc.wait_for(lambda: editor.text(uri).count("import re\n") == 1, seconds(30), "the import is taken")
    # Now each fault is at its line, one action away from chaos tests there, until the line is edited.
    lines = editor.text(uri).splitlines()

    def hints_at_lines() -> bool:
        hints[:] = [d for d in editor.diagnostics[uri] if d["code"] == "ralph.unnoticed"]
        return len(hints) == len(planted) and all("4000" in lines[h["range"]["start"]["line"]] for h in hints)

    await editor.rpc.wait_for(hints_at_lines, seconds(30), "hints at their lines")
    action = next(a for a in await editor.actions(uri, hints[0]["range"]) if a["title"] == "Ralph: attack here")
    assert action["command"]["command"] == "ralph.server.chaosTests"
    on_first = [hint for hint in hints if hint["range"]["start"]["line"] == hints[0]["range"]["start"]["line"]]
    await editor.replace(uri, lines[hints[0]["range"]["start"]["line"]].strip(), "pass")
    await editor.wait_diagnostics(uri, len(hints) - len(on_first), "ralph.unnoticed")
