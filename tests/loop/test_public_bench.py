"""The benchmark on public sets: what a model answered once gives the same table again, without the model."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

from bench.kept_answers import Answer, KeptAnswers, KeptGateway, prompt_hash
from bench.public import Ending, Laboratory, measure, table
from bench.public_sets import Task

from ralphd.models.gateway import CompletionRequest, Message
from ralphd.models.scripted import ScriptedGateway

STUB = 'def double(n):\n    """Twice `n`."""\n    raise NotImplementedError\n'
RIGHT = STUB.replace("raise NotImplementedError", "return n + n")


def judge(*calls: str) -> tuple[str, ...]:
    return ("python3", "-c", f"from solution import double; assert {' and '.join(calls)}")


TASK = Task(
    "Tiny/0",
    "solution.py",
    "def double(",
    {"solution.py": STUB},
    judge("double(2) == 4"),
    RIGHT,
    {},
    judge("double(2) == 4", "double(3) == 6"),
)


async def rows(tmp_path: Path, kept: KeptAnswers, model: ScriptedGateway | None) -> list[Ending]:
    scratch = tmp_path / ("asked" if model else "replayed")
    scratch.mkdir()
    environ = {**os.environ, **{f"XDG_{kind}_HOME": str(scratch / kind) for kind in ("CONFIG", "STATE", "CACHE")}}

    async def opened(root: Path) -> ScriptedGateway:
        assert model is not None
        return model

    lab = Laboratory(scratch, environ, kept, opened if model else None)
    return await measure(lab, [TASK], ["greedy"])


async def test_a_replay_gives_the_same_table(tmp_path: Path) -> None:
    kept_at = tmp_path / "tiny.jsonl.gz"
    wrong = STUB.replace("raise NotImplementedError", "return n ** 2")
    model = ScriptedGateway({"artisan": [f"```python\n{wrong}```\n"]}, local=True)
    kept = KeptAnswers(kept_at)
    asked = await rows(tmp_path, kept, model)
    assert len(model.requests) == 1
    assert [(e.solved, e.wrong, e.missing) for e in asked] == [(False, True, 0)]
    kept.pack()
    replayed = await rows(tmp_path, KeptAnswers(kept_at), None)
    assert replayed == asked
    assert "| one greedy answer | 0 of 1 | 1 | 1 |" in table(replayed)


def test_what_was_written_down_before_a_stop_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "some" / "answers.jsonl.gz"
    kept = KeptAnswers(path)
    for name in ("one", "two"):
        kept.add(Answer(name, "implement", "hash", f"the answer {name}"))
    assert len(gzip.decompress(path.read_bytes()).splitlines()) == 2
    path.write_bytes(path.read_bytes()[:-9])
    again = KeptAnswers(path)
    assert again.find(("one", "implement", "hash")) is not None
    again.pack()
    assert len(KeptAnswers(path)) == len(again)


async def test_equal_questions_have_one_answer(tmp_path: Path) -> None:
    model = ScriptedGateway({"artisan": ["first", "second"]})
    request = CompletionRequest(role="artisan", messages=(Message(role="user", content="?"),), temperature=0.8)
    other = request.model_copy(update={"sample": 1})
    gateway = KeptGateway(KeptAnswers(tmp_path / "a.jsonl.gz"), "task", "implement", model)
    answers = [(await gateway.complete(one)).text for one in (request, other, request)]
    assert answers == ["first", "second", "first"]
    assert prompt_hash(request) != prompt_hash(other)
