"""Second opinions over LSP: a finding with its votes, its input pinned as a test, the versions as a document."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loop.test_opinions import ASKS_FIRST, CATCHES, SHARES, TEST, WITHOUT_IF
from tests.lsp.conftest import Start
from tests.lsp.test_implement import cursor
from tests.lsp.test_own_reviews import drawing, told, until
from tests.support.projects import write


@pytest.mark.slow
async def test_a_vote_is_shown_pinned_and_read(start: Start, project: Path) -> None:
    write(project, {"shares.py": SHARES, "tests/test_shares.py": TEST})
    user = {"opinions": {"versions": 3, "inputs": 20}}
    editor = await start(
        critic=[ASKS_FIRST, WITHOUT_IF, CATCHES], user=user, capabilities=drawing(), events=False, stream=False
    )
    uri = await editor.open(project / "shares.py")
    await editor.act(uri, "Ralph: second opinions", cursor(editor, uri, "if whole"))
    result = await editor.run_ended()
    assert (result["outcome"], result["command"], result["findings"]) == ("reviewed", "opinions", 1), result["reason"]
    votes = result["findingList"][0]["votes"]
    assert (votes["versions"], votes["agree"], votes["got"]) == (3, 3, "gives None") and votes["input"].endswith(", 0)")
    [finding] = await editor.wait_diagnostics(uri, 1, "ralph.opinion")
    assert finding["severity"] == 2 and finding["data"]["evidence"] == "voted"
    assert f"`{votes['input']}` gives None; 3 of 3 independent versions" in finding["message"]
    titles = [a["title"] for a in await editor.actions(uri, finding["range"])]
    assert {"Ralph: pin as test", "Ralph: show the versions", "Ralph: dismiss finding"} <= set(titles)
    named = {"uri": uri, "findingId": finding["data"]["findingId"]}
    shown = await editor.command("ralph.server.showVersions", named)
    read = await editor.rpc.request("workspace/textDocumentContent", {"uri": shown["uri"]})
    assert "except ZeroDivisionError" in read["result"]["text"] and "# gives 0" in read["result"]["text"]
    pinned = await editor.command("ralph.server.pin", named)
    await until(editor, ["pending"], "reproduces")
    proof = told(editor)["proof"]
    assert proof["evidence"] == "a test that fails until the finding is mended"
    assert proof["sentence"].startswith("A test that fails until this is mended: `share(")
    await editor.command("ralph.server.accept", {"reviewId": pinned["reviewId"]})
    await editor.rpc.wait_for(lambda: any("opinion" in b for b in editor.buffers), 10, "the pinned test")
    new = next(b for b in editor.buffers if "opinion" in b)
    assert "/tests/test_shares_opinion.py" in new and f"assert {votes['input']} == 0" in editor.text(new)
