"""A test prints its whole environment: no key and no password of the person is in it, so none can travel on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.conftest import PLACE, RIGHT, WRONG
from tests.support import product
from tests.support.projects import write
from tests.support.scripted_server import ScriptedServer

CANARY = "canary-5f1d0c7e"
NAMES = (
    "OPENAI_API_KEY", "ANTHROPIC_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "NPM_TOKEN", "CARGO_REGISTRY_TOKEN",
    "DATABASE_URL", "PGPASSWORD", "PIP_INDEX_URL", "GOPROXY", "HTTPS_PROXY", "SSH_AUTH_SOCK", "MY_OWN_THING",
    "NODE_AUTH_TOKEN", "UV_INDEX_URL", "PYTHONSTARTUP", "LD_PRELOAD_OF_MINE",
)  # fmt: skip
PRINTS = """
import os
from double import double

def test_double():
    shown = " ".join(f"{name}={value[:50]}" for name, value in sorted(os.environ.items()) if name != "PATH")
    assert double(2) == 4, shown + " all-is-printed"

def test_shared():
    assert os.environ.get("SHARED") == "agreed", sorted(os.environ)
"""


@pytest.mark.row("S5")
@pytest.mark.slow
def test_no_variable_of_the_person_travels(project: Path) -> None:
    write(project, {"tests/test_double.py": PRINTS})
    environment = {name: f"{CANARY}-{name}" for name in NAMES} | {"SHARED": "agreed"}
    with ScriptedServer([WRONG, RIGHT]) as model:
        ended = product.run(project, PLACE, model, environment=environment, testing={"env": ["SHARED", "NOT_SET"]})
    assert ended.result["outcome"] == "proposed", ended.stderr
    assert "all-is-printed" in ended.prompts[1], "what the test printed is in the second prompt"
    assert CANARY not in ended.everything


@pytest.mark.slow
@pytest.mark.row("S5")
def test_a_repository_cannot_ask_for_a_variable(project: Path) -> None:
    write(project, {"tests/test_double.py": PRINTS, "ralph.config.yaml": "testing: {env: [MY_OWN_THING, SHARED]}\n"})
    with ScriptedServer([WRONG, RIGHT]) as model:
        environment = {"MY_OWN_THING": CANARY, "SHARED": "agreed"}
        ended = product.run(project, PLACE, model, environment=environment)
    assert CANARY not in ended.everything
    assert ended.result["outcome"] != "internal_error"
    assert "agreed" not in ended.prompts[1].replace('== \\"agreed\\"', "").replace("== 'agreed'", "")
