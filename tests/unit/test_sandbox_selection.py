from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from ralphd.errors import SandboxError
from ralphd.sandbox.git_index import tracked_paths
from ralphd.sandbox.selection import Listing, Selection, Stopped
from tests.support.sandboxes import write


def scan(root: Path, **more: int) -> Listing:
    return select(root, **more).scan(lambda: False)


def select(root: Path, *, max_files: int = 1000, max_bytes: int = 1 << 20) -> Selection:
    return Selection(str(root), home="/nonexistent", max_files=max_files, max_bytes=max_bytes)


def git(root: Path, *args: str) -> None:
    clean = {"PATH": os.environ["PATH"], "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", *args],
        cwd=root,
        check=True,
        capture_output=True,
        env=clean,
    )


def test_ignored_files_are_left_out_by_gits_rules(tmp_path: Path) -> None:
    files = [
        "a.py", "a.log", "keep.log", "build/x.o", "src/build/y.py", "src/deep/only_here.txt", "only_here.txt",
        "src/b.py", "src/data/x.csv", "src/data/keep.csv", "out/dir/z", "trailing ", "caf\u00e9.tmp", "#hash", "__pycache__/a.pyc",
    ]  # fmt: skip
    write(tmp_path, dict.fromkeys(files, "x"))
    write(
        tmp_path,
        {
            ".gitignore": "*.log\n!keep.log\n/build/\nout\n*.tmp\n\\#hash\n",
            "src/.gitignore": "data/*\n!data/keep.csv\n",
        },
    )
    write(
        tmp_path,
        {"src/deep/.gitignore": "only_here.txt\n", ".git/info/exclude": "trailing\\ \n", ".git/HEAD": "ref: x"},
    )
    found = set(scan(tmp_path).files)
    assert found == {".gitignore", "a.py", "keep.log", "src/build/y.py", "only_here.txt", "src/b.py", "src/data/keep.csv",
                     "src/.gitignore", "src/deep/.gitignore"}  # fmt: skip


@pytest.mark.skipif(shutil.which("git") is None, reason="git tells what the answer is")
@pytest.mark.parametrize("version", [2, 3, 4])
def test_agrees_with_git(tmp_path: Path, version: int) -> None:
    files = dict.fromkeys(
        ["a.py", "gen/tracked.txt", "gen/untracked.txt", "x/y/z.log", "x/y/t.log", "x/o.py", "n\u00e9.py"], "x"
    )
    write(tmp_path, {**files, ".gitignore": "gen/\n*.log\n"})
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-f", "a.py", "gen/tracked.txt", "x/y/t.log", ".gitignore")
    (tmp_path / "intent.py").write_text("x")
    git(tmp_path, "add", "-N", "intent.py")  # an extended entry
    git(tmp_path, "update-index", "--index-version", str(version))
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    expected = {os.fsdecode(name) for name in listed.stdout.split(b"\0") if name}
    assert set(scan(tmp_path).files) == expected
    assert "gen/tracked.txt" in expected and "gen/untracked.txt" not in expected


def test_broken_index_is_no_index(tmp_path: Path) -> None:
    for data in (
        b"",
        b"DIRC",
        b"DIRC\0\0\0\x02\xff\xff\xff\xff",
        b"DIRC\0\0\0\x04\0\0\0\x01" + b"\xff" * 80,
        os.urandom(500),
    ):
        (tmp_path / "index").write_bytes(data)
        assert tracked_paths(str(tmp_path / "index")) == frozenset()


def test_rules_of_the_repository_above_hold_in_a_subfolder(tmp_path: Path) -> None:
    write(
        tmp_path,
        {".git/HEAD": "", ".gitignore": "/sub/gen/\n*.log\n", "sub/gen/a": "", "sub/b.log": "", "sub/c.py": ""},
    )
    assert set(scan(tmp_path / "sub").files) == {"c.py"}


def test_changed_rules_are_seen(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "a.py\n", "a.py": "", "b.py": "", "d/c.py": ""})
    selection = select(tmp_path)
    assert "a.py" not in selection.scan(lambda: False).files
    write(tmp_path, {".gitignore": "b.py longer\nb.py\nc.py\n"})
    assert set(selection.scan(lambda: False).files) == {".gitignore", "a.py"}
    (tmp_path / ".gitignore").unlink()
    assert set(selection.scan(lambda: False).files) == {"a.py", "b.py", "d/c.py"}


def test_the_inner_file_wins(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "*.csv\n!b.log\n", "d/.gitignore": "!keep.csv\n*.log\n"})
    write(tmp_path, {"d/keep.csv": "", "d/x.csv": "", "d/b.log": "", "b.log": ""})
    assert set(scan(tmp_path).files) == {".gitignore", "d/.gitignore", "d/keep.csv", "b.log"}


def test_one_bad_pattern_does_not_undo_the_rest(tmp_path: Path) -> None:
    write(tmp_path, {".gitignore": "!\n[\n/\n*.log\n\0\n", "a.log": "", "b.py": ""})
    assert "a.log" not in scan(tmp_path).files


def test_dependency_trees_are_named_not_walked(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"node_modules/a/index.js": "", "web/node_modules/b": "", "env/pyvenv.cfg": "", "env/lib/x.py": "", "a.js": ""},
    )
    listing = scan(tmp_path)
    assert set(listing.trees) == {"node_modules", "web/node_modules", "env"}
    assert set(listing.files) == {"a.js"}


def test_generated_code_that_is_imported_comes_along(tmp_path: Path) -> None:
    ignore = "*_version.py\n*.so\n*.egg-info/\nsecret.txt\n.env\n"
    write(
        tmp_path,
        {
            ".gitignore": ignore,
            "p/_version.py": "",
            "p/c.so": "",
            "p.egg-info/entry_points.txt": "",
            "secret.txt": "",
            ".env": "",
        },
    )
    assert set(scan(tmp_path).files) == {".gitignore", "p/_version.py", "p/c.so", "p.egg-info/entry_points.txt"}


@pytest.mark.row("W7")
def test_odd_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "sock"))
        (tmp_path / "loop").symlink_to(".")
        (tmp_path / "dangling").symlink_to("nowhere")
        os.close(os.open(os.fsencode(tmp_path) + b"/bad\xff\xfename", os.O_CREAT | os.O_WRONLY))
        for name in (".#a.py", "a.py~", "#a.py#", ".a.py.swp", "4913"):
            (tmp_path / name).write_text("x")
        listing = scan(tmp_path)
    assert set(listing.files) == {"loop", "dangling", "bad\udcff\udcfename"}
    assert listing.skipped == 2


def test_caps_name_the_heaviest_folder(tmp_path: Path) -> None:
    write(tmp_path, {f"data/{number}": "" for number in range(30)} | {"a.py": ""})
    with pytest.raises(SandboxError, match="'data'"):
        scan(tmp_path, max_files=20)
    write(tmp_path, {"big/x": "y" * 5000})
    with pytest.raises(SandboxError, match="too big"):
        scan(tmp_path, max_bytes=4000)


def test_can_be_stopped(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        select(tmp_path).scan(lambda: True)
