"""What a setting does at a run of the `ralphd` program: limits hold or stop it, a repository's models are asked for."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.product import ralphd
from tests.support.projects import DOUBLE, PYTEST, code, write
from tests.support.scripted_server import ScriptedServer

RIGHT = code("def double(x):\n    return 2 * x")
MAIN = f"testing: {{command: [{', '.join(PYTEST)}], adversarial_tests: false}}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path / "project", DOUBLE)
    return tmp_path / "project"


def person_file() -> Path:
    return Path(os.environ["XDG_CONFIG_HOME"], "ralphd", "config.yaml")


def own(model: ScriptedServer, more: str = MAIN) -> str:
    """The person's file as text: every role at `model`, then `more`."""
    text = (
        f"models: {{default: {{model: openai/scripted, api_base: {model.base_url}}}}}\n"
        "loop: {critic: never, librarian: never}\nlitellm: {enable_caching: false, retry_attempts: 1}\n"
    )
    person_file().parent.mkdir(parents=True, exist_ok=True)
    person_file().write_text(text + more, encoding="utf-8")
    return text + more


def run(folder: Path, place: str = "double.py:2", *words: str) -> tuple[int, dict[str, Any], str]:
    done = ralphd(folder, "run", "implement", place, "--json", *words)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.mark.slow
def test_a_limit_as_json_writes_it_holds(project: Path) -> None:
    with ScriptedServer([RIGHT]) as model:
        own(model, MAIN + "budget: {usd_per_run: 1e-05}\n")
        code_, result, _ = run(project)
    assert (code_, result["outcome"], model.requests) == (3, "budget_exceeded", [])


OF_ONES_OWN = [
    ("budget:\n  usd_per_run: 1_000\n", 2, "`budget.usd_per_run` must be a number"),
    ("budget:\n  usd_per_run: .inf\n", 2, "finite"),
    ("budget:\n  usd_per_run: ${LIMIT}\n", 2, "LIMIT is not set"),
    ("budget:\n  usd_per_rum: 0.1\n", 2, "Did you mean `budget.usd_per_run`?"),
    ("budget:\n  usd_per_run: 0.1\n  usd_per_run: 2\n", 3, "twice"),
    ("sandbox:\n  network: off\n", 2, "true or false"),
    ("testing:\n  command: [pytest\n", 3, "not YAML"),
    ("loop:\n\tmax_iterations: 1\n", 2, "a tab"),
    ("loop:\n  max_iterations: many\n", 2, "whole number"),
    ("models:\n  critic: {api_base: 'http://localhost:99999/v1'}\n", 2, "1 to 65535"),
    ("models:\n  critic: {api_base: 'http://[::1:8000/v1'}\n", 2, "brackets"),
]


@pytest.mark.parametrize(
    ("text", "line", "said"), [OF_ONES_OWN[0], *(pytest.param(*row, marks=pytest.mark.slow) for row in OF_ONES_OWN[1:])]
)
def test_what_cannot_be_read_in_ones_own_file_stops_the_run(project: Path, text: str, line: int, said: str) -> None:
    with ScriptedServer([RIGHT]) as model:
        before = (
            ""
            if text.startswith("models")
            else f"models: {{default: {{model: openai/x, api_base: {model.base_url}}}}}\n"
        )
        person_file().parent.mkdir(parents=True, exist_ok=True)
        person_file().write_text(before + text)
        code_, result, _ = run(project)
    assert (code_, result["outcome"], model.requests) == (2, "misconfigured", [])
    assert f"{person_file()}:{line + (1 if before else 0)}:" in result["reason"] and said in result["reason"]
    assert said in ralphd(project, "config", "check").stdout


OF_THE_REPOSITORY = [
    ("budget: {usd_per_run: 0,1}\n", "no setting `budget.1`"),
    ("buget: {usd_per_run: 0.1}\n", "Did you mean `budget`?"),
    ("testing: {timeout_s: soon}\n", "must be a number"),
    ("sandbox: {netwerk: true}\n", "Did you mean `sandbox.network`?"),
    ("budget: {usd_per_run: 0.1\n", "not YAML"),
]


@pytest.mark.parametrize(
    ("text", "said"),
    [OF_THE_REPOSITORY[0], *(pytest.param(*row, marks=pytest.mark.slow) for row in OF_THE_REPOSITORY[1:])],
)
def test_a_limit_of_the_repository_that_cannot_be_read_stops_the_run(project: Path, text: str, said: str) -> None:
    (project / "ralph.config.yaml").write_text(text)
    with ScriptedServer([RIGHT]) as model:
        own(model)
        code_, result, _ = run(project)
    assert (code_, result["outcome"], model.requests) == (2, "misconfigured", [])
    assert f"{project / 'ralph.config.yaml'}:" in result["reason"] and said in result["reason"]


@pytest.mark.slow
def test_other_faults_of_the_repository_are_told_and_the_run_goes_on(project: Path) -> None:
    (project / "ralph.config.yaml").write_text(
        "loop: {max_iterations: 50, max_iteration: 1}\nhost: {prewarm: perhaps}\n"
    )
    with ScriptedServer([RIGHT]) as model:
        own(model)
        code_, result, told = run(project)
    assert (code_, result["outcome"]) == (0, "proposed")
    assert "Did you mean `loop.max_iterations`?" in told
    assert "`host.prewarm` must be true or false" in told
    assert "a repository can only lower it, and yours is 5" in told


def test_a_file_that_is_not_readable_stops_the_run(project: Path) -> None:
    (project / "ralph.config.yaml").write_bytes(b"# \xff\xfe\n")
    with ScriptedServer([RIGHT]) as model:
        own(model)
        assert run(project)[1]["outcome"] == "misconfigured"
        (project / "ralph.config.yaml").unlink()
        person_file().write_bytes(b"budget: {usd_per_run: 0.01} # caf\xe9\n")
        assert "UTF-8" in run(project)[1]["reason"]
        assert model.requests == []


@pytest.mark.slow
def test_a_repositorys_models_are_used_only_after_consent_by_value(project: Path) -> None:
    config = project / "ralph.config.yaml"
    config.write_text("models: {default: openai/theirs}\nlitellm: {retry_attempts: 2}\n")
    with ScriptedServer([RIGHT] * 4) as model:
        own(model)

        def asked_model() -> tuple[str, str]:
            _, result, told = run(project)
            assert result["outcome"] == "proposed", result
            return str(model.requests[-1].body["model"]), told

        used, told = asked_model()
        assert used == "scripted" and "you have not agreed" in told and 'model = "openai/theirs"' in told
        digest = told.split("ralphd trust give ")[1].split("`")[0]
        listed = ralphd(project, "trust", "list").stdout
        assert listed.startswith(f"{digest}  asked") and "litellm.retry_attempts = 2" in listed
        assert ralphd(project, "trust", "give", "f" * 12).returncode == 2
        assert "openai/theirs" in ralphd(project, "trust", "give", digest).stdout
        used, told = asked_model()
        assert used == "theirs" and "agreed" not in told
        config.write_text("models: {default: openai/others}\nlitellm: {retry_attempts: 2}\n")
        used, told = asked_model()
        assert used == "scripted" and "openai/others" in told
        config.write_text("models: {default: openai/theirs}\nlitellm: {retry_attempts: 2}\n")
        assert ralphd(project, "trust", "revoke", digest).returncode == 0
        assert asked_model()[0] == "scripted"


@pytest.mark.slow
def test_a_repositorys_models_change_nothing_where_the_person_overrides_them(project: Path) -> None:
    (project / "ralph.config.yaml").write_text("models: {artisan: {temperature: 0.7}}\n")
    with ScriptedServer([RIGHT]) as model:
        own(model)
        _, result, told = run(project)
    assert result["outcome"] == "proposed" and "agreed" not in told
    assert ralphd(project, "trust", "list").stdout == ""


@pytest.mark.slow
@pytest.mark.row("T3")
def test_a_repositorys_command_is_given_without_a_terminal_and_shown_as_it_is(project: Path) -> None:
    hidden = "\x1b[2K\r\u202e"
    config = project / "ralph.config.yaml"
    argv = json.dumps([*PYTEST, f"--junit-prefix={hidden}", "--rootdir=."])
    config.write_text(f"testing: {{command: {argv}}}\n")
    with ScriptedServer([RIGHT] * 3) as model:
        own(model, "testing: {adversarial_tests: false}\n")
        code_, result, _ = run(project)
        assert (code_, result["outcome"], model.requests) == (5, "untrusted", [])
        assert "\\x1b[2K\\x0d\\u202e" in result["reason"] and not set(hidden[:1] + hidden[-2:]) & set(result["reason"])
        digest = result["reason"].split("ralphd trust give ")[1].split("`")[0]
        given = ralphd(project, "trust", "give", digest)
        assert given.returncode == 0 and "(bwrap; program " in given.stdout
        assert run(project)[1]["outcome"] == "proposed"
        config.write_text(f"testing: {{command: {argv.replace('rootdir=.', 'rootdir=..')}}}\n")
        assert run(project)[1]["outcome"] == "untrusted"
        config.write_text(f"testing: {{command: {argv}}}\n")
        program = project / ".venv" / "bin" / "python"
        program.parent.mkdir(parents=True)
        program.symlink_to(sys.executable)
        assert run(project)[1]["outcome"] == "untrusted", "another program now runs under the same name"
        listed = [line for line in ralphd(project, "trust", "list").stdout.splitlines() if " asked " in line]
        assert len(listed) == 1 and f"program {program}" in listed[0]
