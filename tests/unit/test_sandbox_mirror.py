from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ralphd.errors import SandboxError
from ralphd.sandbox import mirror as mirror_module
from ralphd.sandbox.mirror import Mirror, open_beneath
from ralphd.sandbox.selection import Selection, Stopped
from tests.support.sandboxes import contents, write


class Slot:
    """A workspace, its mirror, and how many files the last refresh copied."""

    def __init__(self, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = base / "ws"
        self.root.mkdir()
        self.folder = base / "slot"
        self.mirror = Mirror(str(self.folder))
        self.copied: list[str] = []
        self.selection = Selection(str(self.root), home="/nonexistent", max_files=10_000, max_bytes=1 << 30)
        original = Mirror._copy_one

        def counting(this: Mirror, root: str, path: str, *rest: object) -> object:
            self.copied.append(path)
            return original(this, root, path, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(Mirror, "_copy_one", counting)
        # Files of a test are always young; the rule that young files are copied again has its own test.
        monkeypatch.setattr(mirror_module, "_RACY_NS", 0)

    def refresh(self, overlay: dict[str, bytes | None] | None = None) -> dict[str, bytes]:
        self.copied.clear()
        listing = self.selection.scan(lambda: False)
        self.mirror.refresh(str(self.root), listing, overlay or {}, listing.trees, {}, lambda: False)
        return contents(self.tree)

    @property
    def tree(self) -> Path:
        return Path(self.mirror.tree)


@pytest.fixture
def slot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slot:
    return Slot(tmp_path, monkeypatch)


def test_only_what_changed_is_copied(slot: Slot) -> None:
    write(slot.root, {"a.py": "1", "d/b.py": "2", "d/c.py": "3"})
    assert slot.refresh() == {"a.py": b"1", "d/b.py": b"2", "d/c.py": b"3"}
    assert sorted(slot.copied) == ["a.py", "d/b.py", "d/c.py"]
    (slot.root / "d/b.py").write_text("9")
    (slot.root / "d/c.py").unlink()
    assert slot.refresh() == {"a.py": b"1", "d/b.py": b"9"}
    assert slot.copied == ["d/b.py"]
    slot.mirror.touched()
    slot.refresh()
    assert slot.copied == []


def test_same_size_and_time_is_still_seen(slot: Slot) -> None:
    write(slot.root, {"a.py": "1"})
    slot.refresh()
    info = os.stat(slot.root / "a.py")
    (slot.root / "a.py").write_text("2")
    os.utime(slot.root / "a.py", ns=(info.st_atime_ns, info.st_mtime_ns))
    assert slot.refresh() == {"a.py": b"2"}


def test_a_file_changed_just_now_is_copied_again(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_module, "_RACY_NS", 10**12)
    write(slot.root, {"a.py": "1"})
    slot.refresh()
    slot.refresh()
    assert slot.copied == ["a.py"]


def test_overlay_adds_replaces_deletes_and_goes(slot: Slot) -> None:
    write(slot.root, {"a.py": "disk", "b.py": "disk", "run.sh": "disk"})
    os.chmod(slot.root / "run.sh", 0o755)
    overlay: dict[str, bytes | None] = {"a.py": b"buffer", "b.py": None, "new/deep/c.py": b"new", "run.sh": b"x"}
    assert slot.refresh(overlay) == {"a.py": b"buffer", "new/deep/c.py": b"new", "run.sh": b"x"}
    assert os.stat(slot.tree / "run.sh").st_mode & 0o777 == 0o755
    before = os.stat(slot.tree / "a.py").st_ino
    assert slot.refresh(overlay)["a.py"] == b"buffer"
    assert os.stat(slot.tree / "a.py").st_ino == before
    assert slot.refresh({"a.py": b"second"})["a.py"] == b"second"
    assert slot.refresh() == {"a.py": b"disk", "b.py": b"disk", "run.sh": b"disk"}
    assert not (slot.tree / "new").exists()


def test_everything_a_run_left_is_undone(slot: Slot, tmp_path: Path) -> None:
    write(slot.root, {"a.py": "1", "d/b.py": "2", "e/f/g.py": "3", "h.py": "4", "k.py": "5", "n/o.py": "6"})
    (slot.root / "link").symlink_to("a.py")
    (slot.root / "empty").mkdir()
    good = slot.refresh()
    outside = write(tmp_path / "outside", {"precious": "x"})
    tree = slot.tree
    info = os.stat(tree / "a.py")
    (tree / "a.py").write_text("7")  # same size, time put back
    os.utime(tree / "a.py", ns=(info.st_atime_ns, info.st_mtime_ns))
    shutil.rmtree(tree / "d")
    (tree / "d").symlink_to(outside)  # a link where a folder was
    (tree / "e/f/g.py").unlink()
    (tree / "e/f/g.py").mkdir()  # a folder where a file was
    write(tree, {"e/f/g.py/x/y": "deep"})
    (tree / "h.py").unlink()
    os.mkfifo(tree / "h.py")
    os.link(tree / "k.py", tree / "k2.py")
    os.chmod(tree / "k.py", 0o000)
    (tree / "link").unlink()
    (tree / "link").symlink_to(outside / "precious")
    os.chmod(tree / "n", 0o000)
    (tree / "empty").rmdir()
    write(tree, {".git/hooks/pre-commit": "x", "conftest.py": "x", "__pycache__/a.pyc": "x"})
    os.chmod(tree, 0o500)
    slot.mirror.touched()
    assert slot.refresh() == good
    assert (tree / "empty").is_dir() and not (tree / "empty").is_symlink()
    assert (outside / "precious").read_text() == "x"
    assert os.stat(tree / "k.py").st_nlink == 1


def test_a_later_server_takes_the_copy_up(slot: Slot) -> None:
    write(slot.root, {"a.py": "1", "b.py": "2"})
    os.close(os.open(os.fsencode(slot.root) + b"/n\xff", os.O_CREAT | os.O_WRONLY))
    good = slot.refresh()
    slot.mirror.save()
    slot.mirror = Mirror(str(slot.folder))
    slot.mirror.load()
    (slot.tree / "b.py").write_text("spoiled by a crash")
    assert slot.refresh() == good
    assert slot.copied == ["b.py"]


@pytest.mark.parametrize(
    "text", ["", "{}", '{"format": 1}\n[[1]]', '{"format": 1}\nnonsense', '{"format": 99}\n[]', "\xff"]
)
def test_a_broken_manifest_costs_a_copy_only(slot: Slot, text: str) -> None:
    write(slot.root, {"a.py": "1"})
    slot.refresh()
    (slot.folder / "manifest.jsonl").write_text(text, encoding="latin-1")
    slot.mirror = Mirror(str(slot.folder))
    slot.mirror.load()
    assert slot.refresh() == {"a.py": b"1"}


def test_stopping_leaves_something_to_go_on_from(slot: Slot) -> None:
    write(slot.root, {f"{number}.py": "x" for number in range(20)})
    calls = iter(range(1000))
    listing = slot.selection.scan(lambda: False)
    with pytest.raises(Stopped):
        slot.mirror.refresh(str(slot.root), listing, {}, [], {}, lambda: next(calls) > 20)
    first = len(slot.copied)
    assert 0 < first < 20
    slot.refresh()
    assert len(slot.copied) <= 20 - first + 1


def test_mount_points_are_checked_by_every_component(slot: Slot, tmp_path: Path) -> None:
    write(slot.root, {"pkg/node_modules/x": ""})
    slot.refresh()
    assert (slot.tree / "pkg/node_modules").is_dir()
    slot.mirror.check_mounts(["pkg/node_modules"])
    shutil.rmtree(slot.tree / "pkg/node_modules")
    slot.mirror.check_mounts(["pkg/node_modules"])
    assert (slot.tree / "pkg/node_modules").is_dir()
    shutil.rmtree(slot.tree / "pkg")
    (slot.tree / "pkg").symlink_to(tmp_path)
    with pytest.raises(SandboxError, match="node_modules"):
        slot.mirror.check_mounts(["pkg/node_modules"])
    assert not (tmp_path / "node_modules").exists()


def test_reading_never_follows_or_waits(slot: Slot, tmp_path: Path) -> None:
    write(slot.root, {"a.py": "1"})
    slot.refresh()
    (slot.tree / "l").symlink_to("/etc/passwd")
    (slot.tree / "d").symlink_to("/etc")
    os.mkfifo(slot.tree / "f")
    assert slot.mirror.read("a.py", 10) == b"1"
    for name in ("l", "d/passwd", "f", "nope", "../ws/a.py", "/etc/passwd", "", ".", "a.py/x"):
        assert slot.mirror.read(name, 10) is None
    with pytest.raises(OSError, match="relative"):
        open_beneath(str(tmp_path), "a/../b")


def test_a_file_that_grows_or_goes_meanwhile(slot: Slot) -> None:
    write(slot.root, {"a.py": "1", "b.py": "2"})
    listing = slot.selection.scan(lambda: False)
    (slot.root / "a.py").unlink()
    (slot.root / "b.py").unlink()
    os.mkfifo(slot.root / "b.py")
    slot.mirror.refresh(str(slot.root), listing, {}, [], {}, lambda: False)
    assert contents(slot.tree) == {}
