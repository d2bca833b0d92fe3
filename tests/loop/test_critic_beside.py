"""The Critic beside the tests, several candidates at once, and a prompt that does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralphd.errors import ContextTooLong
from ralphd.models.scripted import Reply
from tests.loop.test_implement import RIGHT, SLUG, WRONG
from tests.support.projects import write
from tests.support.service import drive

PASS = '{"verdict": "pass", "findings": []}'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    write(root, SLUG)
    return root


async def test_beside_is_asked_for_each_candidate_and_counts_only_when_green(project: Path) -> None:
    run = await drive(
        project,
        {"artisan": [WRONG, RIGHT], "critic": [Reply(PASS, delay_s=30), PASS]},
        path="slug.py",
        at="raise",
        config={"loop": {"critic": "beside"}},
    )
    assert run.result.outcome == "proposed", run.result.reason
    assert [r.role for r in run.gateway.requests] == ["artisan", "critic", "artisan", "critic"]


@pytest.mark.slow
async def test_several_fresh_samples_at_once(project: Path) -> None:
    run = await drive(
        project,
        {"artisan": [WRONG, WRONG, WRONG, RIGHT, Reply(WRONG, delay_s=30)]},
        path="slug.py",
        at="raise",
        config={"loop": {"critic": "never", "max_iterations": 6}, "models": {"artisan": {"candidates": 3}}},
    )
    assert run.result.outcome == "proposed", run.result.reason
    side_by_side = run.gateway.requests[2:5]
    assert len({r.sample for r in side_by_side}) == 3 and len({r.messages for r in side_by_side}) == 1


async def test_a_prompt_too_long_is_shortened_once(project: Path) -> None:
    write(project, {"big.py": "import slug\n\n\ndef use():\n    return slug.slug('x')\n"})
    too_long = Reply(error=ContextTooLong("too long"))
    run = await drive(project, {"artisan": [too_long, RIGHT]}, path="slug.py", at="raise")
    assert run.result.outcome == "proposed"
    first, second = run.gateway.requests
    assert "big.py" in first.messages[1].content and "big.py" not in second.messages[1].content
