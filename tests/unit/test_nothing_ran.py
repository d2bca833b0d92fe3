"""A test command that could run nothing is told with its likely mend; what a candidate could mend is left to it."""

from __future__ import annotations

import pytest

from ralphd.judging.nothing_ran import Project, standstill
from ralphd.judging.reports import Report, TestCase
from ralphd.judging.verdict import TestRun

PATHS = (
    "src/app/calc.py",
    "tests/test_calc.py",
    "packages/a/package.json",
    "package.json",
    "pnpm-lock.yaml",
    "uv.lock",
)


def project(instruction: str = "") -> Project:
    return Project("/w", "packages/a", frozenset(PATHS), "src/app/calc.py", instruction)


def ended(output: str, *errors: str, code: int = 1, argv: tuple[str, ...] = ("make", "test")) -> TestRun:
    cases = {f"tests/test_{n}.py": TestCase(f"tests/test_{n}.py", "error", text) for n, text in enumerate(errors)}
    return TestRun(argv, code, output, report=Report(cases) if cases else None, expects_report=argv[0] == "pytest")


@pytest.mark.parametrize(
    ("output", "code", "words"),
    [
        ("sh: 1: jest: not found\nmake: *** [Makefile:2: test] Error 127", 2, ("'jest'",)),
        ("run.sh: line 3: vitest: command not found", 127, ("'vitest'",)),
        ("env: 'python': No such file or directory", 127, ("'python'", "python3")),
        ("make: tox: No such file or directory", 2, ("'tox'", "uv sync")),
        ("sh: 1: ./check.sh: Permission denied", 126, ("./check.sh", "chmod")),
        ("/usr/bin/python: No module named pytest", 1, ("'pytest'", "uv sync")),
        ("Error: Cannot find module 'vitest'\nRequire stack:", 1, ("'vitest'", "pnpm install")),
        ("ERROR: file or directory not found: tset", 4, ("tset", "packages/a")),
        ("pytest: error: unrecognized arguments: --cov=app", 4, ("--cov=app", "pytest-cov")),
        ('npm error Missing script: "test"', 1, ("'test'", "packages/a")),
        ('> echo "Error: no test specified" && exit 1\n\nError: no test specified', 1, ("no test specified",)),
        ("npm error code ENOTCACHED\nnpm error request to REGISTRY failed", 1, ("registry", "pnpm install")),
        ("npm error code EAI_AGAIN", 1, ("registry",)),
        ("make: *** No rule to make target 'test'.  Stop.", 2, ("'test'", "target")),
        ("nox > Sessions not found: tests", 3, ("tests", "testing.command")),
        ("ERROR:  py: could not find python interpreter matching any of the specs py313", 1, ("Python",)),
        ("django.core.exceptions.ImproperlyConfigured: Requested setting DATABASES, but", 1, ("Django",)),
        ("x.go:4:2: no required module provides package example.com/a; to add it:", 1, ("example.com/a", "go mod")),
        ("error: no matching package named `serde` found", 101, ("'serde'", "cargo fetch")),
        ("error: could not find `Cargo.toml` in `/w/packages/a`", 101, ("packages/a",)),
    ],
)
def test_the_mend_is_told_with_the_last_lines(output: str, code: int, words: tuple[str, ...]) -> None:
    found = standstill(ended(output, code=code), project())
    assert found is not None
    sentence = found.sentence()
    assert all(word in sentence for word in words), sentence
    assert found.said and output.replace("/w/", "").strip().endswith(found.said[-1])


MISSING = "E   ModuleNotFoundError: No module named '{}'"


def test_a_module_that_is_missing() -> None:
    """Installed nowhere: the environment's. In the project: the import path's. Still to be written: a candidate's."""
    found = standstill(ended("", MISSING.format("yaml"), MISSING.format("yaml.x"), code=2), project())
    assert found is not None and "'yaml'" in found.why and "uv sync" in found.mend
    found = standstill(ended("", MISSING.format("app.calc"), code=2), project())
    assert found is not None and "which the project has" in found.why and "pythonpath" in found.mend
    assert standstill(ended("", MISSING.format("app.more"), code=2), project()) is None
    assert standstill(ended("", MISSING.format("report"), code=2), project("write the module report")) is None
    assert standstill(ended("", MISSING.format("yaml"), "E  NameError: in app/calc.py", code=2), project()) is None


@pytest.mark.parametrize(
    "error",
    ["ImportError: cannot import name 'double' from 'app.calc'", "src/app/calc.py:3: in <module>\nE  SyntaxError"],
)
def test_an_error_in_the_target_is_a_candidates(error: str) -> None:
    assert standstill(ended("", error, argv=("pytest",), code=2), project()) is None
    assert standstill(ended(error, argv=("pytest",), code=4), project()) is None


def test_a_collection_error_in_every_file() -> None:
    found = standstill(ended("", "conftest.py:1: in <module>\nE   SyntaxError: x", argv=("pytest",), code=2), project())
    assert found is not None and found.said == ("E   SyntaxError: x",)


@pytest.mark.parametrize(
    ("output", "code"), [("", 1), ("assert 1 == 2", 1), ("Error: slug: not found in table", 1), ("jest: not found", 0),
                         ("Ran 3 tests in 0.1s\nModuleNotFoundError: No module named 'x'", 1)]
)  # fmt: skip
def test_a_failure_is_a_failure(output: str, code: int) -> None:
    assert standstill(ended(output, code=code), project()) is None
    red = TestRun(("pytest",), 1, output, report=Report({"t.py::a": TestCase("t.py::a", "failed", output)}))
    assert standstill(red, project()) is None
