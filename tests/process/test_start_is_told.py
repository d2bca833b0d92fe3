"""The process that talks to models takes seconds to start: a run that waits for it says so from the beginning, and once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ralphd.app import build_service
from ralphd.core import events
from ralphd.core.run import RunRequest
from ralphd.core.runner import Decision, Question
from ralphd.core.wording import HOST_STARTING
from tests.support.projects import write
from tests.support.providers import Provider, Reply

pytestmark = pytest.mark.slow


async def test_from_the_beginning_and_no_more_when_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"pyproject.toml": "", "code.py": "def double(x):\n    return 2 * x\n"})

    async def ask(question: Question) -> Decision | None:
        return None

    with Provider("openai", default=Reply(pieces=('{"verdict": "pass", "findings": []}',))) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.api_base)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-person-0123456789")
        service = build_service(dict(os.environ))
        try:
            told: list[list[events.Event]] = [[], []]
            for number, heard in enumerate(told):
                text = (tmp_path / "code.py").read_text()
                asked = RunRequest(f"run-{number}", "critique", str(tmp_path), "code.py", text, sample=number)
                result = await service.run(asked, heard.append, ask)
                assert result.outcome == "reviewed", result.reason
        finally:
            await service.close()
    first = [event for event in told[0] if isinstance(event, events.Note | events.PhaseStarted)]
    assert first[1] == events.Note(HOST_STARTING), first  # behind the project's root, environment and command
    assert events.Note(HOST_STARTING) not in told[1]
