"""A test command that could run nothing is told with its likely mend; what a candidate could mend is left to it."""

from __future__ import annotations

import shlex

import pytest

from ralphd.judging.nothing_ran import Project, standstill
from ralphd.judging.reports import Report, TestCase
from ralphd.judging.verdict import TestRun, nothing_collected

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
        ("python: can't open file '/w/packages/a/manage.py': [Errno 2] No such file", 2, ("manage.py", "packages/a")),
        ("error: Failed to spawn: `pytest`\n  Caused by: No such file or directory", 2, ("'pytest'", "uv sync")),
        ("bash: /w/.venv/bin/pytest: /old/python: bad interpreter: No such file", 126, ("environment again",)),
        ("ImportError: Error importing plugin \"xdist\": No module named 'xdist'", 1, ("xdist", "uv sync")),
        ("DistributionNotFound: The 'foo' distribution was not found and is required", 1, ("foo", "pip install -e")),
        ("sh: 1: cd: can't cd to backend", 2, ("backend", "cd")),
        ("make: *** No targets specified and no makefile found.  Stop.", 2, ("makefile", "packages/a")),
        ("Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?", 1, ("Docker",)),
        ("npm error enoent Could not read package.json: Error: ENOENT: no such file", 254, ("package.json",)),
        ('ERR_PNPM_RECURSIVE_EXEC_FIRST_FAIL  Command "vitest" not found', 254, ("'vitest'", "pnpm install")),
        ("Usage Error: The project in /w/package.json doesn't seem to have been installed", 1, ("pnpm install",)),
        ('error: Cannot find package "zod" from "/w/src/a.ts"', 1, ("'zod'", "pnpm install")),
        ("  Test environment jest-environment-jsdom cannot be found. Make sure", 1, ("jest-environment-jsdom",)),
        ('error foo: The engine "node" is incompatible with this module. Expected version ">=20".', 1, (">=20",)),
        ("Error: Cannot find module '/w/packages/a/scripts/run.js'", 1, ("scripts/run.js", "testing.command")),
        ("error: no such command: `nextest`", 101, ("'nextest'",)),
        ("error: package ID specification `foo` did not match any packages", 101, ("member 'foo'",)),
        ("go: go.mod requires go >= 1.23 (running go 1.21.1; GOTOOLCHAIN=local)", 1, ("1.23",)),
        ("[ERROR] Could not resolve dependencies for project g:a:jar:1.0: Cannot access central", 1, ("network",)),
        ("Could not find gem 'rspec' in locally installed gems.", 7, ("'rspec'", "bundle install")),
        ("a_test.cc:1:10: fatal error: gtest/gtest.h: No such file or directory", 2, ("gtest/gtest.h",)),
    ],
)
def test_the_mend_is_told_with_the_last_lines(output: str, code: int, words: tuple[str, ...]) -> None:
    found = standstill(ended(output, code=code), project())
    assert found is not None
    sentence = found.sentence()
    assert all(word in sentence for word in words), sentence
    assert found.said and output.replace("/w/", "").strip().endswith(found.said[-1])


OURS = "ralphd_00b1c2d3e4f50617"
NO_PLUGIN = f'ImportError: Error importing plugin "{OURS}.for_pytest": No module named {OURS!r}'


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("make", "test"), ("replaces PYTHONPATH", "PYTHONPATH=src:$PYTHONPATH", "pythonpath = ")),
        (("python", "-I", "-m", "pytest"), ("started with -I", "Leave -I out")),
    ],
)
def test_what_hides_our_plugin_is_told_and_nothing_is_installed(argv: tuple[str, ...], words: tuple[str, ...]) -> None:
    found = standstill(ended(NO_PLUGIN, argv=argv), project())
    assert found is not None and "install" not in found.why + found.mend
    assert all(word in found.why + found.mend for word in words), found


@pytest.mark.parametrize(
    ("argv", "mend"),
    [
        ("PYTHONPATH=src python -m pytest -q", "`env PYTHONPATH=src python -m pytest -q`"),
        ("cd tests && python -m pytest", "`sh -c 'cd tests && python -m pytest'`"),
        ("python -m pytest | tee log", "`sh -c 'python -m pytest | tee log'`"),
        ("A=1 python -m pytest ; true", "`sh -c 'A=1 python -m pytest ; true'`"),
        ("export A=1; python -m pytest", "`sh -c 'export A=1; python -m pytest'`"),
    ],
)
def test_a_command_for_a_shell_is_told_how_to_have_one(argv: str, mend: str) -> None:
    words = tuple(shlex.split(argv))
    run = TestRun(words, 127, "", not_found=True)
    found = standstill(run, project())
    assert found is not None and "without a shell" in found.why and mend in found.mend and "nstall" not in found.mend


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
                         ("Error: Cannot find module './calc'", 1), ("expected 'command not found' to equal 'x'", 1),
         ("Ran 3 tests in 0.1s\nModuleNotFoundError: No module named 'x'", 1)]
)  # fmt: skip
def test_a_failure_is_a_failure(output: str, code: int) -> None:
    assert standstill(ended(output, code=code), project()) is None
    red = TestRun(("pytest",), 1, output, report=Report({"t.py::a": TestCase("t.py::a", "failed", output)}))
    assert standstill(red, project()) is None


@pytest.mark.parametrize(
    ("output", "code", "none"),
    [
        ("No test files found, exiting with code 1", 1, True),
        ("No tests found, exiting with code 1\nRun with `--passWithNoTests`", 1, True),
        ("Ran 0 tests in 0.000s\n\nNO TESTS RAN", 5, True),
        ("Ran 0 tests in 0.000s\n\nOK\n", 0, True),
        ("?   \texample.com/a\t[no test files]", 0, True),
        ("?   \texample.com/a\t[no test files]\nok  \texample.com/b\t0.1s", 0, False),
        ("  0 passing (2ms)", 0, True),
        ("  10 passing (2ms)", 0, False),
        ("assert 1 == 2", 1, False),
    ],
)
def test_a_runner_that_finds_no_test_says_so(output: str, code: int, none: bool) -> None:
    assert nothing_collected(ended(output, code=code)) is none
