"""The Librarian's model chooses what is opened, by names, and writes a brief; no code goes through its words."""

from __future__ import annotations

from pathlib import Path

from ralphd.runs.replay import replay
from tests.loop.test_implement import RIGHT, SLUG
from tests.support.projects import write
from tests.support.service import drive

FAR = '''LETTERS = "abc"


def transliterate(text: str, keep: str = "") -> str:
    """Write letters of other alphabets as ours. Nothing else changes."""
    return text.replace("ß", "ss")


def unrelated() -> None:
    print("body of the unrelated one")
'''
ANSWER = """OPEN: far/alphabet.py::transliterate
- OPEN: `no/such.py::thing`

slug() makes the part of an address that names a page.
It may use `transliterate`.
It may use `invented_helper`.
"""


async def test_it_opens_by_name_and_writes_a_brief(tmp_path: Path) -> None:
    write(tmp_path, {**SLUG, "far/alphabet.py": FAR, "far/.env": "KEY = 'NEVER'\n"})
    run = await drive(
        tmp_path,
        {"librarian": [ANSWER], "artisan": [RIGHT]},
        path="slug.py",
        at="raise",
        instruction="Use what far/alphabet.py has.",
        config={"loop": {"critic": "never", "librarian": "auto"}},
    )
    assert run.result.outcome == "proposed", run.result.reason
    asked = {request.role: request.messages for request in run.gateway.requests}
    question, opening = asked["librarian"][0].content, asked["artisan"][1].content
    line = 'far/alphabet.py::transliterate: def transliterate(text: str, keep: str = "") -> str: Write letters of other'
    assert line in question and "body of the unrelated" not in question and "ß" not in question, "one line each"
    assert "def test_" in question and question.index("Tests that fail now") < question.index("Not shown to them")
    assert "far/alphabet.py (opened by the librarian):" in opening and 'text.replace("ß", "ss")' in opening
    assert "body of the unrelated" not in opening and "no/such.py" not in opening
    assert "names a page" in opening and "It may use `transliterate`." in opening
    assert "invented_helper" not in opening, "what is nowhere is struck out"
    result, before = await replay(Path(run.result.journal), lambda event: None)
    assert (result.outcome, before) == ("proposed", "proposed")
