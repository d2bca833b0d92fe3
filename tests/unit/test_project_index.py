"""The index of a project: one edit is one file read again, and what is wrong with the database never stops a run."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ralphd.context.file_graph import FileGraph
from ralphd.context.languages import language_of
from ralphd.context.names import BY_NAMES, names_in, queries
from ralphd.context.project_index import FILE, ProjectIndex
from ralphd.context.tree import MemoryTree
from tests.support.projects import write

FILES = {
    "a.py": "from b import x\n",
    "b.py": "x = 1\n",
    "pkg/__init__.py": "",
    "pkg/c.py": "from . import d\nfrom ..a import y\n",
    "pkg/d.py": "",
    "web/a.js": "const b = require('./b')\n",
    "web/b.js": "",
    "secrets.py": "import a\n",
    "notes.md": "import a\n",
}


class Counting(MemoryTree):
    """Counts what is read."""

    def __init__(self, texts: dict[str, str]) -> None:
        super().__init__(texts)
        self.read: list[str] = []

    def scan(self, path: str) -> str | None:
        self.read.append(path)
        return super().scan(path)


def signatures(texts: dict[str, str]) -> dict[str, tuple[int, ...]]:
    return {path: (0o100644, len(text), hash(text), 0, 0) for path, text in texts.items()}


def test_one_edit_is_one_file_read_again(tmp_path: Path) -> None:
    path = tmp_path / "cache" / FILE
    wanted = FileGraph(MemoryTree(FILES)).uses
    assert wanted["a.py"] == {"b.py"} and wanted["web/a.js"] == {"web/b.js"}
    first = Counting(FILES)
    assert ProjectIndex(path).graph("/w", first, signatures(FILES)).uses == wanted
    assert sorted(first.read) == sorted(p for p in FILES if p != "notes.md")
    again = Counting(FILES)
    assert ProjectIndex(path).graph("/w", again, signatures(FILES)).uses == wanted
    assert again.read == ["secrets.py"], "files of secrets never enter"
    edited = Counting({**FILES, "b.py": "import pkg.d\n"})
    graph = ProjectIndex(path).graph("/w", edited, signatures({**FILES, "b.py": "import pkg.d\n"}))
    assert graph.uses["b.py"] >= {"pkg/d.py"} and sorted(edited.read) == ["b.py", "secrets.py"]
    fewer = {path: text for path, text in FILES.items() if path != "pkg/d.py"}
    graph = ProjectIndex(path).graph("/w", MemoryTree(fewer), signatures(fewer))
    assert graph.uses == FileGraph(MemoryTree(fewer)).uses, "a file that is gone is imported by none"
    shown = Counting({**FILES, "a.py": "import pkg.d\n"})
    known = {p: s for p, s in signatures(FILES).items() if p != "a.py"}  # an editor shows it: nothing on disk counts
    assert "pkg/d.py" in ProjectIndex(path).graph("/w", shown, known).uses["a.py"]
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    with sqlite3.connect(path) as db:
        assert not [name for (name,) in db.execute("SELECT path FROM files") if "secret" in name or name == "notes.md"]


GO = {
    "shop/cart.go": "package shop\n\nfunc Total() int { return vat.Rate }\n",
    "vat/vat.go": "package vat\n\nconst Rate = 2\n",
    "api/api.go": "package api\n\nfunc Invoice() int { return shop.Total() + Shipping() }\n",
    "post/post.go": "package post\n\nfunc Parcel() {}\n",
    "secrets.go": "package main\n\nfunc KeyOfOurs() {}\n",
    "a.py": "import b\n",
    "b.py": "",
}


def go_with(**functions: str) -> str:
    return "package p\n\n" + "".join(f"func {name}() {{ {body} }}\n" for name, body in functions.items())


EDITS = {
    "another body": ("shop/cart.go", go_with(Total="Parcel()")),
    "another name": ("vat/vat.go", "package vat\n\nconst Share = 2\n"),
    "a new one that was named before": ("post/post.go", go_with(Parcel="", Shipping="")),
    "a second one nearer": ("api/other.go", go_with(Shipping="", Total="")),
    "none left": ("shop/cart.go", "package shop\n"),
    "as it was, written again": ("shop/cart.go", GO["shop/cart.go"] + "\n"),
}


def test_one_edit_of_what_is_followed_by_names(tmp_path: Path) -> None:
    """Whatever an edit defines or no longer defines, the graph is the one that all files give, and one file is read."""
    path, now = tmp_path / FILE, dict(GO) | {"api/other.go": go_with()}
    first = ProjectIndex(path).graph("/w", MemoryTree(now), signatures(now)).uses
    assert first == FileGraph(MemoryTree(now)).uses
    assert first["api/api.go"] == {"shop/cart.go"} and first["shop/cart.go"] == {"vat/vat.go"}
    for what, (edited, text) in EDITS.items():
        now[edited] = text
        tree = Counting(now)
        found = ProjectIndex(path).graph("/w", tree, signatures(now)).uses
        assert found == FileGraph(MemoryTree(now)).uses, what
        assert set(tree.read) <= {edited, "secrets.go"}, what
    unsaved = {**now, "vat/vat.go": go_with(Parcel="")}  # an editor shows it: nothing on disk counts
    known = {p: s for p, s in signatures(now).items() if p != "vat/vat.go"}
    found = ProjectIndex(path).graph("/w", MemoryTree(unsaved), known).uses
    assert found == FileGraph(MemoryTree(unsaved)).uses
    with sqlite3.connect(path) as db:
        (kept,) = db.execute("SELECT defined FROM graphs").fetchone()
        texts = [text for (text,) in db.execute("SELECT content FROM contents")]
    defined = zlib.decompress(kept).decode()
    assert "Total" in defined and "KeyOfOurs" not in defined + "".join(texts), "files of secrets never enter"


IMPORTING = {
    "src/pkg/__init__.py": "",
    "src/pkg/cart.py": "from . import tax\n",
    "src/pkg/tax.py": "",
    "conftest.py": "",
    "web/index.ts": "",
    "web/cart.ts": "import './tax'\n",
    "web/tax.d.ts": "",
    "web/tax/index.js": "",
    "own/package.json": '{"name": "@own/kit"}',
    "own/kit.mjs": "",
}
IMPORTING_EDITS = {
    "src/pkg/cart.py": "import pkg.tax\nimport cart\n",
    "src/pkg/tax.py": "from pkg import cart\nfrom .. import pkg\n",
    "conftest.py": "import pkg\nfrom pkg.cart import *\n",
    "web/index.ts": "export * from './cart.js'\nimport '@/tax'\nimport './tax.d.ts'\n",
    "web/cart.ts": "import '.'\nrequire('@own/kit')\nimport('../own/kit.mjs')\n",
    "own/kit.mjs": "import '../web'\nimport '../own/package.json'\n",
}


def test_one_edit_of_what_is_followed_by_imports(tmp_path: Path) -> None:
    """Whatever an edited file imports now, the kept graph with this one file read again is the one that all files give."""
    path, now = tmp_path / FILE, dict(IMPORTING)
    ProjectIndex(path).graph("/w", MemoryTree(now), signatures(now))
    for edited, text in IMPORTING_EDITS.items():
        now[edited] = text
        tree = Counting(now)
        found = ProjectIndex(path).graph("/w", tree, signatures(now)).uses
        assert found == FileGraph(MemoryTree(now)).uses, edited
        assert found[edited] and edited in tree.read and "web/tax.d.ts" not in tree.read, edited


def test_a_name_that_many_define_leads_to_those_nearby_or_to_none() -> None:
    many = {f"p{n}/one.go": f"package p{n}\n\nfunc Open() {{}}\n" for n in range(6)}
    near = {
        "p1/two.go": go_with(Same="Open()"),
        "far/imports.go": 'package far\n\nimport "example.com/m/p2"\n\nfunc Far() { p2.Open() }\n',
        "far/none.go": go_with(None_="x.Open()"),
        "far/own.go": go_with(Open="", Own="Open()"),
        "far/other.rb": "Open()\n",
    }
    found = FileGraph(MemoryTree({**many, **near})).uses
    assert found["p1/two.go"] == {"p1/one.go"}
    assert found["far/own.go"] == frozenset(), "what it defines itself"
    assert found["far/other.rb"] == frozenset(), "another language"
    del near["far/own.go"]
    found = FileGraph(MemoryTree({**many, **near})).uses
    assert found["far/imports.go"] == {"p2/one.go"} and found["far/none.go"] == frozenset()


@pytest.mark.parametrize("suffix", BY_NAMES)
def test_each_grammars_own_query_is_used(suffix: str) -> None:
    """One that a grammar's new version no longer fits would be left out without a word."""
    tags, ours = queries(language_of(f"x{suffix}"))
    assert tags is not None and tags.pattern_count and ours.pattern_count


@pytest.mark.parametrize("suffix", [".go", ".rb"])
def test_floods_of_comments_and_of_brackets_are_read_in_one_pass(suffix: str) -> None:
    """Each of these took a minute and more where a query's time grew with the square of what stands side by side."""
    mark = "#" if suffix == ".rb" else "//"
    text = f"{mark} x\n" * 60_000 + ("def total\nend\n" if suffix == ".rb" else "func total() {}\n")
    assert names_in(f"x{suffix}", text).defines == ["total"]
    assert names_in(f"x{suffix}", "(" * 150_000).defines == []


def torn_names(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE graphs SET defined = x'00'")


def garbage(path: Path) -> None:
    path.write_bytes(b"no database at all" * 400)


def torn(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))


def another_version(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [garbage, torn, torn_names, another_version, a_folder], ids=lambda harm: harm.__name__)
def test_a_database_that_cannot_be_used_is_worked_without(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    path = tmp_path / FILE
    wanted = ProjectIndex(path).graph("/w", MemoryTree(FILES), signatures(FILES)).uses
    for rest in tmp_path.glob("*-wal"):
        rest.unlink()
    harm(path)
    for _ in range(2):
        assert ProjectIndex(path).graph("/w", MemoryTree(FILES), signatures(FILES)).uses == wanted


def test_another_server_that_writes_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / FILE
    wanted = ProjectIndex(path).graph("/w", MemoryTree(FILES), signatures(FILES)).uses
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    changed = {**FILES, "d.py": "import a\n"}
    try:
        found = ProjectIndex(path).graph("/w", MemoryTree(changed), signatures(changed)).uses
    finally:
        other.close()
    assert found == {**wanted, "d.py": {"a.py"}}


def test_the_builder_fills_it_from_the_disk(tmp_path: Path) -> None:
    root, cache = tmp_path / "w", tmp_path / "cache"
    write(root, {**FILES, ".gitignore": "out/\n", "out/x.py": "import a\n"})
    cache.mkdir()
    builder = [
        sys.executable,
        "-P",
        "-m",
        "ralphd.judging.index_builder",
        str(cache / FILE),
        str(root),
        str(cache),
        "/root",
    ]
    with subprocess.Popen(builder, stdin=subprocess.PIPE, env={"PATH": ""}) as process:
        assert process.wait() == 0
    with sqlite3.connect(cache / FILE) as db:
        paths = {path for (path,) in db.execute("SELECT path FROM files WHERE root = ?", (os.path.realpath(root),))}
    assert paths == {"a.py", "b.py", "pkg/__init__.py", "pkg/c.py", "pkg/d.py", "web/a.js", "web/b.js"}
