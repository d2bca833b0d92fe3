"""Critique, through the real server: what is shown, how sure it is, how it moves, and how it goes away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.conftest import RIGHT, Start
from tests.support.projects import write

ERROR, WARNING, HINT = 1, 2, 4


def finding(**keys: Any) -> dict[str, Any]:
    given = {
        "path": "slug.py",
        "kind": "logic",
        "severity": "error",
        "message": "It only raises.",
        "scenario": "any call",
    }
    return {**given, "quote": "raise NotImplementedError", **keys}


def answer(*findings: dict[str, Any]) -> str:
    return json.dumps({"verdict": "revise", "findings": findings})


def test(expected: str) -> str:
    return f"from slug import other\n\ndef test_it():\n    assert other() == {expected!r}\n"


test.__test__ = False  # type: ignore[attr-defined]
QUOTED = finding()
CONFIRMED = finding(
    kind="api", quote='return "other"', message="It should say else.", scenario="other()", test=test("else")
)
REFUTED = finding(kind="style", quote="def other():", message="Refuted.", test=test("other"))
ABSENT = finding(kind="security", quote="eval(text)", message="Absent.")


async def critique(editor: Any, uri: str) -> dict[str, Any]:
    await editor.act(uri, "Ralph: critique")
    result: dict[str, Any] = await editor.run_ended()
    return result


async def test_findings_live_with_the_text(start: Start, project: Path) -> None:
    """Anchored by quote; sure only after a run; shifted, a hint when touched, gone when saved so or dismissed."""
    editor = await start(critic=[answer(QUOTED, CONFIRMED, REFUTED, ABSENT)] * 2)
    uri = await editor.open(project / "slug.py")
    before = (project / "slug.py").read_bytes()
    result = await critique(editor, uri)
    assert (result["outcome"], result["findings"], result["hunks"]) == ("reviewed", 2, 0), result["reason"]
    assert {f["kind"]: (f["severity"], f["evidence"]) for f in result["findingList"]} == {
        "logic": ("warning", "quoted"),
        "api": ("error", "confirmed"),
    }

    def shown() -> dict[str, Any]:
        found = {str(d["code"]): d for d in editor.diagnostics.get(uri, [])}
        for d in found.values():
            assert d["source"] == "ralph" and editor.diagnostics_version[uri] == editor.buffers[uri].version
        return found

    found = shown()
    assert set(found) == {"ralph.critic.logic", "ralph.critic.api"}
    quoted, confirmed = found["ralph.critic.logic"], found["ralph.critic.api"]
    assert (quoted["severity"], confirmed["severity"]) == (WARNING, ERROR)
    assert quoted["data"].keys() == {"findingId", "evidence"} and quoted["data"]["evidence"] == "quoted"
    assert confirmed["data"]["evidence"] == "confirmed"
    assert quoted["message"] == "It only raises.\nany call"
    assert quoted["range"] == editor.range_of(uri, "raise NotImplementedError")
    listed = {f["findingId"]: f["range"] for f in result["findingList"]}
    assert listed == {d["data"]["findingId"]: d["range"] for d in found.values()}

    async def after(severity: int | None) -> None:
        def fits() -> bool:
            d = {str(d["code"]): d for d in editor.diagnostics.get(uri, [])}.get("ralph.critic.logic")
            current = editor.diagnostics_version.get(uri) == editor.buffers[uri].version
            return current and (d["severity"] if d else None) == severity

        await editor.rpc.wait_for(fits, 5, f"severity {severity}")

    await editor.change(uri, 0, 0, "# 🙂 typed above\r\n\n")
    await after(WARNING)
    assert shown()["ralph.critic.logic"]["range"] == editor.range_of(uri, "raise NotImplementedError")
    await editor.replace(uri, "raise NotImplementedError", "raise ValueError")
    await after(HINT)
    assert shown()["ralph.critic.logic"]["tags"] == [1]
    await editor.replace(uri, "raise ValueError", "raise NotImplementedError")
    await after(WARNING)
    titles = [a["title"] for a in await editor.actions(uri, editor.range_of(uri, 'return "other"'))]
    assert "Ralph: fix: It should say else." in titles and "Ralph: dismiss finding" in titles
    await editor.act(uri, "Ralph: dismiss finding", editor.range_of(uri, 'return "other"'))
    await editor.wait_diagnostics(uri, 1, "ralph.critic")
    await editor.replace(uri, "raise NotImplementedError", "raise ValueError")
    await editor.save(uri)
    await editor.wait_diagnostics(uri, 0, "ralph.critic")

    (project / "slug.py").write_bytes(before)
    await editor.change(uri, 0, len(editor.text(uri)), before.decode())
    again = await critique(editor, uri)
    assert [f["kind"] for f in again["findingList"]] == ["logic"], "what was dismissed stays away"
    assert [d["code"] for d in editor.diagnostics[uri]] == ["ralph.critic.logic"]
    assert (project / "slug.py").read_bytes() == before

    (kept,) = (await editor.command("ralph.server.dismissals"))["dismissals"]
    assert kept["text"] == "slug.py: It should say else."
    again_please = {"command": "ralph.server.undismiss", "arguments": [{"fingerprint": kept["fingerprint"]}]}
    assert await editor.rpc.result("workspace/executeCommand", again_please) == {"undismissed": True}
    assert await editor.command("ralph.server.dismissals") == {"dismissals": []}
    refused = await editor.rpc.request("workspace/executeCommand", again_please)
    assert "No finding with this fingerprint" in refused["error"]["message"]


async def test_fix_runs_the_loop_with_the_finding(start: Start, project: Path) -> None:
    editor = await start(critic=[answer(QUOTED)], artisan=[RIGHT], user={"critic": {"confirm": False}})
    uri = await editor.open(project / "slug.py")
    assert (await critique(editor, uri))["findings"] == 1
    await editor.act(uri, "Ralph: fix: It only raises.", editor.range_of(uri, "raise"))
    result = await editor.run_ended()
    assert (result["command"], result["outcome"]) == ("fix", "proposed"), result["reason"]
    await editor.act(uri, "Ralph: accept all changes")
    await editor.wait_diagnostics(uri, 0, "ralph.change")
    assert "re.sub" in editor.text(uri)
    gone = await editor.rpc.request(
        "workspace/executeCommand",
        {"command": "ralph.server.fix", "arguments": [{"uri": uri, "findingId": "f999"}]},
    )
    assert gone["error"]["code"] == -32803
    journal = Path(result["journal"]).read_text()
    assert "Mend what the review found" in journal and "It only raises." in journal


GREEN = """\
import re


def slug(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def other():
    return "other"
"""


@pytest.mark.slow
async def test_a_fix_deals_with_its_finding_and_no_other(start: Start, project: Path) -> None:
    """A fix that fails leaves the finding where it is; one that is accepted takes it away."""
    write(project, {"slug.py": GREEN})
    beside = finding(quote="def slug(text):", message="Another.")
    fixed = '```python\ndef other():\n    return "else"\n```\n'
    editor = await start(critic=[answer(beside, CONFIRMED)], artisan=["prose", "prose", fixed])
    uri = await editor.open(project / "slug.py")
    assert (await critique(editor, uri))["findings"] == 2
    at = editor.range_of(uri, 'return "other"')
    await editor.act(uri, "Ralph: fix: It should say else.", at)
    assert (await editor.run_ended())["outcome"] == "stuck"
    await editor.wait_diagnostics(uri, 2, "ralph.critic")
    await editor.act(uri, "Ralph: fix: It should say else.", at)
    result = await editor.run_ended()
    assert result["outcome"] == "proposed" and "still stand" not in result["reason"], result["reason"]
    await editor.command("ralph.server.accept", {"reviewId": result["reviewId"]})
    [left] = await editor.wait_diagnostics(uri, 1, "ralph.critic")
    assert left["message"].startswith("Another.")


@pytest.mark.slow
async def test_a_fix_says_when_the_lines_still_stand(start: Start, project: Path) -> None:
    write(project, {"slug.py": GREEN})
    asked = finding(quote='return "other"', message="Say what for.", kind="style")
    commented = '```python\ndef other():\n    # the other one\n    return "other"\n```\n'
    editor = await start(critic=[answer(asked)], artisan=[commented], user={"critic": {"confirm": False}})
    uri = await editor.open(project / "slug.py")
    await critique(editor, uri)
    (shown,) = editor.diagnostics[uri]
    await editor.command("ralph.server.fix", {"uri": uri, "findingId": shown["data"]["findingId"]})
    result = await editor.run_ended()
    assert result["outcome"] == "proposed_unverified" and "still stand" in result["reason"], result["reason"]


async def test_callers_are_named(start: Start, project: Path) -> None:
    write(project, {"menu.py": "from slug import other\n\n\ndef label():\n    return other().upper()\n"})
    called = finding(
        quote='return "other"', kind="api", message="Breaks the menu.", scenario="label() in menu.py -> OTHER"
    )
    editor = await start(critic=[answer(called)], user={"critic": {"confirm": False}})
    uri = await editor.open(project / "slug.py")
    await critique(editor, uri)
    (shown,) = editor.diagnostics[uri]
    [related] = shown["relatedInformation"]
    assert related["location"]["uri"].endswith("/menu.py") and related["location"]["range"]["start"]["line"] == 3
    assert related["message"] == "`label` calls it"


async def test_nothing_found_is_said_with_what_it_cost(start: Start, project: Path) -> None:
    editor = await start(critic=[answer()])
    uri = await editor.open(project / "slug.py")
    result = await critique(editor, uri)
    assert (result["outcome"], result["findings"]) == ("reviewed", 0)
    assert result["reason"] == "Nothing found."
    assert result["cost"]["byRole"]["critic"] == result["cost"]["usd"] == 0.001
    assert result["usage"]["totalTokens"] > 0


async def test_a_client_without_extras_gets_no_extras(start: Start, project: Path) -> None:
    """No opt-in, no custom message; no tag support, no tags; hostile text stays text."""
    hostile = finding(message="\x1b[31m[click](command:x)<script>\u202e", scenario="<b>s</b>")
    editor = await start(
        critic=[answer(hostile)], events=False, stream=False, capabilities={}, user={"critic": {"confirm": False}}
    )
    uri = await editor.open(project / "slug.py")
    await editor.command("ralph.server.critique", {"uri": uri})
    (shown,) = await editor.wait_diagnostics(uri, 1, "ralph.critic")
    assert shown["message"] == "click\ns" and "tags" not in shown
    await editor.replace(uri, "raise NotImplementedError", "pass")
    await editor.rpc.wait_for(lambda: editor.diagnostics[uri][0]["severity"] == HINT, 5)
    assert "tags" not in editor.diagnostics[uri][0]
    sent = {m["method"] for way, m in editor.rpc.log if way == "<-" and "method" in m}
    assert sent <= {"textDocument/publishDiagnostics", "window/logMessage", "window/showMessage"}, sent
