"""The Artisan may ask to see what the prompt does not show: twice a run, at its own cost, and never as an iteration."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralphd.core.events import Note
from ralphd.runs.replay import replay
from tests.loop.test_implement import RIGHT, SLUG, WRONG
from tests.support.projects import write
from tests.support.service import drive

ALPHABET = "LETTERS = 'abc'\n\n\ndef transliterate(text):\n    return text.replace('ß', 'ss')\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    write(root, {**SLUG, "far/alphabet.py": ALPHABET, "far/.env": "KEY = 'NEVER'\n"})
    return root


@pytest.mark.slow
async def test_it_is_shown_what_it_asks_for(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asks = "NEED: transliterate\nNEED: far/alphabet.py\nNEED: transliterte\nNEED: far/.env\n"
    answers = [asks, WRONG, "- NEED: `LETTERS`", "NEED: slug", RIGHT]
    run = await drive(project, {"artisan": answers}, path="slug.py", at="raise")
    assert run.result.outcome == "proposed", run.result.reason
    assert run.result.iterations == 2, "asking counts as no iteration"
    assert run.result.cost.usd == pytest.approx(0.001 * len(answers)), "each question is booked"
    opening, shown, repair, again, refused = [request.messages for request in run.gateway.requests]
    assert "NEED: name or path" in opening[0].content
    told = shown[-1].content
    assert "return text.replace('ß', 'ss')" in told and "LETTERS = 'abc'" in told
    assert "transliterte: Nothing of that name" in told and "NEVER" not in told
    assert repair[: len(shown)] == shown and "fail" in repair[-1].content, "what was shown stays"
    assert "LETTERS = 'abc'" in again[len(shown) + 1].content and again[-1] == repair[-1]
    assert "cannot ask again" in again[len(shown) + 1].content
    assert refused[-1].content.startswith("You were shown all"), "the third time it is told to answer"
    assert any("asked to see" in note.text and "2 of 4 found" in note.text for note in run.of(Note))

    (project / "far/alphabet.py").unlink()
    monkeypatch.setenv("PATH", "/nonexistent")
    result, before = await replay(Path(run.result.journal), lambda event: None)
    assert (result.outcome, before, result.iterations) == ("proposed", "proposed", 2)
