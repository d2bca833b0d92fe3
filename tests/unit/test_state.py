"""The person's state and cache folders: ours alone, cleaned by age and size."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path

import pytest

from ralphd.errors import Misconfigured
from ralphd.state import DAY_S, Dismissed, Folders, PrivateLog, clean, is_due, make_private, replace_file


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "config/ralphd", tmp_path / "state/ralphd", tmp_path / "cache/ralphd")


def put(path: Path, size: int, age_days: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (time.time() - age_days * DAY_S,) * 2)
    return path


def test_old_ones_go_and_the_oldest_beyond_the_limit(folders: Folders) -> None:
    runs = folders.state / "workspaces/a/runs"
    kept = [put(runs / "new.jsonl", 60, 0), put(runs / "week.jsonl", 60, 7), put(runs.parent / "dismissed.json", 9, 90)]
    gone = [put(runs / "older.jsonl", 60, 8), put(runs / "ancient.jsonl", 1, 31), put(runs / "x.json.1.part", 1, 31)]
    assert clean(folders, limit=130) == (3, 62)
    assert all(path.exists() for path in kept) and not any(path.exists() for path in gone)


def test_a_link_to_a_journal_elsewhere_is_not_followed(folders: Folders, tmp_path: Path) -> None:
    precious = put(tmp_path / "elsewhere/precious.jsonl", 9, 90)
    (folders.state / "workspaces/a").mkdir(parents=True)
    (folders.state / "workspaces/a/runs").symlink_to(precious.parent)
    (folders.state / "workspaces/b.jsonl").symlink_to(precious)
    clean(folders, now=time.time() + 90 * DAY_S)
    assert precious.exists()


def test_due_once_a_day_and_after_a_clock_that_jumped(folders: Folders) -> None:
    """By the days since the first start. What a clock says that is a month ahead is believed a day later, if it says so still."""
    now = time.time()

    def due(days: float) -> bool:
        return is_due(folders, now=now + days * DAY_S)

    assert [due(days) for days in (0, 0.1, 0.9, 1.1, 1.2)] == [True, False, False, True, False]
    assert [due(days) for days in (-5, -4.5, -3.9)] == [True, False, True]
    assert [due(days) for days in (3650, 3650.5, 3651.1)] == [False, False, True]
    assert [due(days) for days in (5, 5.5, 40, 41.1, 42.2)] == [True, False, False, True, True]


def test_folders_are_ours_alone(folders: Folders) -> None:
    place = make_private(folders.state / "workspaces/a")
    os.chmod(folders.state, 0o755)
    os.chmod(place, 0o777)
    make_private(place)
    for folder in (place, place.parent, folders.state):
        assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("level", ["", "workspaces", "workspaces/a"])
@pytest.mark.parametrize("kind", ["link", "dangling", "file", "another's"])
def test_what_is_not_a_folder_of_ours_is_refused(folders: Folders, tmp_path: Path, level: str, kind: str) -> None:
    if kind == "another's" and os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    target = tmp_path / "target"
    if kind != "dangling":
        target.mkdir()
    place = folders.state / level if level else folders.state
    place.parent.mkdir(parents=True)
    if kind == "file":
        place.write_text("")
    elif kind == "another's":
        place.mkdir()
        os.chown(place, 65534, 65534)
    else:
        place.symlink_to(target)
    with pytest.raises(Misconfigured, match=f"{place} (is a link|is no folder|belongs to somebody else)"):
        make_private(folders.state / "workspaces/a")
    assert not target.exists() or not list(target.iterdir())


def test_a_log_is_private_through_rotations_and_follows_no_link(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("")
    path.chmod(0o644)
    handler = PrivateLog(path, maxBytes=50, backupCount=2, encoding="utf-8")
    for number in range(9):
        handler.emit(logging.LogRecord("a", logging.INFO, "", 0, f"line {number} \u00e9 " + "x" * 20, (), None))
    handler.close()
    assert {p.name: p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == dict.fromkeys(
        ["a.log", "a.log.1", "a.log.2"], 0o600
    )
    assert "line 8 \u00e9" in path.read_text("utf-8")
    (tmp_path / "link.log").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError):
        PrivateLog(tmp_path / "link.log", encoding="utf-8")
    assert not (tmp_path / "precious").exists()


@pytest.mark.row("H2")
def test_two_windows_that_dismiss_at_once_lose_nothing(folders: Folders) -> None:
    def dismiss(window: int) -> None:
        for number in range(10):
            Dismissed(folders, "/ws").add(f"{window}-{number}", "said")

    windows = [threading.Thread(target=dismiss, args=(window,)) for window in range(4)]
    for window in windows:
        window.start()
    for window in windows:
        window.join()
    assert len(Dismissed(folders, "/ws").all()) == 40
    assert Dismissed(folders, "/ws").revoke("3-") == 10


def test_a_file_that_cannot_be_replaced_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("before")
    with pytest.raises(TypeError):
        replace_file(path, "no bytes", 0o755)  # type: ignore[arg-type]
    assert path.read_text() == "before" and [p.name for p in tmp_path.iterdir()] == ["a.py"]
    replace_file(path, b"after", 0o755)
    assert path.read_text() == "after" and path.stat().st_mode & 0o777 == 0o755
