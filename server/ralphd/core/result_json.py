"""RunResult and Finding as the JSON that docs/protocol.md gives: the same for editors and for `ralphd run --json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ralphd.core.findings import Finding
from ralphd.core.run import RunResult
from ralphd.core.text import Encoding, Span, Text

NO_USAGE = {"promptTokens": 0, "completionTokens": 0, "totalTokens": 0, "cachedTokens": 0, "calls": 0}


ActionKind = Literal[
    "fetchModel",
    "chooseModel",
    "setKey",
    "useTestCommand",
    "allowCommand",
    "allowEdit",
    "acceptWith",
    "openSetting",
    "installIsolation",
    "tryAgain",
    "showLog",
    "showRun",
    "raiseBudget",
    "setup",
]


@dataclass(frozen=True)
class Action:
    """Something a person can do about how a run ended: a command of the server with its arguments."""

    kind: ActionKind
    title: str
    command: str
    arguments: tuple[Mapping[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        arguments = [dict(argument) for argument in self.arguments]
        return {"kind": self.kind, "title": self.title, "command": self.command, "arguments": arguments}


def range_json(text: Text, span: Span, encoding: Encoding = "utf-16") -> dict[str, Any]:
    """The LSP Range of `span` (code point offsets) in `text`, with characters counted in units of `encoding`."""
    start, end = (text.position_at(offset, encoding) for offset in span)
    return {
        "start": {"line": start.line, "character": start.character},
        "end": {"line": end.line, "character": end.character},
    }


def finding_json(finding: Finding, finding_id: str, where: dict[str, Any]) -> dict[str, Any]:
    """One entry of `findingList`. `where`: the LSP Range of the finding in its file's current text."""
    return {
        "findingId": finding_id,
        "path": finding.path,
        "range": where,
        "kind": finding.kind,
        "severity": finding.severity,
        "evidence": finding.evidence,
        "message": finding.message,
        "scenario": finding.scenario,
        "votes": finding.votes.to_json() if finding.votes else None,
    }


def result_json(
    result: RunResult,
    *,
    review_id: str | None,
    hunks: int,
    findings: Sequence[dict[str, Any]],
    cost_shown: bool = True,
    actions: Sequence[Action] = (),
) -> dict[str, Any]:
    """`cost_shown`: whether the person wants to see money (setting `litellm.enable_cost_tracking`)."""
    return {
        "runId": result.run_id,
        "command": result.command,
        "outcome": result.outcome,
        "reason": result.reason,
        "iterations": result.iterations,
        "reviewId": review_id,
        "hunks": hunks,
        "findings": len(findings),
        "findingList": list(findings),
        "chaos": result.chaos.to_json() if result.chaos else None,
        "tests": result.tests.to_json() if result.tests else None,
        "usage": dict(result.usage) or dict(NO_USAGE),
        "cost": result.cost.to_json() if cost_shown else None,
        "models": {role: dict(model) for role, model in result.models.items()},
        "journal": result.journal,
        "mended": list(result.mended),
        "actions": [action.to_json() for action in actions],
    }
