"""Runs through the service that the product builds, with scripted answers in place of the model host.

Settings, consent, books, journal, shadow copies and the gate are the product's own, made by `app.build_service`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ralphd.app import build_service
from ralphd.core import events
from ralphd.core.run import Command, RunRequest, RunResult
from ralphd.core.runner import Decision, Question
from ralphd.models.scripted import Reply, ScriptedGateway
from tests.support.patience import seconds
from tests.support.projects import PYTEST


@dataclass
class Outcome:
    result: RunResult
    gateway: ScriptedGateway
    events: list[events.Event] = field(default_factory=list)
    asked: list[Question] = field(default_factory=list)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def line_settings(config: Mapping[str, Any] | None = None, argv: Sequence[str] = PYTEST) -> dict[str, Any]:
    """Settings of the command line for a run that shows the loop alone: no Critic, no Chaos, one planted fault unless `config`
    says so."""
    given: dict[str, Any] = {
        "testing": {"adversarial_tests": False, "control": "first"},
        "loop": {"critic": "never"},
        "opinions": {"use": "never"},
        "chaos": {"timeout_s": min(seconds(60), 600)},
    }
    if argv:
        given["testing"]["command"] = list(argv)
    for key, value in (config or {}).items():
        given[key] = {**given.get(key, {}), **value} if isinstance(value, Mapping) else value
    return given


async def drive(
    root: Path,
    replies: Mapping[str, Sequence[Reply | str]],
    *,
    path: str,
    at: str | tuple[int, int] = "",
    command: Command = "implement",
    argv: Sequence[str] = PYTEST,
    config: Mapping[str, Any] | None = None,
    instruction: str = "",
    local: bool = False,
    text: str | None = None,
    gateway: ScriptedGateway | None = None,
    tell: events.Emit = lambda event: None,
    answer: Decision | None = "never",
    environ: Mapping[str, str] | None = None,
    **request: Any,
) -> Outcome:
    """One run on `path` with the cursor at the first `at`, or with a selection. `tell` hears each event at once;
    `answer` is what the person says to every question."""
    source = text if text is not None else (root / path).read_bytes().decode("utf-8", "replace")
    span = at if isinstance(at, tuple) else (source.index(at), source.index(at)) if at else None
    run_id = f"run-{os.urandom(4).hex()}"
    asked = RunRequest(run_id, command, str(root), path, source, span, instruction, **request)
    outcome = Outcome(
        RunResult(run_id, command, "internal_error", ""), gateway or ScriptedGateway(replies, local=local)
    )

    def emit(event: events.Event) -> None:
        outcome.events.append(event)
        tell(event)

    async def ask(question: Question) -> Decision | None:
        outcome.asked.append(question)
        return answer

    service = build_service(
        dict(os.environ if environ is None else environ),
        command_line=line_settings(config, argv),
        scripted=outcome.gateway,
    )
    try:
        outcome.result = await service.run(asked, emit, ask)
    finally:
        await service.close()
    return outcome


async def result_of(root: Path, path: str, replies: Mapping[str, Sequence[Reply | str]], **given: Any) -> RunResult:
    """As `drive`, where only the result is looked at."""
    return (await drive(root, replies, path=path, **given)).result
