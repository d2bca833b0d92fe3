"""What the loop itself costs: from the command to the first request, and the wall time that is neither model nor tests.

The slug task: first token after 300 ms, 200 tokens a second, a wrong answer and then a right one.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.editor import idle, implement, session
from bench.measuring import PYTEST, RIGHT, WRONG, Row, median, scratch, user_settings, write_project
from bench.paced_model import Answer, Model, Seen, paced_model
from tests.support.fake_editor import FakeEditor

WARM_RUNS = 3
FIRST_S, TOKENS_PER_S = 0.3, 200.0
OVERHEAD = 0.05
LITELLM = """
import os, sys
os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_MODE="PRODUCTION")
import litellm
for part in litellm.completion(model="openai/scripted", api_base=sys.argv[1], api_key="none", stream=True,
                               messages=[{"role": "user", "content": "hi"}]):
    break
"""


@dataclass(frozen=True)
class Run:
    """Seconds. `tests` is what the test command took by the server's own count, baseline included."""

    wall: float
    to_request: float
    model: float
    tests: float
    test_runs: int

    @property
    def overhead(self) -> float:
        return self.wall - self.model - self.tests


async def one_run(editor: FakeEditor, uri: str, model: Model, skip: int) -> Run:
    editor.events.clear()
    run_id, sent = await implement(editor, uri)
    result = await editor.run_ended(run_id, timeout=120)
    ended = time.monotonic()
    assert (result["outcome"], result["iterations"]) == ("proposed", 2), result["reason"]
    seen: list[Seen] = model.seen()[skip:]
    durations = [event["tests"]["durationS"] for event in editor.events if event["type"] == "testsEnded"]
    await editor.command("ralph.server.reject", {"reviewId": result["reviewId"]})
    return Run(ended - sent, seen[0].came - sent, sum(s.ended - s.came for s in seen), sum(durations), len(durations))


async def measure_all() -> list[Row]:
    answers = [Answer(text, FIRST_S, 4, TOKENS_PER_S) for _ in range(WARM_RUNS + 1) for text in (WRONG, RIGHT)]
    with scratch() as (base, env), paced_model([*answers, Answer("x")]) as model:
        file = write_project(base / "project")
        async with session(file.parent, env, user_settings(model.base_url)) as editor:
            uri = await editor.open(file)
            cold = await one_run(editor, uri, model, 0)  # at once: nothing has been loaded, the first run pays for all
            await idle(editor.rpc.pid)
            warm, plain = [], []
            for number in range(WARM_RUNS):
                warm.append(await one_run(editor, uri, model, 2 * number + 2))
                plain.append(_tests_alone(base / f"plain{number}", env))
        litellm = _litellm_alone(env, model)
    wall, tests = median([r.wall for r in warm]), median([r.tests / r.test_runs for r in warm])
    overhead = median([r.overhead for r in warm])
    return [
        Row("command to first request, cold", cold.to_request, litellm, "s", "a script that imports litellm and asks"),
        Row(
            "command to first request, warm",
            median([r.to_request for r in warm]),
            median(plain),
            "s",
            "the test command alone, once",
        ),
        Row("loop overhead, warm (wall - model - tests)", overhead, wall, "s", "wall of the run", aim=OVERHEAD),
        Row("loop overhead, cold", cold.overhead, cold.wall, "s", "wall of the run"),
        Row("one run of the tests", tests, median(plain), "s", "the test command alone, once"),
        Row(
            "slug task, wall, warm",
            wall,
            median([r.model for r in warm]) + warm[0].test_runs * median(plain),
            "s",
            "model + its test runs, alone",
        ),
    ]


def _tests_alone(root: Path, env: dict[str, str]) -> float:
    """The same tests without ralphd, on a fresh tree as wrong as the one it works on."""
    write_project(root)
    began = time.monotonic()
    done = subprocess.run(PYTEST, cwd=root, env={**env, "PYTHONPATH": ""}, capture_output=True, check=False)
    assert done.returncode == 1, done.stdout.decode()
    return time.monotonic() - began


def _litellm_alone(env: dict[str, str], model: Model) -> float:
    """From spawn to its request."""
    before, began = len(model.seen()), time.monotonic()
    subprocess.run([sys.executable, "-c", LITELLM, model.base_url], env=env, capture_output=True, check=True)
    return model.seen()[before].came - began


def measure() -> list[Row]:
    return asyncio.run(measure_all())
