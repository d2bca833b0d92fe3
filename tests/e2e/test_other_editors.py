"""The files of `editors/`, loaded by the editors themselves: the main job in Emacs and in Helix, by a scripted model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.editor_installs import environment_in, install
from tests.e2e.helix import Helix
from tests.e2e.slug_project import BODY, STUB, answers
from tests.support.patience import SCALE, seconds
from tests.support.scripted_server import ScriptedServer

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
EDITORS = ROOT / "editors"
SERVER = [sys.executable, "-m", "ralphd", "serve"]


@pytest.fixture
def model() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.replies = answers(BODY)
        yield server


@pytest.fixture
def environment(model: ScriptedServer, project: Path, tmp_path: Path) -> dict[str, str]:
    """A person's, with a configuration that names the scripted model."""
    config = tmp_path / "config" / "ralphd" / "config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text(
        "models:\n"
        f"  default: {{model: openai/scripted, api_base: {model.base_url}, api_key: '${{SCRIPTED_KEY}}'}}\n"
        "testing: {command: python -m pytest -q, adversarial_tests: false}\n"
        "loop: {librarian: never}\n"
    )
    (tmp_path / "home").mkdir()
    return {**environment_in(tmp_path), "SCRIPTED_KEY": "sk-scripted"}


@pytest.fixture
def rass(environment: dict[str, str], tmp_path: Path) -> None:
    """The program that joins several servers into one, on the PATH."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",
            "--target",
            str(tmp_path / "rass"),
            "rassumfrassum==0.3.5",
        ],
        check=True,
    )
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "rass"
    # It gives a server 3 s to answer `initialize`, which a busy machine does not do.
    code = (
        "import rassumfrassum.frassum as f; from rassumfrassum.main import main; "
        "f.LspLogic.get_aggregation_timeout_ms = lambda *_: 600000; main()"
    )
    program.write_text(
        f"#!/bin/sh\nPYTHONPATH={tmp_path / 'rass'}:$PYTHONPATH exec {sys.executable} -c '{code}' \"$@\"\n"
    )
    program.chmod(0o755)
    environment["PATH"] = os.pathsep.join([str(program.parent), environment["PATH"]])


def emacs(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [str(install("emacs")), "-Q", "--batch", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds(300),
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def test_the_main_job_in_emacs_beside_another_server(environment: dict[str, str], rass: None, project: Path) -> None:
    environment |= {
        "RALPHD_COMMAND": json.dumps(SERVER),
        "RALPHD_EL": str(EDITORS / "emacs" / "ralphd.el"),
        "RALPHD_FILE": str(project / "slug.py"),
        "RALPHD_PATIENCE_S": str(60 * SCALE),
    }
    said = emacs(environment, "-l", str(ROOT / "tests" / "e2e" / "emacs" / "main_job.el"))
    seen: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
    assert seen["command"][0].endswith("rass") and "ruff" in seen["command"], seen["command"]
    assert any(title.startswith("Ralph: critique") for title in seen["titles"])
    assert any(title.startswith("Ruff") for title in seen["titles"]), "the other server is still there"
    assert seen["before"] == STUB and seen["after"] == STUB.replace("    pass", BODY)


def test_emacs_takes_ralphd_as_an_add_on_of_lsp_mode(environment: dict[str, str]) -> None:
    asked = '(princ (format "%S" (lsp--client-add-on? (gethash \'ralphd lsp-clients))))'
    load = ["-l", str(EDITORS / "emacs" / "ralphd.el"), "--eval", "(require 'lsp-mode)"]
    assert emacs(environment, *load, "--eval", asked).endswith("t")


def test_eglot_keeps_the_other_server_where_rass_is_missing(environment: dict[str, str]) -> None:
    asked = '(princ (format "%S" (ralphd-contact \'(("ruff" "server")))))'
    said = emacs(environment, "-l", str(EDITORS / "emacs" / "ralphd.el"), "--eval", asked)
    assert said.endswith('("ruff" "server")')


def test_the_main_job_in_helix(environment: dict[str, str], project: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "ralphd"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m ralphd "$@"\n')
    program.chmod(0o755)
    environment["PATH"] = os.pathsep.join([str(program.parent), environment["PATH"]])
    languages = (EDITORS / "helix" / "languages.toml").read_text(encoding="utf-8")
    helix = Helix(install("helix"), project / "slug.py", languages, environment)
    try:
        helix.wait("the file", lambda screen: "def slug" in screen)
        helix.keys("8", "g", "g")
        helix.act("Ralph: implement")
        helix.wait("the change as a diagnostic", lambda screen: "re.sub" in screen, 180)
        helix.act("Ralph: accept change")
        helix.wait("the change in the text", lambda screen: BODY in screen and "    pass" not in screen)
        helix.keys("Escape", ":", "w", "Enter")
        helix.wait("it is saved", lambda _: (project / "slug.py").read_text() == STUB.replace("    pass", BODY))
    finally:
        helix.quit()
