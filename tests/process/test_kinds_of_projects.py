"""`ralphd run` in each kind of project: the right root, environment and command; a wrong answer refused, a right one offered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ralphd.core import events
from tests.support import product
from tests.support.kinds_of_projects import KINDS, has
from tests.support.projects import tree, write
from tests.support.scripted_server import ScriptedServer
from tests.support.service import drive


async def test_a_member_of_a_monorepo(tmp_path: Path) -> None:
    """The ordinary tests' one row, with answers in place of the model host; `ralphd run` itself has them all."""
    kind = KINDS["uv monorepo"]
    write(tmp_path, kind.files)
    kind.prepare(tmp_path)
    path = kind.place.rpartition(":")[0]
    answers = {"artisan": [kind.wrong, kind.right]}
    run = await drive(tmp_path, answers, path=path, at="raise", argv=kind.command)
    assert (run.result.outcome, run.result.iterations) == ("proposed", 2), run.result.reason
    said = run.of(events.Note)[0].text
    command = " ".join(kind.command)
    assert said == f"Project {tmp_path}, in its folder packages/a; environment: .venv; tests: `{command}`."
    assert run.result.tests is not None and run.result.tests.passed == 2
    assert any(path == "packages/a/tests/test_calc.py" for path in run.result.tests.hashes)


@pytest.mark.full
@pytest.mark.parametrize("name", KINDS)
def test_right_root_command_and_verdict(name: str, tmp_path: Path) -> None:
    kind, base = KINDS[name], tmp_path / "work"
    if not has(kind.needs):
        pytest.skip(f"{kind.needs} is not installed")
    write(base, kind.files)
    kind.prepare(base)
    before = {path: data for path, data in tree(base).items() if path in kind.files}
    root = (base / kind.root).resolve()
    with ScriptedServer([kind.wrong, kind.right]) as model:
        # The working folder is that of the file, as where a person stands in a monorepo.
        file = base / kind.place.rpartition(":")[0]
        path = os.pathsep.join(filter(None, [kind.on_path(), os.environ["PATH"]]))
        ended = product.run(
            file.parent,
            f"{file.name}:{kind.place.rpartition(':')[2]}",
            model,
            environment={"PATH": path},
            testing={"command": list(kind.command), "control": "first"},
        )
    first = ended.stderr.splitlines()[0]
    assert first.startswith(f"Project {root}{f', in its folder {kind.folder}' if kind.folder else ''}; "), first
    assert f"environment: {kind.environment}" in first
    assert f"tests: `{' '.join(kind.command)}`" in first
    assert (ended.result["outcome"], ended.result["iterations"]) == ("proposed", 2), (ended.result, ended.stderr)
    assert len(ended.prompts) == 2
    assert {path: data for path, data in tree(base).items() if path in kind.files} == before
