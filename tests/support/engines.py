"""The composition root with a scripted model: consent, books, journal and sandbox are real."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ralphd.app import Engine
from ralphd.core import events
from ralphd.core.run import Command, RunRequest, RunResult
from ralphd.core.runner import Decision, Question
from ralphd.models.scripted import Reply, ScriptedGateway
from tests.support.loops import PYTEST


async def run(
    root: Path,
    path: str,
    replies: Mapping[str, Sequence[Reply | str]],
    *,
    command: Command = "implement",
    at: str = "",
    config: Mapping[str, Any] | None = None,
    seen: list[events.Event] | None = None,
    answer: Decision = "never",
    gateway: ScriptedGateway | None = None,
    **request: Any,
) -> RunResult:
    text = (root / path).read_bytes().decode("utf-8", "replace")
    span = (text.index(at), text.index(at)) if at else None
    user = {"testing": {"command": list(PYTEST), "adversarial_tests": False}, "loop": {"critic": "never"}}
    engine = Engine(
        dict(os.environ), command_line={**user, **(config or {})}, gateway=gateway or ScriptedGateway(replies)
    )

    async def ask(question: Question) -> Decision:
        return answer

    asked = RunRequest(f"run-{os.urandom(4).hex()}", command, str(root), path, text, span, **request)
    try:
        return await engine.run(asked, (seen if seen is not None else []).append, ask)
    finally:
        await engine.close()
