"""Documents that lie where the workspace does not expect them, and what of them enters a run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lsp.conftest import RIGHT, Start
from tests.lsp.test_implement import cursor
from tests.support.fake_editor import FakeEditor
from tests.support.projects import write


async def implement(editor: FakeEditor, uri: str) -> dict:  # type: ignore[type-arg]
    await editor.act(uri, "Ralph: implement", cursor(editor, uri, "raise"))
    return await editor.run_ended()


@pytest.mark.parametrize("linked", [pytest.param("root", marks=pytest.mark.slow), "file"])
async def test_a_file_reached_through_a_link(start: Start, project: Path, tmp_path: Path, linked: str) -> None:
    """The project is opened under one name, its file under the other: it is the project's, as the client spells it."""
    link = tmp_path / "link"
    link.symlink_to(project)
    root, other = (link, project) if linked == "root" else (project, link)
    editor = await start(artisan=[RIGHT], root=root)
    uri = (other / "slug.py").as_uri()
    await editor.open(uri, (project / "slug.py").read_text())
    result = await implement(editor, uri)
    assert result["outcome"] == "proposed", result["reason"]
    assert "slug.py" in result["tests"]["hashes"]
    await editor.wait_diagnostics(uri, 2, "ralph.change")
    await editor.act(uri, "Ralph: accept all changes")
    await editor.wait_diagnostics(uri, 0, "ralph.change")
    assert "re.sub" in editor.text(uri)


async def test_a_file_outside_stays_outside(start: Start, project: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", {"slug.py": "def slug(text):\n    raise NotImplementedError\n"})
    editor = await start()
    uri = await editor.open(tmp_path / "elsewhere" / "slug.py")
    [action] = [a for a in await editor.actions(uri) if a["title"] == "Ralph: implement"]
    assert action["disabled"]["reason"] == "The file is outside the workspace."


@pytest.mark.slow
async def test_each_folder_of_a_workspace_is_a_project_of_its_own(start: Start, project: Path, tmp_path: Path) -> None:
    """An editor gives several folders, one of them inside another: a run has the innermost one around its file as root, and
    tests nothing of the others."""
    inner, beside = project / "inner", tmp_path / "beside"
    red = {"test_red.py": "def test_red():\n    assert False\n"}
    for folder in (inner, beside):
        write(
            folder,
            {
                name: (project / name).read_text()
                for name in ("slug.py", "tests/test_slug.py", "conftest.py")
                if (project / name).exists()
            },
        )
    write(project, red)
    folders = [{"uri": folder.as_uri(), "name": folder.name} for folder in (project, inner, beside)]
    editor = await start(artisan=[RIGHT, RIGHT], workspaceFolders=folders)
    for folder in (inner, beside):
        result = await implement(editor, await editor.open(folder / "slug.py"))
        assert result["outcome"] == "proposed", result["reason"]
        assert set(result["tests"]["hashes"]) == {"slug.py", "tests/test_slug.py", "conftest.py"}


async def test_open_files_that_are_none_of_the_projects(start: Start, project: Path, tmp_path: Path) -> None:
    """In a dependency folder, in version control's, through a link out of the tree: the run goes on without them."""
    write(tmp_path, {"elsewhere/shared.py": "X = 1\n"})
    (project / "linked").symlink_to(tmp_path / "elsewhere")
    strange = {
        ".venv/pyvenv.cfg": "home = /usr/bin\n",
        ".venv/lib/dep.py": "X = 1\n",
        "node_modules/dep/index.py": "X = 1\n",
        ".git/hooks/pre-commit.py": "X = 1\n",
    }
    write(project, strange)
    editor = await start(artisan=[RIGHT])
    for name in [*strange, "linked/shared.py"]:
        opened = (project / name).absolute().as_uri()
        await editor.open(opened, (project / name).read_text())
        await editor.change(opened, 0, 0, "# typed\n")
    uri = await editor.open(project / "slug.py")
    result = await implement(editor, uri)
    assert result["outcome"] == "proposed", result["reason"]


LATIN = "# -*- coding: latin-1 -*-\nNAME = 'café'\n\n\ndef slug(text):\n    raise NotImplementedError\n"
LATIN_TEST = """\
from pathlib import Path

import slug


def test_bytes():
    assert b"caf\\xe9" in Path(slug.__file__).read_bytes() and len(slug.NAME) == 4


def test_slug():
    assert slug.slug("Hello World") == "hello-world"
"""


@pytest.mark.parametrize("known_by", [pytest.param("cookie", marks=pytest.mark.slow), "bytes"])
async def test_a_latin_1_file_stays_one(start: Start, project: Path, known_by: str) -> None:
    """Unsaved, as a candidate of the Artisan, and where only the client knows the encoding (no declaration in it)."""
    text = LATIN if known_by == "cookie" else LATIN.split("\n", 1)[1]
    (project / "slug.py").write_bytes(text.encode("latin-1"))
    test = LATIN_TEST if known_by == "cookie" else READS_LATIN
    write(project, {"tests/test_slug.py": test})
    editor = await start(artisan=[RIGHT])
    uri = (project / "slug.py").absolute().as_uri()
    await editor.open(uri, text)
    await editor.change(uri, len(text), len(text), "\n# naïve: typed, not saved\n")
    result = await implement(editor, uri)
    assert result["outcome"] == "proposed", json.dumps(result["tests"])
    await editor.act(uri, "Ralph: accept all changes")
    await editor.wait_diagnostics(uri, 0, "ralph.change")
    (project / "slug.py").write_bytes(editor.text(uri).encode("latin-1"))
    done = subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=project, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


READS_LATIN = """\
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "slug.py"


def load():
    data = SOURCE.read_bytes()
    assert b"caf\\xe9" in data
    names = {}
    exec(data.decode("latin-1"), names)
    return names["slug"]


def test_slug():
    assert load()("Hello World") == "hello-world"
"""
