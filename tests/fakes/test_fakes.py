"""No way to look green without being right ends as `proposed`, through the service that the product builds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.fakes.table import PROJECTS, SAMPLE, Fake, fakes
from tests.support import runner_installs
from tests.support.projects import write
from tests.support.service import drive

FAKES = {f"{fake.kind} {fake.name}": fake for fake in fakes()}


def test_the_table_is_big_enough() -> None:
    assert len(FAKES) >= 60
    assert FAKES.keys() >= SAMPLE


async def outcome_of(fake: Fake, root: Path) -> tuple[str, str]:
    files, argv, path = PROJECTS[fake.kind]
    if argv[0] in ("go", "cargo") and shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not installed")
    write(root, files)
    if fake.kind in ("jest", "vitest", "mocha", "ava"):
        runner_installs.javascript(root)
    run = await drive(
        root,
        {"artisan": [fake.answer, fake.answer]},
        path=path,
        argv=argv,
        instruction="Implement slug.",
        config={"loop": {"max_iterations": 1}, "testing": {"control": "auto"}},
    )
    return run.result.outcome, run.result.reason


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in SAMPLE else pytest.mark.full) for name in sorted(FAKES)]
)
async def test_a_fake_is_not_proposed(name: str, tmp_path: Path) -> None:
    outcome, reason = await outcome_of(FAKES[name], tmp_path / "project")
    assert outcome != "proposed", reason
    assert outcome != "internal_error", reason
