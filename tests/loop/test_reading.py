"""What reading an answer took is told: in the result, in its JSON, and in the journal; a notebook costs no call."""

from __future__ import annotations

from pathlib import Path

import pytest

from ralphd.core import events
from ralphd.core.result_json import result_json
from ralphd.core.run import Command
from tests.support.projects import code, write
from tests.support.service import drive

FILES: dict[str, str | bytes] = {"double.py": "def double(x):\n    raise NotImplementedError\n"}


async def test_what_was_mended_is_told(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    told: list[events.Event] = []
    answer = (
        "<think>\nA draft:\n"
        + code("def double(x):\n    return 3 * x")
        + "</think>\n"
        + code("from typing import *\nimport re\n\n\ndef double(x):\n    return 2 * x\n\n\nprint(double(2))")
    )
    run = await drive(tmp_path, {"artisan": [answer]}, path="double.py", at="raise", argv=(), tell=told.append)
    assert dict(run.result.edits) == {"double.py": "def double(x):\n    return 2 * x\n"}
    mended = run.result.mended
    assert "took the reasoning out of the answer" in mended and "dropped an unused import `re`" in mended
    assert "dropped the import of everything from `typing`" in mended and any("print(double(2))" in m for m in mended)
    assert result_json(run.result, review_id=None, hunks=1, findings=[])["mended"] == list(mended)
    notes = [event.text for event in told if isinstance(event, events.Note)]
    assert all(any(sentence in note for note in notes) for sentence in mended)


async def test_an_answer_that_needed_nothing_says_nothing(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    run = await drive(
        tmp_path, {"artisan": [code("def double(x):\n    return 2 * x")]}, path="double.py", at="raise", argv=()
    )
    assert run.result.edits and run.result.mended == ()


async def test_a_notebook_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    write(tmp_path, {"n.ipynb": '{"cells": []}\n'})
    commands: tuple[Command, ...] = ("implement", "critique", "chaosTests")
    for command in commands:
        run = await drive(
            tmp_path, {"artisan": [code("import os\nprint(1)")]}, path="n.ipynb", argv=(), command=command
        )
        assert run.result.outcome == "misconfigured" and "Notebooks are not worked on" in run.result.reason
        assert not run.gateway.requests and not run.result.edits
        assert (tmp_path / "n.ipynb").read_text() == '{"cells": []}\n'


@pytest.mark.parametrize(
    ("path", "before", "answer"),
    [
        ("calc.pyi", "def double(x: int) -> str: ...\ndef half(x: int) -> float: ...\n", "def double(x: int) -> int: ..."),
        ("fast.pyx", "cimport cython\n\ncpdef int double(int x) nogil:\n    return 0\n\ndef half(x):\n    return x / 2\n",
         "cpdef int double(int x) nogil:\n    cdef int twice = 2 * x\n    return twice"),
    ],
    ids=["stub", "cython"],
)  # fmt: skip
async def test_what_no_test_reaches_is_offered_as_unverified(
    path: str, before: str, answer: str, tmp_path: Path
) -> None:
    """Stubs and Cython's sources: the definition at the cursor is the target, and no test runs what is changed."""
    write(tmp_path, {path: before, "test_other.py": "def test_other():\n    assert True\n"})
    run = await drive(tmp_path, {"artisan": [code(answer)]}, path=path, at="double", instruction="It doubles an int.")
    assert run.result.outcome == "proposed_unverified", run.result.reason
    after = run.result.edits[path]
    assert answer in after and "half" in after and after.count("double") == 1
