"""What a test command starts is decided by how launchers read their arguments, not by the words in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralphd.judging.commands import launched, pytest_prefix, runner_of, with_report
from ralphd.sandbox.programs import program_at

PYTEST = [
    "pytest",
    "pytest -q",
    "/x/.venv/bin/pytest -q",
    "python -m pytest",
    "python3.12 -X dev -m pytest tests",
    "uv run pytest",
    "uv run --with pytest pytest",
    "uv run --with=pytest --python 3.12 -- pytest -x",
    "uv run -m pytest",
    "uv run python -m pytest",
    "poetry run pytest",
    "env A=1 B=2 pytest",
    "timeout 60 pytest",
    "coverage run --source pkg -m pytest",
    "xvfb-run -s x pytest",
    "py.test",
]
OTHER = [
    "make pytest",
    "npm test -- pytest",
    "sh run-pytest.sh",
    "./pytest-all",
    "python pytest.py",
    "python -m unittest tests.pytest",
    "uv run --with pytest make test",
    "tox -e pytest",
    "",
]


@pytest.mark.parametrize("command", PYTEST)
def test_pytest_is_seen_behind_its_launchers(command: str) -> None:
    argv = command.split()
    assert runner_of(argv) == "pytest"
    prefix = pytest_prefix(argv)
    assert list(prefix) == argv[: len(prefix)]
    assert prefix[-1].endswith(("pytest", "py.test"))
    assert runner_of(prefix) == "pytest"


@pytest.mark.parametrize("command", OTHER)
def test_a_word_is_not_the_runner(command: str) -> None:
    assert runner_of(command.split()) != "pytest"
    assert pytest_prefix(command.split()) == ("python", "-m", "pytest")


def test_launchers_keep_their_own_options() -> None:
    assert pytest_prefix(["uv", "run", "--with", "pytest", "pytest", "-q", "tests"]) == (
        "uv",
        "run",
        "--with",
        "pytest",
        "pytest",
    )


def test_other_runners() -> None:
    assert runner_of(["env", "X=1", "go", "test", "./..."]) == "go"
    assert with_report(["env", "X=1", "go", "test", "./..."]) == ["env", "X=1", "go", "test", "-json", "./..."]
    assert runner_of(["cargo", "+nightly", "test"]) == "cargo"
    assert runner_of(["npm", "test"]) == "node"


def test_go_is_told_what_is_wanted() -> None:
    argv = ["go", "test", "./..."]
    only = ["example.com/m/p.TestA/one", "example.com/m.v2/p.TestB"]
    assert with_report(argv, only=only, stop=True) == [
        "go",
        "test",
        "-json",
        "-run=^(TestA|TestB)$",
        "-failfast",
        "./...",
    ]
    assert with_report(argv, reach_of="a/b/c.go") == ["go", "test", "-json", "-coverpkg=./a/b", "./..."]
    assert with_report(argv, reach_of="../c.go") == ["go", "test", "-json", "./..."]
    theirs = ["go", "test", "-run", "X", "-timeout=5m", "-json", "./..."]
    assert with_report(theirs, only=only, stall_s=30) == theirs
    assert "-timeout=30s" in with_report(argv, stall_s=30)


def test_cargo_is_told_which_tests() -> None:
    assert with_report(["cargo", "test"], only=["tests::a"]) == ["cargo", "test", "--", "--exact", "tests::a"]
    assert with_report(["cargo", "test", "--", "-q"], only=["a"]) == ["cargo", "test", "--", "-q", "--exact", "a"]


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("pytest -q", ""),
        ("python -m pytest", ""),
        ("make test", ""),
        ("sh run.sh", ""),
        ("env A=1 B=2 pytest", "pytest"),
        ("env ./run.sh", "./run.sh"),
        ("env -u A -- ./run.sh", "./run.sh"),
        ("uv run pytest", "pytest"),
        ("uv run python -m pytest", "python"),
        ("timeout 60 nice -n 5 pytest", "pytest"),
        ("timeout 60 python -m coverage run -m pytest", "python"),
        ("env PATH=/evil pytest", ""),
        ("env", ""),
    ],
)
def test_what_a_launcher_starts(command: str, program: str) -> None:
    assert launched(command.split()) == program


def test_a_program_is_where_the_system_finds_it(tmp_path: Path) -> None:
    """`link/../run` lies beside what the link leads to."""
    root, other = tmp_path / "here", tmp_path / "other"
    for folder in (root / ".venv/bin", root / "bin", other / "deep"):
        folder.mkdir(parents=True)
    for path in (root / "run", root / "bin/tool", root / ".venv/bin/tool", other / "run"):
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    (root / "link").symlink_to(other / "deep")
    (root / "folder").symlink_to(other)

    def at(word: str, **environ: str) -> str:
        return program_at(str(root), "", word, environ)

    assert at("./run") == at("bin/../run") == at("folder/../here/run") == str(root / "run")
    assert at("link/../run") == str(other / "run")
    assert at("folder/run") == str(root / "folder/run")
    assert at("tool", PATH=f"{root}/bin:bin:.") == str(root / ".venv/bin/tool")
    assert at("run", PATH=".::bin") == at("") == at("./none") == at("./bin") == ""
