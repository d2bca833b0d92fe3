"""What a person made of a proposal, judged again by the service: the run's own command and baseline, nothing asked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ralphd.app import build_service
from ralphd.core.events import ignore
from ralphd.core.run import RunRequest
from ralphd.core.runner import Decision, Question
from ralphd.models.scripted import ScriptedGateway
from tests.support.projects import PYTEST, code, write

FILES = {
    "calc.py": "def add(a, b):\n    raise NotImplementedError\n",
    "test_calc.py": "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
}
OFF = {
    "testing": {"adversarial_tests": False, "control": "off"},
    "loop": {"critic": "never"},
}


@pytest.mark.slow
async def test_it_runs_the_command_that_was_allowed_and_no_other(tmp_path: Path) -> None:
    config = "testing: {command: [" + ", ".join(PYTEST) + "]}\n"
    write(tmp_path, {**FILES, "ralph.config.yaml": config})
    asked: list[Question] = []

    async def ask(question: Question) -> Decision | None:
        asked.append(question)
        return "once"

    gateway = ScriptedGateway({"artisan": [code("def add(a, b):\n    return a + b")]})
    service = build_service(dict(os.environ), command_line=OFF, scripted=gateway)
    try:
        request = RunRequest("run-1", "implement", str(tmp_path), "calc.py", FILES["calc.py"], None, "Do it.")
        result = await service.run(request, ignore, ask)
        assert (result.outcome, len(asked)) == ("proposed", 1), result.reason
        right = await service.judge("run-1", {}, result.edits)
        assert (right.state, right.why) == ("green", "1 test passed") and "calc.py" in right.hashes
        buffer = {"test_calc.py": FILES["test_calc.py"].replace("test_add", "test_sum").encode()}
        renamed = await service.judge("run-1", buffer, result.edits)
        assert (renamed.state, renamed.why) == ("green", "1 test passed"), (
            "a test that the person renamed is not missed"
        )
        wrong = await service.judge("run-1", {}, {"calc.py": "def add(a, b):\n    return a - b\n"})
        assert (wrong.state, wrong.failing) == ("red", ("test_calc.py::test_add",))
        killed = {"calc.py": "import os\n\n\ndef add(a, b):\n    os.kill(os.getpid(), 9)\n"}
        assert (await service.judge("run-1", {}, killed)).state == "unknown", "a run without its end shows nothing"
        assert (await service.judge("run-2", {}, {})).state == "unknown"
        write(tmp_path, {"ralph.config.yaml": "testing: {command: [python, -c, pass]}\n"})
        assert (await service.judge("run-1", {}, result.edits)).state == "unknown", "another command"
        write(tmp_path, {"ralph.config.yaml": config})
        assert await service.decide(asked[0].digest, "never")
        assert (await service.judge("run-1", {}, result.edits)).state == "unknown", "forbidden since"
        assert len(asked) == 1 and len(gateway.requests) == 1, "nobody was asked"
    finally:
        await service.close()
