"""A refused edit that the person allows: the run that was refused is repeated, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lsp.conftest import RIGHT, Start
from tests.lsp.test_implement import cursor
from tests.support.projects import write

OTHER = "def shout(text):\n    raise NotImplementedError\n"
LOUD = "```python\ndef shout(text):\n    return text.upper()\n```\n"
CHEAT = (
    "tests/test_slug.py\n```python\nfrom slug import slug\n\n\ndef test_ok():\n    assert slug('A b') == 'a-b'\n```\n"
)


@pytest.mark.slow
async def test_allowing_repeats_the_run_that_was_refused(start: Start, project: Path) -> None:
    """Another document's run comes between; its text, its place and its instruction are not taken."""
    write(
        project,
        {
            "loud.py": OTHER,
            "tests/test_loud.py": "from loud import shout\n\n\ndef test_it():\n    assert shout('a') == 'A'\n",
        },
    )
    editor = await start(artisan=[CHEAT, RIGHT, LOUD, RIGHT])
    slug = await editor.open(project / "slug.py")
    tests = await editor.open(project / "tests" / "test_slug.py")
    await editor.command(
        "ralph.server.implement",
        {"uri": slug, "range": cursor(editor, slug, "raise"), "instruction": "mind the hyphens"},
    )
    refused = await editor.run_ended()
    assert [f["path"] for f in refused["findingList"]] == ["tests/test_slug.py"], refused
    [finding] = await editor.wait_diagnostics(tests, 1, "ralph.locked")
    loud = await editor.open(project / "loud.py")
    await editor.command("ralph.server.implement", {"uri": loud, "range": cursor(editor, loud, "raise")})
    assert (await editor.run_ended())["outcome"] == "proposed"
    await editor.act(tests, "Ralph: allow this edit", finding["range"])
    again = await editor.run_ended()
    journal = Path(again["journal"]).read_text()
    assert '"path": "slug.py"' in journal and "mind the hyphens" in journal
    assert '"allowed": ["tests/test_slug.py"]' in journal


@pytest.mark.slow
async def test_a_dependency_is_added_once_the_person_allows_it(start: Start, project: Path) -> None:
    """The ordinary task that needs a control file: what is refused is said, with the one button that does it."""
    write(project, {"requirements.txt": "click\n"})
    whole = RIGHT.replace("\n```\n", '\n\n\ndef other():\n    return "other"\n```\n')
    both = f"slug.py\n{whole}\nrequirements.txt\n```\nclick\npackaging\n```\n"
    editor = await start(artisan=[both] * 3)
    slug = await editor.open(project / "slug.py")
    await editor.command(
        "ralph.server.implement",
        {"uri": slug, "range": cursor(editor, slug, "raise"), "instruction": "add packaging and use it"},
    )
    refused = await editor.run_ended()
    assert (refused["outcome"], refused["hunks"]) == ("stuck", 0)
    assert "It edits requirements.txt, which only you can allow." in refused["reason"]
    allow = refused["actions"][0]
    assert (allow["kind"], allow["title"]) == ("allowEdit", "Allow editing requirements.txt")
    await editor.command(allow["command"], *allow["arguments"])
    again = await editor.run_ended()
    assert again["outcome"] == "proposed", again["reason"]
    assert again["hunks"] == 3  # two of the function and its import, one of the requirements
