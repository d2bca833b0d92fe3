"""What each file of a workspace imports, or defines and uses by name, kept between runs, so that one edit means one file read
again.

Kept are what each content says of that, and the whole graph of each workspace, which the next run takes as it is but for
the files that have changed since; where those define other names than before, also but for the files that use such a name.
One SQLite file in the person's cache folder. Contents are known by their digest: what a file of these bytes imports, defines
and uses never changes, whichever workspace or branch it stands in. A file on disk is known by its signature (mode, size,
times, inode), which changes with every write. A database that is damaged is made anew; one that is locked, or that cannot be written, is
worked without: the files are then read, as if there were none. Two servers may use it at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path

from ralphd.context.file_graph import Content, FileGraph, content_of, nothing_in, packages_in
from ralphd.context.kept_graph import KeptGraph, marks, packed
from ralphd.context.languages import language_of
from ralphd.context.listing import Listing
from ralphd.context.names import BY_NAMES, Names
from ralphd.context.tree import Tree, is_secret
from ralphd.core import foreign_json

log = logging.getLogger("ralphd")

FILE = "index.sqlite3"
VERSION = 5
BATCH = 500
"""Files that are written in one transaction: what a builder that is stopped loses at most."""
REWRITTEN = 200
"""So many changed files are looked up one by one, beside the kept graph; with more it is made and kept anew."""
MOST_MOVED = 20
"""So many names that are defined elsewhere than before are looked for one by one; with more the graph is made anew."""
KEPT_CONTENTS = 400_000
"""Beyond this many the contents that no file has now are dropped."""
_SCHEMA = """
CREATE TABLE contents (digest BLOB PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE files (root TEXT, path TEXT, signature TEXT NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (root, path)) WITHOUT ROWID;
CREATE TABLE graphs (root TEXT PRIMARY KEY, shape BLOB NOT NULL, packed BLOB NOT NULL, defined BLOB NOT NULL);
"""
ROOTS_KEPT = 4
"""Of so many roots the list of files stays in memory."""
Signature = Sequence[int]


class _Files:
    """The files of a root, and what is asked of all of them at each run: with a hundred thousand files that takes a tenth of a
    second, so it is worked out once as long as they are the same ones."""

    def __init__(self, every: list[str]) -> None:
        self.every = every
        self.followed = Listing(FileGraph.followed(every))
        self.packages = packages_in(every)

    @cached_property
    def digest(self) -> bytes:
        text = "\n".join(chain(self.followed.paths, ("",), self.packages))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class ProjectIndex:
    """The index of all workspaces. Blocking: for worker threads and for the builder's own process."""

    def __init__(self, path: Path | None = None) -> None:
        """`path`: the database; without one nothing is kept."""
        self._path = path
        self._files: dict[str, _Files] = {}
        """By root, in the order in which they were asked for last."""

    def graph(self, root: str, tree: Tree, signatures: Mapping[str, Signature]) -> FileGraph:
        """Which files of `tree` import which. Read are the files that have no `signatures` (an editor shows them) or
        another one than the index knows."""
        files = self._files_of(root, tree.paths())
        followed = files.followed.paths
        shape = _shape(files, tree, signatures)
        kept = self._kept(root, shape, files.followed)
        asked = kept.changed(marks(followed, signatures)) if kept is not None else followed
        if kept is not None and len(asked) <= REWRITTEN:
            try:
                graph = self._brought_up(root, tree, signatures, kept, asked, files)
            except ValueError as error:
                log.info("the kept graph cannot be read: %s", error)
                graph = None
            if graph is not None:
                return graph
        readable = _readable(root, followed, signatures)
        contents = self.bring_up(root, followed, tree.scan, readable)
        graph = FileGraph(tree, files.followed, files.packages, content=contents.__getitem__)
        if _is_unicode(root):
            self._keep(root, shape, packed(followed, marks(followed, readable), graph.uses, contents))
        return graph

    def _brought_up(
        self, root: str, tree: Tree, signatures: Mapping[str, Signature], kept: KeptGraph, asked: Sequence[str],
        files: _Files,
    ) -> FileGraph | None:  # fmt: skip
        """The kept graph with the files `asked` read again; None where that is not enough."""
        readable = _readable(root, asked, signatures)
        contents = self.bring_up(root, asked, tree.scan, readable, whole=False)
        by_names = {path: one for path, one in contents.items() if isinstance(one, Names)}
        defined = kept.defined() if by_names else {}
        moved = {n for path, one in by_names.items() for n in set(defined[path]) ^ set(one.defines)}
        if len(moved) > MOST_MOVED:
            return None
        if moved:
            users = self._naming(root, moved)
            if users is None:
                return None
            contents = {**{path: one for path, one in users.items() if path in defined}, **contents}
        for path in contents:
            defined.pop(path, None)
        return FileGraph(
            tree,
            files.followed,
            files.packages,
            content=contents.__getitem__,
            known=kept,
            fresh=contents,
            defined=defined,
        )

    def bring_up(
        self,
        root: str,
        paths: Sequence[str],
        read: Callable[[str], str | None],
        signatures: Mapping[str, Signature],
        stop: Callable[[], bool] = lambda: False,
        whole: bool = True,
    ) -> dict[str, Content]:
        """What each of `paths` says; what was not known yet is kept. `signatures`: of those that may be; `whole`: these are
        all files of the root, so that others are forgotten."""
        found: dict[str, Content] = {}
        with self._opened() as db:
            known = _known(db, root, None if whole else paths)
            fresh: list[tuple[str, Signature, bytes, Content]] = []
            for path in paths:
                signature = signatures.get(path)
                row = known.pop(path, None)
                if row is not None and signature is not None and row[0] == _written(signature):
                    found[path] = row[1]
                    continue
                text = read(path)
                if text is None:
                    found[path] = nothing_in(path)
                    continue
                digest = _digest(path, text)
                content = _content(db, path, digest)
                found[path] = content if content is not None else content_of(path, text)
                if signature is not None:
                    fresh.append((path, signature, digest, found[path]))
                if len(fresh) >= BATCH:
                    _write(db, root, fresh, [])
                    fresh = []
                if stop():
                    break
            _write(db, root, fresh, [] if stop() or not whole else list(known))
        return found

    def _files_of(self, root: str, every: list[str]) -> _Files:
        known = self._files.pop(root, None)
        self._files[root] = files = known if known is not None and known.every == every else _Files(every)
        while len(self._files) > ROOTS_KEPT:
            del self._files[next(iter(self._files))]
        return files

    def _kept(self, root: str, shape: bytes, files: Listing) -> KeptGraph | None:
        """The graph as it was, where the files were the same ones."""
        with self._opened() as db:
            try:
                query = "SELECT packed, defined FROM graphs WHERE root = ? AND shape = ?"
                row = db.execute(query, (root, shape)).fetchone() if db is not None and _is_unicode(root) else None
                return KeptGraph(files, *row) if row else None
            except (sqlite3.Error, ValueError) as error:
                log.info("the kept graph cannot be read: %s", error)
                return None

    def _naming(self, root: str, names: Iterable[str]) -> dict[str, Names] | None:
        """What the files of the root that name one of `names` say; None where that cannot be had."""
        asked = [f" {name} " for name in sorted(names)]
        query = "SELECT path, content FROM files JOIN contents USING (digest) WHERE root = ?"
        with self._opened() as db:
            try:
                named = " OR ".join(["instr(content, ?)"] * len(asked))
                rows = db.execute(f"{query} AND ({named})", (root, *asked)).fetchall() if db is not None else None
                return {p: Names.parsed(text) for p, text in rows if p.endswith(BY_NAMES)} if rows is not None else None
            except (sqlite3.Error, ValueError) as error:
                log.info("the index of the project cannot be read: %s", error)
                return None

    def _keep(self, root: str, shape: bytes, data: tuple[bytes, bytes]) -> None:
        with self._opened() as db:
            try:
                if db is not None:
                    db.execute("INSERT OR REPLACE INTO graphs VALUES (?, ?, ?, ?)", (root, shape, *data))
            except sqlite3.Error as error:
                log.info("the graph cannot be kept: %s", error)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection | None]:
        """The database; None where it cannot be used."""
        db = None
        path = self._path
        for again in (True, False) if path is not None else ():
            assert path is not None
            try:
                db = _open(path)
                break
            except sqlite3.DatabaseError as error:
                damaged = not isinstance(error, sqlite3.OperationalError)
                log.info("the index of the project %s cannot be used: %s", path, error)
                if not (damaged and again):
                    break
                with contextlib.suppress(OSError):
                    path.unlink()
            except OSError as error:
                log.info("the index of the project %s cannot be used: %s", path, error)
                break
        try:
            yield db
        finally:
            if db is not None:
                db.close()


def _is_unicode(path: str) -> bool:
    """A name that is not, in the encoding of the file system, has no form that SQLite keeps."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _written(signature: Signature) -> str:
    return " ".join(map(str, signature))


def _readable(root: str, paths: Iterable[str], signatures: Mapping[str, Signature]) -> dict[str, Signature]:
    """The signatures of those files that may be kept."""
    kept = (p for p in paths if p in signatures and not is_secret(p) and _is_unicode(p)) if _is_unicode(root) else ()
    return {path: signatures[path] for path in kept}


def _digest(path: str, text: str) -> bytes:
    """Of the content, and of the way in which it is read."""
    way = "python" if path.endswith(".py") else language_of(path).name if path.endswith(BY_NAMES) else "script"
    return hashlib.sha256(f"{way}\n{text}".encode("utf-8", "surrogatepass")).digest()


def _as_text(content: Content) -> str:
    return content.text if isinstance(content, Names) else json.dumps(content)


def _from_text(path: str, text: str) -> Content:
    """Raises `ValueError` where it is none."""
    if path.endswith(BY_NAMES):
        return Names.parsed(text)
    found: Content = foreign_json.parse(text) if text != "[]" else []
    return found


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    db = sqlite3.connect(path, timeout=1.0, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            db.execute("BEGIN IMMEDIATE")
            if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:  # another server was not first
                db.execute("DROP TABLE IF EXISTS files")
                db.execute("DROP TABLE IF EXISTS contents")
                db.execute("DROP TABLE IF EXISTS graphs")
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version={VERSION}")
            db.execute("COMMIT")
        path.chmod(0o600)
    except BaseException:
        db.close()
        raise
    return db


def _known(db: sqlite3.Connection | None, root: str, paths: Sequence[str] | None) -> dict[str, tuple[str, Content]]:
    """By path the signature and the content of the files of `root`: of all, or of `paths`."""
    if db is None:
        return {}
    query = "SELECT path, signature, content FROM files JOIN contents USING (digest) WHERE root = ?"
    try:
        if paths is None:
            rows: Iterable[tuple[str, str, str]] = db.execute(query, (root,))
        else:
            asked = [(root, path) for path in paths if _is_unicode(path)]
            rows = [row for one in asked for row in db.execute(f"{query} AND path = ?", one)]
        return {path: (signature, _from_text(path, text)) for path, signature, text in rows}
    except (sqlite3.Error, ValueError) as error:
        log.info("the index of the project cannot be read: %s", error)
        return {}


def _shape(files: _Files, tree: Tree, signatures: Mapping[str, Signature]) -> bytes:
    """What a graph depends on beside the files' own contents: which files there are, and what packages call themselves."""
    said = "\n".join(_written(signatures[p]) if p in signatures else tree.scan(p) or "" for p in files.packages)
    return hashlib.sha256(files.digest + said.encode("utf-8", "surrogatepass")).digest()


def _content(db: sqlite3.Connection | None, path: str, digest: bytes) -> Content | None:
    if db is None:
        return None
    try:
        row = db.execute("SELECT content FROM contents WHERE digest = ?", (digest,)).fetchone()
        return _from_text(path, row[0]) if row else None
    except (sqlite3.Error, ValueError):
        return None


def _write(
    db: sqlite3.Connection | None,
    root: str,
    fresh: Sequence[tuple[str, Signature, bytes, Content]],
    gone: Sequence[str],
) -> None:
    """Keeps what is `fresh` and forgets what is `gone`; another server's write, or a full disk, costs only the keeping."""
    if db is None or not (fresh or gone):
        return
    try:
        db.execute("BEGIN IMMEDIATE")
        try:
            db.executemany(
                "INSERT OR IGNORE INTO contents VALUES (?, ?)", [(d, _as_text(content)) for _, _, d, content in fresh]
            )
            db.executemany(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)",
                [(root, p, _written(s), d) for p, s, d, _ in fresh],
            )
            db.executemany("DELETE FROM files WHERE root = ? AND path = ?", [(root, path) for path in gone])
            if db.execute("SELECT count(*) FROM contents").fetchone()[0] > KEPT_CONTENTS:
                db.execute("DELETE FROM contents WHERE digest NOT IN (SELECT digest FROM files)")
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
    except sqlite3.Error as error:
        log.info("the index of the project cannot be written: %s", error)
