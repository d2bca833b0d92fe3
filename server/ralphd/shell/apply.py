"""`ralphd apply`: reads an answer that somebody pasted as the Artisan's is read, and shows or writes what it changes.

No model is asked and no test is run. The diff goes to stdout, what had to be mended to stderr; a refusal ends with code 1.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ralphd.app import build_service
from ralphd.context.target import find_target
from ralphd.context.tree import decode
from ralphd.core.run import RunRequest
from ralphd.errors import UsageError
from ralphd.judging.workspace_files import through_link
from ralphd.phases.answer_reader import AnswerReader, Candidate, Rejected
from ralphd.sandbox.reading import read_beneath
from ralphd.sandbox.selection import Selection
from ralphd.shell.headless import request_for
from ralphd.shell.terminal import say_diff, tell
from ralphd.shell.writing import write_texts

MAX_FILE = 1_000_000
"""Bytes of the biggest file that is edited."""
MAX_FILES = 200_000
MAX_BYTES = 1 << 40


def apply(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    request = request_for(options.file, argparse.Namespace(action="implement", range=None))
    answer = _answer(options.answer)
    found = _read(request, answer, options, environ)
    if isinstance(found, Rejected):
        tell(f"refused: {found.feedback}")
        return 1
    for sentence in found.mended:
        tell(f"note: {sentence}")
    if not found.texts:
        tell("The answer changes nothing.")
        return 0
    before = {path: _text(request, path) for path in found.texts}
    for path, text in sorted(found.texts.items()):
        say_diff(path, before[path], text)
    if options.write:
        write_texts(request.root, found.texts)
        tell(f"Wrote {', '.join(sorted(found.texts))}.")
    return 0


def _answer(path: str | None) -> str:
    """The answer's text, from a file or from standard input."""
    try:
        data = Path(path).read_bytes() if path and path != "-" else sys.stdin.buffer.read()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError("The answer is not UTF-8 text.") from None


def _read(
    request: RunRequest, answer: str, options: argparse.Namespace, environ: Mapping[str, str]
) -> Candidate | Rejected:
    """What the answer becomes. Locked and control files may be looked at freely, and written with `--allow` only."""
    found = _reader(request, environ, ()).read(answer, complete=True)
    if isinstance(found, Candidate) or not found.locked:
        return found
    if options.write and not options.allow:
        return Rejected(f"{found.feedback} `--allow` writes it all the same.", locked=found.locked)
    return _reader(request, environ, found.locked).read(answer, complete=True)


def _reader(request: RunRequest, environ: Mapping[str, str], allowed: Sequence[str]) -> AnswerReader:
    settings = build_service(environ).settings.read(request.root, request.path).settings
    home = os.path.realpath(environ.get("HOME", os.path.expanduser("~")))
    listing = Selection(request.root, home=home, max_files=MAX_FILES, max_bytes=MAX_BYTES).scan(lambda: False)
    return AnswerReader(
        target=find_target(request.path, request.text, request.span),
        source=request.text,
        paths=frozenset({*listing.files, request.path}),
        text_of=lambda path: _text(request, path),
        locked=settings.testing.locked,
        allowed=allowed,
        linked=lambda path: through_link(request.root, path),
    )


def _text(request: RunRequest, path: str) -> str | None:
    if path == request.path:
        return request.text
    return decode(read_beneath(request.root, path, MAX_FILE + 1), MAX_FILE)
