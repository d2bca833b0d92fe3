"""A megabyte of the worst text for each pattern that reads a repository or a test's output: within a second of CPU."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from ralphd.context.tree import ImportGraph, MemoryTree, decode, is_secret
from ralphd.sandbox.process import clean

MEGABYTE = 1 << 20
PIECES = (
    "\x1b]", "\x1b[", "\x1bP", "\x1b", "\x1b[0;", "\x1b[ ", "\x1b]8;;x", "\x9b", "\r", "\r\n", "\n", " ", "\t", "-", "(",
    "[", "a", "a_", "a.", "import ", "from ", "a\n", "a,", "@a\n", "a+", "\nimport ", "\nfrom a", "\n\n  ", '"', '"""', "\\", "\x00", "\u202e",
)  # fmt: skip


def imports(text: str) -> object:
    return ImportGraph(MemoryTree({"a.py": text, "b.py": "import a"})).imports


READERS: dict[str, Callable[[str], object]] = {
    "a test's output": lambda text: clean(text.encode()),
    "imports": imports,
    "imports of what does not parse": lambda text: imports("(" + text),
    "decoding": lambda text: decode(text.encode()),
    "names of secrets": is_secret,
}


@pytest.mark.parametrize("piece", PIECES, ids=repr)
@pytest.mark.parametrize("reader", READERS)
def test_is_read_in_linear_time(reader: str, piece: str) -> None:
    text = (piece * (MEGABYTE // len(piece)))[:MEGABYTE]
    start = time.process_time()
    READERS[reader](text)
    assert time.process_time() - start < 1.0
