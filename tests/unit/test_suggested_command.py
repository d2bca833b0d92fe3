"""The command that a run without one suggests: that of the file's package, in its language."""

from __future__ import annotations

import pytest

from ralphd.context.tree import MemoryTree
from ralphd.judging.suggested_command import suggest_command

NPM = '{"scripts": {"test": "vitest"}}'
NONE = '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'


@pytest.mark.parametrize(
    ("files", "folder", "target", "command"),
    [
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, "", "a.py", "python -m pytest -q"),
        ({"src/a.py": "", "tests/test_a.py": ""}, "", "src/a.py", "python -m pytest -q"),
        ({"package.json": NPM, "tests/test_a.py": ""}, "", "src/a.js", "npm test"),
        ({"package.json": NPM, "tests/test_a.py": ""}, "", "src/a.py", "python -m pytest -q"),
        ({"pnpm-lock.yaml": "", "libs/a/package.json": NPM}, "libs/a", "libs/a/i.ts", "pnpm test"),
        ({"package.json": NONE, "Makefile": "test: all\n\tnode t.js\n"}, "", "a.js", "make test"),
        ({"manage.py": "DJANGO_SETTINGS_MODULE", "shop/tests.py": ""}, "", "shop/views.py", "python manage.py test"),
        ({"tox.ini": "[tox]\n[testenv]\ncommands = python check.py\n"}, "", "a.py", "tox"),
        ({"noxfile.py": ""}, "", "a.py", "nox"),
        ({"Cargo.toml": ""}, "", "src/lib.rs", "cargo test"),
        ({"go.mod": ""}, "", "a.go", "go test ./..."),
        ({"other/tests/test_b.py": "", "api/a.py": ""}, "api", "api/a.py", ""),
    ],
)
def test_suggestion(files: dict[str, str], folder: str, target: str, command: str) -> None:
    assert " ".join(suggest_command(MemoryTree(files), folder, target) or ()) == command
