"""`ralphd receipt`: what a run proved, as one JSON document that others can check against the working tree.

An in-toto Statement v1 (its `subject` lists files with their SHA-256) whose predicate is ours; docs/protocol.md lists
its fields. Everything in it comes from the run's journal.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ralphd.core import foreign_json
from ralphd.errors import UsageError
from ralphd.runs.receipt import PREDICATE, STATEMENT, statement
from ralphd.shell.headless import project_of
from ralphd.shell.records import journal_of
from ralphd.shell.terminal import say

_MAX_BYTES = 16 << 20


def receipt(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    if options.check:
        return _check(Path(options.check), Path(options.root) if options.root else project_of(Path.cwd() / "_"))
    if not options.run:
        raise UsageError("A run is missing.", "`ralphd receipt RUN`, or `ralphd receipt --check FILE`.")
    path = journal_of(options.run, environ)
    say(json.dumps(statement(path), indent=1, sort_keys=True))  # a document to keep: exact, and ASCII
    return 0


def _check(file: Path, root: Path) -> int:
    """0 where every file of the receipt is as it was judged."""
    differing = differences(_read(file), root)
    for line in differing:
        say(line)
    if not differing:
        say(f"All files are as they were judged ({root}).")
    return 1 if differing else 0


def differences(document: Mapping[str, Any], root: Path) -> list[str]:
    """One line for each file of the receipt that is not as it was judged."""
    found = []
    for subject in document["subject"]:
        name, wanted = subject["name"], subject["digest"]["sha256"]
        path = root / name
        if not path.resolve().is_relative_to(root.resolve()):
            found.append(f"{name}: lies outside {root}")
        elif not path.is_file():
            found.append(f"{name}: is not there")
        elif _sha256(path) != wanted:
            found.append(f"{name}: differs from what was judged")
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(file: Path) -> Mapping[str, Any]:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise ValueError("it is too big")
        document = foreign_json.parse(file.read_text(encoding="utf-8"))
        right = document["_type"] == STATEMENT and document["predicateType"] == PREDICATE
        subjects = document["subject"]
        fits = right and bool(subjects) and all(isinstance(s["name"], str) and s["digest"]["sha256"] for s in subjects)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"{file} cannot be read as a receipt ({error}).", "`ralphd receipt RUN` writes one.") from None
    if not fits:
        raise UsageError(f"{file} is no receipt of ralphd.", "`ralphd receipt RUN` writes one.")
    return dict(document)
