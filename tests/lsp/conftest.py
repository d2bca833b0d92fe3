"""Editors for the LSP tests: the real server process with a scripted model, one project each."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_editor import FakeEditor
from tests.support.projects import PYTEST, write

ROOT = Path(__file__).resolve().parents[2]
SLUG = {
    "slug.py": '''\
        # 🙂 a note
        def slug(text):
            """Lower-case, runs of other than letters and digits as one hyphen, none at the ends."""
            raise NotImplementedError


        def other():
            return "other"
        ''',
    "tests/test_slug.py": """\
        from slug import slug

        def test_spaces():
            assert slug("Hello World") == "hello-world"

        def test_ends():
            assert slug(" a ") == "a"
        """,
    "conftest.py": "",
}
RIGHT = '```python\nimport re\n\ndef slug(text):\n    """Lower-case."""\n    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")\n```\n'
WRONG = '```python\ndef slug(text):\n    return text.lower().replace(" ", "-")\n```\n'
PASS = '{"verdict": "pass", "findings": []}'
TESTING = {"command": list(PYTEST), "adversarial_tests": False, "control": "first"}
USER: dict[str, Any] = {"testing": TESTING, "loop": {"critic": "never"}}

Start = Callable[..., Awaitable[FakeEditor]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    write(root, SLUG)
    return root


@pytest.fixture
async def start(project: Path, tmp_path: Path) -> AsyncIterator[Start]:
    """start(artisan=[…], profile="vscode", …) -> an initialized editor; stopped and checked at the end. `freshly`: by an
    interpreter of its own, which has imported nothing yet."""
    editors: list[FakeEditor] = []

    async def make(
        *,
        profile: str = "vscode",
        user: dict[str, Any] | None = None,
        root: Path | None = None,
        freshly: bool = False,
        **given: Any,
    ) -> FakeEditor:
        roles = {role: given.pop(role) for role in ("artisan", "critic", "librarian", "chaos") if role in given}
        script = tmp_path / f"replies{len(editors)}.json"
        script.write_text(json.dumps(roles))
        fresh = [sys.executable, "-m", "tests.support.serve", str(script)]
        editor = await FakeEditor.start(
            fresh if freshly else script,
            root or project,
            profile=profile,
            user_settings={**USER, **(user or {})},
            stderr_path=tmp_path / "stderr.log",
            **given,
        )
        editors.append(editor)
        return editor

    yield make
    for editor in editors:
        if editor.rpc.returncode is None:
            await editor.stop()
        assert editor.faults == []
