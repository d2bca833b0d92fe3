"""Clients that draw reviews themselves (`experimental.ralph.review`): no lenses, no diagnostics, proof and undo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.lsp.conftest import RIGHT, Start
from tests.lsp.test_implement import cursor
from tests.support.fake_editor import FakeEditor
from tests.support.patience import seconds
from tests.support.raw_rpc import load_capabilities


def drawing(**ralph: bool) -> dict[str, Any]:
    """VS Code's capabilities, for an extension that draws reviews."""
    offered = load_capabilities("vscode-languageclient-11.0.0")
    return {**offered, "experimental": {"ralph": {"events": True, "stream": True, "review": True, **ralph}}}


async def implement(editor: FakeEditor, project: Path) -> tuple[str, dict[str, Any]]:
    uri = await editor.open(project / "slug.py")
    at = cursor(editor, uri, "raise")
    await editor.command("ralph.server.implement", {"uri": uri, "range": at})
    return uri, await editor.run_ended()


def told(editor: FakeEditor) -> dict[str, Any]:
    """The last `hunksChanged`."""
    return next(event for event in reversed(editor.events) if event["type"] == "hunksChanged")


def states(editor: FakeEditor) -> list[str]:
    return [hunk["state"] for hunk in told(editor)["hunks"]]


async def until(editor: FakeEditor, expected: list[str], proof: str) -> None:
    await editor.rpc.wait_for(
        lambda: states(editor) == expected and told(editor)["proof"]["state"] == proof,
        seconds(30),
        f"{expected}, {proof}, not {[e for e in editor.events if e['type'] == 'hunksChanged'][-1:]}",
    )


@pytest.mark.slow
async def test_it_draws_alone_and_is_told_what_holds(start: Start, project: Path) -> None:
    editor = await start(artisan=[RIGHT], capabilities=drawing(), events=False, stream=False)
    uri, result = await implement(editor, project)
    assert (result["outcome"], result["hunks"]) == ("proposed", 2)
    await until(editor, ["pending", "pending"], "verified")
    event = told(editor)
    assert event["proof"]["needs"] == [hunk["hunkId"] for hunk in event["hunks"]] and event["proof"]["sentence"]
    assert event["home"] == uri and [hunk["creates"] for hunk in event["hunks"]] == [False, False]
    assert event["proof"]["evidence"].startswith("2 tests passed"), event["proof"]
    assert [hunk["outsideTarget"] for hunk in event["hunks"]] == [True, False], "the import stands above the function"
    assert await editor.lenses(uri) == []
    assert not [d for d in editor.diagnostics.get(uri, []) if d["code"] == "ralph.change"]
    titles = [a["title"] for a in await editor.actions(uri, editor.range_of(uri, "raise"))]
    assert "Ralph: accept change" in titles


async def test_undo_and_redo_are_seen(start: Start, project: Path) -> None:
    """One by one, and all at once; the review lives on when everything in it was accepted."""
    editor = await start(artisan=[RIGHT], capabilities=drawing(), events=False, stream=False)
    uri, result = await implement(editor, project)
    before = editor.text(uri)
    review = {"reviewId": result["reviewId"]}
    for hunk in ("h1", "h2"):
        await editor.command("ralph.server.accept", {**review, "hunkId": hunk})
        number = int(hunk[1])
        await until(editor, ["accepted"] * number + ["pending"] * (2 - number), "verified")
    assert told(editor)["proof"]["needs"] == []
    accepted = editor.text(uri)
    await editor.undo(uri)
    await until(editor, ["accepted", "pending"], "verified")
    await editor.undo(uri)
    await until(editor, ["pending", "pending"], "verified")
    assert editor.text(uri) == before
    await editor.change(uri, 0, len(before), accepted)
    await until(editor, ["accepted", "accepted"], "verified")
    await editor.change(uri, 0, len(accepted), before)
    await until(editor, ["pending", "pending"], "verified")
    elsewhere = {"command": "ralph.server.accept", "arguments": [{**review, "uri": f"{uri}x"}]}
    refused = await editor.rpc.request("workspace/executeCommand", elsewhere)
    assert refused["error"]["message"] == "No change waits in this file."
    await editor.command("ralph.server.accept", {**review, "uri": uri})
    await until(editor, ["accepted", "accepted"], "verified")


@pytest.mark.slow
async def test_what_was_edited_or_torn_apart_is_tested_again(start: Start, project: Path) -> None:
    """A verdict holds for one set of changes; for another the tests run again, and what is missing is named."""
    editor = await start(artisan=[RIGHT], capabilities=drawing(), events=False, stream=False)
    uri, result = await implement(editor, project)
    review = {"reviewId": result["reviewId"]}
    tests = await editor.open(project / "tests" / "test_slug.py")
    await until(editor, ["pending", "pending"], "verified")
    await editor.change(tests, 0, 0, "# typed\n")
    await until(editor, ["pending", "pending"], "stale")
    await editor.undo(tests)
    await until(editor, ["pending", "pending"], "verified")
    await editor.command("ralph.server.reject", {**review, "hunkId": "h1"})
    await until(editor, ["rejected", "pending"], "pending")
    await until(editor, ["rejected", "pending"], "broken")
    proof = told(editor)["proof"]
    assert proof["sentence"].startswith("Not green without change 1 (`import re`): 2 tests failing"), proof
    assert proof["needs"] == ["h1", "h2"]
    await editor.command("ralph.server.accept", review)
    await until(editor, ["rejected", "accepted"], "broken")
    accepted = editor.text(uri)
    await editor.replace(uri, "re.sub", "re.subn")
    await until(editor, ["rejected", "accepted"], "stale")
    await editor.undo(uri)
    assert editor.text(uri) == accepted
    await until(editor, ["rejected", "accepted"], "broken")
    action = told(editor)["proof"]["action"]
    assert action["title"] == "Accept change 1 (`import re`) too", action
    await editor.command(action["command"], *action["arguments"])
    await until(editor, ["accepted", "accepted"], "verified")
    await editor.replace(uri, ".lower()", ".casefold()")
    sentence = "All 2 changes as you edited them: 2 tests passed."
    await editor.rpc.wait_for(lambda: told(editor)["proof"]["sentence"] == sentence, seconds(30), sentence)


async def test_no_test_command_no_proof(start: Start, project: Path) -> None:
    user = {"testing": {"adversarial_tests": False}}
    editor = await start(artisan=[RIGHT], capabilities=drawing(), events=False, stream=False, user=user)
    _, result = await implement(editor, project)
    assert result["outcome"] == "proposed_unverified"
    await until(editor, ["pending"] * result["hunks"], "unverified")
    assert [action["kind"] for action in result["actions"]] == ["useTestCommand", "tryAgain", "showRun"]


@pytest.mark.slow
async def test_others_are_told_no_proof_and_keep_no_settled_review(start: Start, project: Path) -> None:
    editor = await start(artisan=[RIGHT], capabilities=drawing(review=False), events=False, stream=False)
    uri, result = await implement(editor, project)
    await editor.wait_diagnostics(uri, 2, "ralph.change")
    await editor.command("ralph.server.accept", {"reviewId": result["reviewId"]})
    await editor.wait_diagnostics(uri, 0, "ralph.change")
    await editor.rpc.wait_for(
        lambda: states(editor) == ["accepted", "accepted"], seconds(30), "both changes are told to be accepted"
    )
    await editor.undo(uri)
    assert states(editor) == ["accepted", "accepted"] and "proof" not in told(editor)
    gone = await editor.rpc.request(
        "workspace/executeCommand",
        {"command": "ralph.server.accept", "arguments": [{"reviewId": result["reviewId"]}]},
    )
    assert gone["error"]["message"] == "This review is over."


@pytest.mark.parametrize("outcome", ["untrusted", pytest.param("stuck", marks=pytest.mark.slow)])
async def test_an_ending_names_what_can_be_done(start: Start, project: Path, outcome: str) -> None:
    """Each action is a command that runs as it is given."""
    if outcome == "untrusted":
        (project / "ralph.config.yaml").write_text("testing: {command: [python, -m, pytest, -q]}\n")
        editor = await start(artisan=[RIGHT], user={"testing": {"adversarial_tests": False}})
    else:
        editor = await start(artisan=["prose", "prose", RIGHT])
    uri, result = await implement(editor, project)
    assert result["outcome"] == outcome, result["reason"]
    actions = {action["kind"]: action for action in result["actions"]}
    assert actions.keys() == {"tryAgain", "showRun", *({"allowCommand"} if outcome == "untrusted" else set())}
    for kind in ("allowCommand", "showRun"):
        if kind in actions:
            await editor.command(actions[kind]["command"], *actions[kind]["arguments"])
    await editor.rpc.wait_for(lambda: bool(editor.shown), seconds(30), "the record of the run")
    assert editor.shown[0]["uri"].startswith("ralph:/runs/") and editor.shown[0]["uri"].endswith(".md")
    await editor.command(actions["tryAgain"]["command"], *actions["tryAgain"]["arguments"])
    again = await editor.run_ended()
    assert again["outcome"] == "proposed" and again["actions"] == []
    assert uri
