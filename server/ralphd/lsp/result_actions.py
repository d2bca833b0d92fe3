"""What a person can do about the ending of a run, as commands of this server: any client can run them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ralphd.core.mends import Mend, MendKind
from ralphd.core.result_json import Action, range_json
from ralphd.core.run import RunResult
from ralphd.core.text import Text
from ralphd.lsp.command_ids import PREFIX
from ralphd.lsp.diagnostics import ShownFinding
from ralphd.lsp.live_run import LiveRun
from ralphd.lsp.workspace import Workspace

_WORTH_ANOTHER_TRY = frozenset(
    {
        "proposed_unverified",
        "proposed_suspect",
        "proposed_failing",
        "stuck",
        "iteration_limit",
        "budget_exceeded",
        "stale",
        "untrusted",
        "misconfigured",
        "provider_failed",
        "internal_error",
    }
)
_TITLES: Mapping[MendKind, str] = {
    "fetchModel": "Fetch it (1.1 GB)",
    "setKey": "Set key",
    "chooseModel": "Choose a model",
    "raiseBudget": "Raise {}",
    "openSetting": "Open {}",
    "setup": "Set up ralphd",
    "installIsolation": "Install bubblewrap",
    "useTestCommand": "Use `{}`",
}
_IN_THE_LOG = frozenset({"provider_failed", "internal_error"})
"""Outcomes that the masked log of requests to models may explain."""


def actions_for(
    run: LiveRun, result: RunResult, review_id: str | None, workspace: Workspace, shown: Sequence[ShownFinding] = ()
) -> list[Action]:
    """In the order in which they are worth trying; none for a run that ended well. `shown`: the result's findings."""
    found = [_mending(mend, run.uri) for mend in result.mends]
    if result.outcome in _WORTH_ANOTHER_TRY:
        found += [_allowing(one) for one in shown if one.finding.kind == "locked"]
    if result.outcome == "untrusted" and run.asked_digest:
        given = {"digest": run.asked_digest, "decision": "always"}
        found.append(Action("allowCommand", "Always allow this command", f"{PREFIX}trust", (given,)))
    if result.outcome in _WORTH_ANOTHER_TRY and (again := _again(run, review_id, workspace)) is not None:
        found.append(again)
    if result.outcome in _IN_THE_LOG:
        found.append(Action("showLog", "Show log", f"{PREFIX}showLog", ()))
    if result.outcome in _WORTH_ANOTHER_TRY and result.journal:
        found.append(Action("showRun", "Show run", f"{PREFIX}showRun", ({"runId": run.run_id},)))
    return found


def _mending(mend: Mend, uri: str) -> Action:
    """A client may do better by the kind, as with a box for a key; what every client can do is to open the place."""
    title = _TITLES[mend.kind].format(shlex.join(mend.command) or mend.setting)
    if mend.kind == "useTestCommand":
        return Action(mend.kind, title, f"{PREFIX}{mend.kind}", ({"uri": uri, "command": list(mend.command)},))
    if mend.kind == "installIsolation":
        return Action(mend.kind, title, f"{PREFIX}{mend.kind}", ({"argv": list(mend.command)},))
    if mend.kind in ("fetchModel", "setup"):
        return Action(mend.kind, title, f"{PREFIX}{mend.kind}", ())
    return Action(mend.kind, title, f"{PREFIX}openSetting", ({"key": mend.setting, "uri": uri},))


def _allowing(shown: ShownFinding) -> Action:
    """An edit that was refused is made only where the person says so of this one file."""
    given = {"uri": shown.uri, "findingId": shown.finding_id}
    return Action("allowEdit", f"Allow editing {shown.finding.path}", f"{PREFIX}allow", (given,))


def _again(run: LiveRun, review_id: str | None, workspace: Workspace) -> Action | None:
    """A fresh sample of a proposal, else the same command at the same place; a fix is started at its finding."""
    if review_id is not None:
        return Action("tryAgain", "Try again", f"{PREFIX}retry", ({"reviewId": review_id},))
    request = run.request
    if request.command == "fix":
        return None
    argument: dict[str, Any] = {"uri": run.uri}
    if request.span is not None:
        document = workspace.documents.get(run.uri)
        text = document.text if document else Text(request.text)
        argument["range"] = range_json(text, request.span, workspace.client.encoding)
    if request.instruction:
        argument["instruction"] = request.instruction
    return Action("tryAgain", "Try again", f"{PREFIX}{request.command}", (argument,))
