"""Small real projects of the kinds that people have, each with one wrong and one right answer to its one gap."""

from __future__ import annotations

import json
import shutil
import subprocess
import sysconfig
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support import runner_installs

RUN_PYTEST = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider")


@dataclass(frozen=True)
class Kind:
    """`files` are written below the test's folder; `place` is the file (relative) and line that the run is started at."""

    files: Mapping[str, str]
    place: str
    wrong: str
    right: str
    command: tuple[str, ...] = RUN_PYTEST
    root: str = "."
    """The project's root that has to be found, relative to the test's folder."""
    folder: str = ""
    """Where in the root the tests have to run."""
    environment: str = ""
    """What the first line has to name, relative to the root; "" where the machine's own is used."""
    prepare: Callable[[Path], None] = field(default=lambda root: None)
    needs: str = ""
    """A program that the machine must have."""
    on_path: Callable[[], str] = field(default=lambda: "")
    """A folder of programs that the person has in PATH."""


def own_environment(at: Path) -> None:
    """A virtual environment that has the pytest of this test run."""
    venv.create(at, system_site_packages=False, with_pip=False, symlinks=True)
    library = next((at / "lib").glob("python*/site-packages"))
    (library / "tests.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")


def _venv(path: str) -> Callable[[Path], None]:
    return lambda root: own_environment(root / path)


def _git(path: str) -> Callable[[Path], None]:
    return lambda root: (root / path / ".git").mkdir(parents=True)


def _both(*steps: Callable[[Path], None]) -> Callable[[Path], None]:
    def prepare(root: Path) -> None:
        for step in steps:
            step(root)

    return prepare


def _link(at: str, target: str) -> Callable[[Path], None]:
    def prepare(root: Path) -> None:
        (root / at).parent.mkdir(parents=True, exist_ok=True)
        (root / at).symlink_to(target)

    return prepare


def _django(root: Path) -> None:
    """The environment that has Django, and this test run's pytest is not needed in it."""
    shutil.copytree(runner_installs.python(), root / ".venv", symlinks=True, copy_function=shutil.copy2)


def _js(body: str, export: str = "module.exports = { double };") -> str:
    return f"function double(x) {{\n  {body}\n}}\n{export}\n"


PY_TODO = "def double(x):\n    raise NotImplementedError\n"
PY_WRONG = "```python\ndef double(x):\n    return x + 1\n```"
PY_RIGHT = "```python\ndef double(x):\n    return x * 2\n```"
JS_WRONG = "```javascript\nfunction double(x) {\n  return x + 1;\n}\n```"
JS_RIGHT = "```javascript\nfunction double(x) {\n  return x * 2;\n}\n```"
_NODE_TEST = (
    "const { test } = require('node:test');\nconst assert = require('node:assert');\n"
    "const { double } = require('CALC');\n"
    "test('double', () => assert.equal(double(2), 4));\ntest('three', () => assert.equal(double(3), 6));\n"
)
_PY_TEST = "from {0} import double\n\ndef test_double():\n    assert double(2) == 4\n\ndef test_three():\n    assert double(3) == 6\n"
_BUILT = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
_TODO = "throw new Error('to do');"
_NPM = ("npm", "test")


def _package(**more: object) -> str:
    return json.dumps({"scripts": {"test": "node --test"}, **more})


KINDS: Mapping[str, Kind] = {
    "uv monorepo": Kind(
        {
            "pyproject.toml": '[tool.uv.workspace]\nmembers = ["packages/*"]\n',
            "packages/a/pyproject.toml": '[project]\nname = "a"\nversion = "1"\ndependencies = ["b"]\n',
            "packages/a/src/a/__init__.py": "",
            "packages/a/src/a/calc.py": "from b.more import factor\n\n\n" + PY_TODO,
            "packages/a/tests/test_calc.py": _PY_TEST.format("a.calc"),
            "packages/b/pyproject.toml": '[project]\nname = "b"\nversion = "1"\n',
            "packages/b/src/b/__init__.py": "",
            "packages/b/src/b/more.py": "def factor():\n    return 2\n",
            "packages/b/tests/test_more.py": "def test_of_another_member():\n    assert False\n",
        },
        "packages/a/src/a/calc.py:5",
        PY_WRONG,
        "```python\ndef double(x):\n    return x * factor()\n```",
        folder="packages/a",
        environment=".venv",
        prepare=lambda root: _uv_environment(root),
    ),
    "npm monorepo": Kind(
        {
            "package.json": _package(workspaces=["packages/*"]),
            "packages/a/package.json": _package(name="@x/a"),
            "packages/a/lib/calc.js": "const { factor } = require('@x/b');\n\n" + _js(_TODO),
            "packages/a/test/calc.test.js": _NODE_TEST.replace("CALC", "../lib/calc"),
            "packages/b/package.json": _package(name="@x/b", main="index.js"),
            "packages/b/index.js": "exports.factor = () => 2;\n",
            "packages/b/test/b.test.js": "require('node:test').test('red', () => { throw new Error('of another member'); });\n",
        },
        "packages/a/lib/calc.js:4",
        JS_WRONG,
        JS_RIGHT.replace("x * 2", "x * factor()"),
        command=_NPM,
        folder="packages/a",
        environment="node_modules",
        prepare=_both(_link("node_modules/@x/b", "../../packages/b"), _link("node_modules/@x/a", "../../packages/a")),
        needs="npm",
    ),
    "pnpm monorepo": Kind(
        {
            "pnpm-workspace.yaml": "packages:\n  - 'libs/*'\n",
            "package.json": _package(name="whole"),
            "libs/a/package.json": _package(name="a"),
            "libs/a/calc.js": _js(_TODO),
            "libs/a/calc.test.js": _NODE_TEST.replace("CALC", "./calc"),
        },
        "libs/a/calc.js:2",
        JS_WRONG,
        JS_RIGHT,
        command=("node", "--test"),
        folder="libs/a",
        needs="node",
    ),
    "cargo workspace": Kind(
        {
            "Cargo.toml": '[workspace]\nmembers = ["crates/*"]\nresolver = "2"\n',
            "Cargo.lock": 'version = 3\n\n[[package]]\nname = "calc"\nversion = "0.1.0"\n\n[[package]]\nname = "other"\nversion = "0.1.0"\n',
            "crates/calc/Cargo.toml": '[package]\nname = "calc"\nversion = "0.1.0"\nedition = "2021"\n',
            "crates/calc/src/lib.rs": "pub fn double(x: i32) -> i32 {\n    todo!()\n}\n\n#[cfg(test)]\nmod tests {\n"
            "    #[test]\n    fn doubles() {\n        assert_eq!(super::double(2), 4);\n        assert_eq!(super::double(3), 6);\n    }\n}\n",
            "crates/other/Cargo.toml": '[package]\nname = "other"\nversion = "0.1.0"\nedition = "2021"\n',
            "crates/other/src/lib.rs": "#[test]\nfn of_another_member() {\n    panic!();\n}\n",
        },
        "crates/calc/src/lib.rs:2",
        "```rust\npub fn double(x: i32) -> i32 {\n    x + 1\n}\n```",
        "```rust\npub fn double(x: i32) -> i32 {\n    x * 2\n}\n```",
        command=("cargo", "test"),
        folder="crates/calc",
        needs="cargo",
    ),
    "src layout": Kind(
        {
            "pyproject.toml": '[project]\nname = "app"\nversion = "1"\n\n[tool.pytest.ini_options]\npythonpath = ["src"]\n',
            "src/app/__init__.py": "",
            "src/app/calc.py": PY_TODO,
            "tests/test_calc.py": _PY_TEST.format("app.calc"),
        },
        "src/app/calc.py:2",
        PY_WRONG,
        PY_RIGHT,
        environment=".venv",
        prepare=_venv(".venv"),
    ),
    "namespace package": Kind(
        {
            "setup.py": "from setuptools import setup\nsetup(name='ns-app')\n",
            "acme/app/calc.py": PY_TODO,
            "tests/test_calc.py": _PY_TEST.format("acme.app.calc"),
        },
        "acme/app/calc.py:2",
        PY_WRONG,
        PY_RIGHT,
    ),
    "Django through urls": Kind(
        {
            "manage.py": "import os\nimport sys\n\nos.environ['DJANGO_SETTINGS_MODULE'] = 'site_settings'\n"
            "from django.core.management import execute_from_command_line\n\nexecute_from_command_line(sys.argv)\n",
            "site_settings.py": "SECRET_KEY = 'x'\nROOT_URLCONF = 'urls'\nINSTALLED_APPS = ['shop']\nALLOWED_HOSTS = ['*']\nDATABASES = {}\n",
            "urls.py": "from django.urls import path\nfrom shop import views\n\nurlpatterns = [path('double/<int:x>', views.double)]\n",
            "shop/__init__.py": "",
            "shop/views.py": "from django.http import HttpResponse\n\n\ndef double(request, x):\n    raise NotImplementedError\n",
            "shop/tests.py": "from django.test import SimpleTestCase\n\n\nclass Double(SimpleTestCase):\n"
            "    def test_double(self):\n        self.assertEqual(self.client.get('/double/2').content, b'4')\n"
            "        self.assertEqual(self.client.get('/double/3').content, b'6')\n",
        },
        "shop/views.py:5",
        "```python\ndef double(request, x):\n    return HttpResponse(str(x + 2))\n```",
        "```python\ndef double(request, x):\n    return HttpResponse(str(x * 2))\n```",
        command=("python", "manage.py", "test"),
        environment=".venv",
        prepare=_django,
        needs="npm",
    ),
    "subprocess of its own CLI": Kind(
        {
            "pyproject.toml": "",
            "tool/__init__.py": "",
            "tool/__main__.py": "import sys\n\nfrom tool.calc import double\n\nprint(double(int(sys.argv[1])))\n",
            "tool/calc.py": PY_TODO,
            "tests/test_cli.py": "import subprocess\nimport sys\n\ndef run(x):\n"
            "    return subprocess.run([sys.executable, '-m', 'tool', x], capture_output=True, text=True).stdout.strip()\n\n"
            "def test_double():\n    assert run('2') == '4'\n    assert run('3') == '6'\n",
        },
        "tool/calc.py:2",
        PY_WRONG,
        PY_RIGHT,
    ),
    "ES5": Kind(
        {
            "package.json": _package(name="old"),
            "lib/calc.js": "'use strict';\n\nvar calc = {};\n\ncalc.double = function (x) {\n  throw new Error('to do');\n};\n\nmodule.exports = calc;\n",
            "test/calc.js": "var test = require('node:test');\nvar assert = require('assert');\nvar calc = require('../lib/calc');\n"
            "test('double', function () {\n  assert.equal(calc.double(2), 4);\n  assert.equal(calc.double(3), 6);\n});\n",
        },
        "lib/calc.js:6",
        "```javascript\ncalc.double = function (x) {\n  return x + 2;\n};\n```",
        "```javascript\ncalc.double = function (x) {\n  return x * 2;\n};\n```",
        command=_NPM,
        needs="npm",
    ),
    "tests apart": Kind(
        {
            "pyproject.toml": "",
            "backend/calc.py": PY_TODO,
            "checks/backend/conftest.py": "import sys\nfrom pathlib import Path\n\nsys.path.insert(0, str(Path(__file__).parents[2] / 'backend'))\n",
            "checks/backend/calc_test.py": _PY_TEST.format("calc"),
        },
        "backend/calc.py:2",
        PY_WRONG,
        PY_RIGHT,
        command=(*RUN_PYTEST, "checks"),
    ),
    "Makefile only": Kind(
        {
            "Makefile": "test:\n\tpython -m pytest -q -p no:cacheprovider tests\n",
            "calc.py": PY_TODO,
            "tests/test_calc.py": _PY_TEST.format("calc"),
        },
        "calc.py:2",
        PY_WRONG,
        PY_RIGHT,
        command=("make", "test"),
        needs="make",
    ),
    "nox only": Kind(
        {
            "noxfile.py": "import nox\n\n\n@nox.session(venv_backend='none')\ndef tests(session):\n"
            "    session.run('python', '-m', 'unittest')\n",
            "calc.py": PY_TODO,
            "test_calc.py": "import unittest\n\nfrom calc import double\n\n\nclass T(unittest.TestCase):\n    def test_double(self):\n"
            "        self.assertEqual(double(2), 4)\n        self.assertEqual(double(3), 6)\n",
        },
        "calc.py:2",
        PY_WRONG,
        PY_RIGHT,
        command=("python", "-m", "nox"),
        environment=".venv",
        prepare=_django,
        needs="npm",
    ),
    "in a subfolder of a bigger repository": Kind(
        {
            "README.md": "many things\n",
            "services/other/pyproject.toml": "",
            "services/other/test_other.py": "def test_other():\n    assert False\n",
            "services/api/pyproject.toml": '[project]\nname = "api"\n',
            "services/api/calc.py": PY_TODO,
            "services/api/tests/test_calc.py": _PY_TEST.format("calc"),
        },
        "services/api/calc.py:2",
        PY_WRONG,
        PY_RIGHT,
        folder="services/api",
        environment="services/api/.venv",
        prepare=_both(_git("."), _venv("services/api/.venv")),
    ),
    "outside any project": Kind(
        {
            "calc.py": PY_TODO,
            "test_calc.py": _PY_TEST.format("calc"),
        },
        "calc.py:2",
        PY_WRONG,
        PY_RIGHT,
    ),
    "uv workspace as uv makes it": Kind(
        {
            "pyproject.toml": '[project]\nname = "whole"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["a", "pytest"]\n\n'
            '[tool.uv.workspace]\nmembers = ["packages/*"]\n\n[tool.uv.sources]\na = { workspace = true }\n',
            "packages/a/pyproject.toml": '[project]\nname = "a"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["b"]\n\n'
            "[tool.uv.sources]\nb = { workspace = true }\n\n" + _BUILT,
            "packages/a/src/a/__init__.py": "",
            "packages/a/src/a/calc.py": "from b.more import factor\n\n\n" + PY_TODO,
            "packages/a/tests/test_calc.py": _PY_TEST.format("a.calc"),
            "packages/b/pyproject.toml": '[project]\nname = "b"\nversion = "1"\nrequires-python = ">=3.11"\n\n'
            + _BUILT,
            "packages/b/src/b/__init__.py": "",
            "packages/b/src/b/more.py": "def factor():\n    return 2\n",
            "packages/b/tests/test_more.py": "def test_of_another_member():\n    assert False\n",
        },
        "packages/a/src/a/calc.py:5",
        PY_WRONG,
        "```python\ndef double(x):\n    return x * factor()\n```",
        folder="packages/a",
        environment=".venv",
        prepare=lambda root: _made(root, str(runner_installs.python() / "bin" / "uv"), "sync", "--quiet"),
    ),
    "npm workspace as npm makes it": Kind(
        {
            "package.json": _package(name="whole", private=True, workspaces=["packages/*"]),
            "packages/a/package.json": _package(name="@x/a", version="1.0.0", dependencies={"@x/b": "1.0.0"}),
            "packages/a/lib/calc.js": "const { factor } = require('@x/b');\n\n" + _js(_TODO),
            "packages/a/test/calc.test.js": _NODE_TEST.replace("CALC", "../lib/calc"),
            "packages/b/package.json": _package(name="@x/b", version="1.0.0", main="index.js"),
            "packages/b/index.js": "exports.factor = () => 2;\n",
            "packages/b/test/b.test.js": "require('node:test').test('red', () => { throw new Error('of another member'); });\n",
        },
        "packages/a/lib/calc.js:4",
        JS_WRONG,
        JS_RIGHT.replace("x * 2", "x * factor()"),
        command=_NPM,
        folder="packages/a",
        environment="node_modules",
        prepare=lambda root: _made(root, "npm", "install", "--offline", "--no-audit", "--no-fund", "--loglevel=error"),
        needs="npm",
    ),
    "tox alone": Kind(
        {
            "tox.ini": "[tox]\nskipsdist = true\nenvlist = a\n[testenv]\nskip_install = true\ncommands = python -m unittest -v\n",
            "calc.py": PY_TODO,
            "test_calc.py": "import unittest\n\nfrom calc import double\n\n\nclass Double(unittest.TestCase):\n"
            "    def test_double(self):\n        self.assertEqual(double(2), 4)\n\n"
            "    def test_three(self):\n        self.assertEqual(double(3), 6)\n",
        },
        "calc.py:2",
        PY_WRONG,
        PY_RIGHT,
        command=("tox",),
        prepare=lambda root: _made(root, str(runner_installs.python() / "bin" / "tox"), "--notest"),
        on_path=lambda: str(runner_installs.python() / "bin"),
    ),
}


def _made(root: Path, *command: str) -> None:
    """What a person's own tool leaves in the project before ralphd is asked: an environment, or links to the members."""
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"{command[0]} made nothing: {done.stderr[-300:]}")


def _uv_environment(root: Path) -> None:
    """As `uv sync` leaves it: one environment at the root, with the members in it as editable installs."""
    own_environment(root / ".venv")
    library = next((root / ".venv" / "lib").glob("python*/site-packages"))
    for member in ("a", "b"):
        (library / f"_{member}.pth").write_text(f"{root}/packages/{member}/src\n")


def has(program: str) -> bool:
    return not program or shutil.which(program) is not None
