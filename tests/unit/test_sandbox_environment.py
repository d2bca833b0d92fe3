from __future__ import annotations

from pathlib import Path

import pytest

from ralphd.core.paths import within
from ralphd.errors import SandboxError
from ralphd.sandbox.environment import SandboxEnvironment, run_environment, sandbox_environment, with_ours
from ralphd.sandbox.isolation import Isolation
from ralphd.sandbox.shadow import ShadowPool
from tests.support.sandboxes import Settings

KEYS = {
    "OPENAI_API_KEY": "sk-1",
    "ANTHROPIC_KEY": "sk-2",
    "AWS_SECRET_ACCESS_KEY": "x",
    "GITHUB_TOKEN": "x",
    "PIP_INDEX_URL": "https://user:pw@host/",
    "HTTPS_PROXY": "http://user:pw@host",
    "SSH_AUTH_SOCK": "/run/agent",
    "DOCKER_HOST": "unix:///run/docker.sock",
    "LD_PRELOAD": "/evil.so",
    "PYTHONSTARTUP": "/evil.py",
    "NODE_OPTIONS": "--require evil",
    "BASH_ENV": "/evil",
}


def test_environment_is_an_allow_list() -> None:
    person = sandbox_environment({**KEYS, "PATH": "/usr/bin", "HOME": "/home/a", "LC_ALL": "C", "PYENV_ROOT": "/p"})
    assert set(person) == {"PATH", "HOME", "LC_ALL", "PYENV_ROOT"}
    env = run_environment(person, home="/home/a", tmp="/tmp", program_dirs=[], virtual_env=None)
    assert not set(KEYS) & set(env) and not set(KEYS.values()) & set(env.values())


def test_workspace_programs_come_first_and_relative_path_entries_go() -> None:
    person = {"PATH": ".::bin:/usr/bin:/w/.venv/bin", "HOME": "/home/a", "CONDA_PREFIX": "/c"}
    env = run_environment(
        person,
        home="/home/a",
        tmp="/tmp",
        program_dirs=["/w/.venv/bin", "/w/node_modules/.bin"],
        virtual_env="/w/.venv",
    )
    assert env["PATH"] == "/w/.venv/bin:/w/node_modules/.bin:/usr/bin"
    assert env["VIRTUAL_ENV"] == "/w/.venv"
    assert "CONDA_PREFIX" not in env
    assert env["PYTHONDONTWRITEBYTECODE"] == "1"


def test_without_isolation_tools_are_found_from_the_private_home() -> None:
    env = run_environment(
        {"PATH": "/x", "HOME": "/home/a"}, home="/slot/home", tmp="/t", program_dirs=[], virtual_env=None
    )
    assert (env["HOME"], env["PYENV_ROOT"], env["CARGO_HOME"]) == ("/slot/home", "/home/a/.pyenv", "/home/a/.cargo")


def test_within_is_by_components() -> None:
    assert within("/ws/a", "/ws") and within("/ws", "/ws") and within("/x", "/")
    assert not within("/ws2", "/ws")


def test_no_other_mapping_passes_for_an_environment(tmp_path: Path) -> None:
    """By type and at run time: only the filter makes the value that a pool takes."""
    with pytest.raises(TypeError, match="sandbox_environment"):
        SandboxEnvironment(KEYS, None)
    with pytest.raises(TypeError, match="filtered"):
        ShadowPool(str(tmp_path), str(tmp_path), Settings(), Isolation("none", ""), environment=KEYS)  # type: ignore[arg-type]


def test_names_of_the_person_are_added_and_no_others() -> None:
    person = sandbox_environment({**KEYS, "DATABASE_URL": "db", "HOME": "/h"}, ["DATABASE_URL", "NOT_THERE"])
    assert dict(person) == {"DATABASE_URL": "db", "HOME": "/h"}


def test_the_caller_of_a_run_cannot_hand_an_environment_through() -> None:
    assert with_ours({"PYTHONPATH": "/theirs"}, {"PYTHONPATH": "/ours", "RALPHD_X": "1"}) == {
        "PYTHONPATH": "/ours:/theirs",
        "RALPHD_X": "1",
    }
    with pytest.raises(SandboxError, match="OPENAI_API_KEY"):
        with_ours({}, KEYS)
