"""`ralphd demo --replay` shows the whole demo without a model, a download or a test run."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest

from ralphd.shell import demo_replay
from tests.support.product import ralphd


@pytest.mark.slow
def test_it_is_shown_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    done = ralphd(tmp_path, "demo", "--replay", "--plain")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    told = done.stdout
    assert "A recorded run, shown again: nothing runs here." in told.splitlines()[0]
    parts = (
        "6 failing tests",
        "Ralph: implement",
        "Planted faults",
        "\nproposed: ",
        "change 1 of ",
        "Accepted",
        "6 passed in ",
        "In your own editor:",
    )
    places = [told.index(part) for part in parts]
    assert places == sorted(places)
    assert not list(tmp_path.iterdir())


def test_it_names_no_place_of_the_machine_that_made_it() -> None:
    text = resources.files("ralphd.shell").joinpath(demo_replay.RECORDING).read_text(encoding="utf-8")
    assert "/tmp" not in text and "/home" not in text and "/root" not in text
    assert set(json.loads(text.splitlines()[0])) == {"date", "model", "machine"}
