"""The one rule for a file's project and for its package in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralphd.core.run import RunRequest
from ralphd.runs.place import environment, run_folder
from ralphd.settings.project import package_folder, project_root
from tests.support.projects import write

UV = "[tool.uv.workspace]\nmembers = ['packages/*']\n"


@pytest.mark.parametrize(
    ("files", "path", "root", "folder"),
    [
        ({".git/HEAD": "", "web/package.json": '{"name": "w"}'}, "web/src/a.js", ".", "web"),
        ({".git/HEAD": "", "src/esm/package.json": '{"type": "module"}'}, "src/esm/a.js", ".", ""),
        ({"package.json": '{"name": "n"}', "plugins/a/package.json": '{"name": "a"}'}, "plugins/a/i.js", ".", "plugins/a"),
        ({"package.json": '{"workspaces": ["a"]}', "a/package.json": '{"name": "a"}'}, "a/i.ts", ".", "a"),
        ({".git/HEAD": "", "js/package.json": '{"workspaces": ["a"]}'}, "js/a/i.ts", "js", ""),
        ({".git/HEAD": "", "js/pnpm-workspace.yaml": ""}, "js/a/i.ts", "js", ""),
        ({"pyproject.toml": UV, "packages/a/pyproject.toml": ""}, "packages/a/src/a/x.py", ".", "packages/a"),
        ({".git/HEAD": "", "package.json": '{"name": "n"}', "tools/package.json": '{"name": "t"}'}, "tools/gen.py", ".", ""),
        ({"Cargo.toml": "[workspace]\n", "c/Cargo.toml": "[package]\n"}, "c/src/lib.rs", ".", "c"),
        ({"go.work": "", "m/go.mod": "module m\n"}, "m/x/y.go", ".", "m"),
        ({"Makefile": "", "tests/test_a.py": ""}, "a.py", ".", ""),
        ({".git/HEAD": "", "api/requirements.txt": "", "api/tests/test_a.py": ""}, "api/a.py", ".", "api"),
        ({".git/HEAD": "", "docs/requirements.txt": ""}, "docs/conf.py", ".", ""),
        ({".git/HEAD": "", "svc/ralph.config.yaml": ""}, "svc/deep/a.rb", ".", "svc"),
        ({"pyproject.toml": "{", "package.json": "[" * 100_000}, "a.py", ".", ""),
        ({"a.py": ""}, "a.py", None, ""),
        ({"package.json": '\ufeff{"workspaces": {"packages": ["p/*"]}}', "p/a/package.json": '{"name": "a"}'}, "p/a/i.ts", ".", "p/a"),
        ({".git": "gitdir: x\n", "a/pyproject.toml": "[project]\nname = 'a'\n"}, "a/x.py", ".", "a"),
        ({"Cargo.toml": "[workspace]\n", "c/Cargo.toml": "[package]\nversion.workspace = true\n"}, "c/src/bin/x.rs", ".", "c"),
        ({".git/HEAD": "", "c/Cargo.toml": "[package]\n", "c/fuzz/Cargo.toml": "[workspace]\n"}, "c/fuzz/f/x.rs", "c/fuzz", ""),
        ({".git/HEAD": "", "app/manage.py": "", "app/static/js/a.js": ""}, "app/static/js/a.js", ".", ""),
        ({"pyproject.toml": "[tool.rye.workspace]\n", "m/pyproject.toml": ""}, "m/x.pyx", ".", "m"),
        ({".git/HEAD": "", "web/package.json": '{"name": "w"}', "web/server/go.mod": ""}, "web/server/a.go", ".", "web/server"),
    ],
)  # fmt: skip
def test_root_and_package(files: dict[str, str], path: str, root: str | None, folder: str, tmp_path: Path) -> None:
    write(tmp_path, files)
    found = project_root(str(tmp_path / path))
    assert found == (None if root is None else str((tmp_path / root).resolve()))
    assert package_folder(found or str(tmp_path), str((tmp_path / path).relative_to(found or tmp_path))) == folder


MONOREPO = {
    ".git/HEAD": "",
    "package.json": '{"workspaces": ["web"]}',
    "web/package.json": '{"name": "web"}',
    "svc/pyproject.toml": "",
    "svc/tests/test_a.py": "",
    "checks/test_all.py": "",
}


@pytest.mark.parametrize(
    ("path", "command", "folder"),
    [
        ("web/a.ts", "npm test", "web"),
        ("web/a.ts", "npm test -w web", ""),
        ("web/a.ts", "npm test --workspaces", ""),
        ("web/a.ts", "pnpm --filter=web test", ""),
        ("web/a.ts", "pnpm -r test", ""),
        ("web/a.ts", "npx mocha --recursive test", "web"),
        ("web/a.ts", "npm test -- --recursive", "web"),
        ("web/a.ts", "pnpm exec jest -w 2", "web"),
        ("web/a.ts", "node --test -r ./setup.js", "web"),
        ("web/a.ts", "npm --prefix=web test", ""),
        ("web/a.ts", "yarn --cwd web test", ""),
        ("web/a.ts", "turbo run test --filter web", ""),
        ("svc/a.py", "pytest tests", "svc"),
        ("svc/a.py", "pytest -r a checks", ""),
        ("svc/a.py", "pytest svc/tests", ""),
        ("svc/a.py", "make -C svc test", ""),
        ("svc/a.py", "uv run --directory svc pytest", ""),
        ("svc/a.py", "uv run pytest -r a", "svc"),
        ("svc/a.py", "python -m unittest checks/test_all.py", ""),
        ("svc/a.py", "make test", "svc"),
    ],
)
def test_where_a_command_runs(path: str, command: str, folder: str, tmp_path: Path) -> None:
    """In the folder of the file's package, but for commands that speak of the root."""
    write(tmp_path, MONOREPO)
    assert run_folder(str(tmp_path), path, command.split()) == folder


def test_no_home_and_no_folder_of_everybody_is_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dotfiles are often kept in a repository that is the home; in /tmp lies what anybody put there."""
    write(tmp_path, {".git/HEAD": "", "package.json": '{"name": "n"}', "notes/a.py": "", "shared/pyproject.toml": ""})
    monkeypatch.setenv("HOME", str(tmp_path))
    assert project_root(str(tmp_path / "notes" / "a.py")) is None
    monkeypatch.delenv("HOME")
    (tmp_path / "shared").chmod(0o1777)
    assert project_root(str(tmp_path / "shared" / "mine" / "a.py")) is None


def test_the_environment_is_that_of_the_files_language(tmp_path: Path) -> None:
    """A `node_modules` beside it is nothing that a Python file runs in."""
    write(tmp_path, {"node_modules/x/index.js": "", "m.py": "", "a.js": ""})

    def told(path: str, **environ: str) -> str:
        return environment(RunRequest("r", "implement", str(tmp_path), path, ""), environ)

    assert told("m.py", VIRTUAL_ENV="/of/the/person") == "/of/the/person"
    assert told("m.py", PATH="") == "none of its own"
    assert told("a.js") == "node_modules"
    write(tmp_path, {".venv/pyvenv.cfg": ""})
    assert (told("m.py"), told("a.js")) == (".venv", "node_modules")
