"""Every pattern over text of others is linear: a megabyte of its worst case takes under a second of processor time."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from ralphd.attack.mutants import mutants
from ralphd.attack.test_modules import falsifying, raw_example
from ralphd.context.tree import ImportGraph, MemoryTree
from ralphd.judging.failures import normalised, told
from ralphd.phases.base import marked_task
from ralphd.phases.small_model import is_quoted
from ralphd.phases.stubs import is_stub

MEGABYTE = 1_000_000
TEXTS = {
    "blanks": " " * MEGABYTE,
    "a mark and blanks": "# TODO" + " " * MEGABYTE + "x",
    "stars": "*" * MEGABYTE,
    "hashes and blanks": "#   " * (MEGABYTE // 4),
    "opening quotes": "“" * MEGABYTE,
    "quotes": '"' * MEGABYTE,
    "digits": "1" * MEGABYTE,
    "digits and dots": "1." * (MEGABYTE // 2),
    "0x": "0x" + "f" * MEGABYTE,
    "dashes": "- " * (MEGABYTE // 2),
    "equals": "= " * (MEGABYTE // 2),
    "go lines": "--- FAIL: x" * (MEGABYTE // 11),
    "escapes": "\x1b[" + "1;" * (MEGABYTE // 2),
    "temporary paths": "/tmp/" * (MEGABYTE // 5),
    "falsifying": "Falsifying example: test_a(\n" * (MEGABYTE // 28),
    "falsifying and closing": "Falsifying example: test_a(\n" + ")\n" * (MEGABYTE // 2),
    "line ends": "\n" * MEGABYTE,
}
READERS: dict[str, Callable[[str], object]] = {
    "told": lambda text: told(text, "/work"),
    "normalised": lambda text: normalised(text, "/work"),
    "marked task": marked_task,
    "quoted": lambda text: is_quoted(text, "x = 1"),
    "falsifying": lambda text: falsifying(text, "test_a"),
    "raw example": raw_example,
    "stub": lambda text: is_stub("a.py", text),
}


@pytest.mark.parametrize("text", TEXTS, ids=str)
@pytest.mark.parametrize("reader", READERS, ids=str)
def test_a_megabyte_is_read_in_a_second(reader: str, text: str) -> None:
    began = time.process_time()
    READERS[reader](TEXTS[text])
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize("source", ["-" * 20_000, "(" * 20_000, "x = " + "not " * 20_000 + "1", "a" + ".b" * 20_000])
def test_what_the_parser_cannot_take_is_not_understood(source: str) -> None:
    """No `MemoryError` and no `RecursionError` leaves the places that parse what others wrote."""
    mutants(source, (0, len(source)), 4)
    assert ImportGraph(MemoryTree({"a.py": source, "b.py": "import a\n"})).imports["b.py"] == {"a.py"}
    is_stub("a.py", source)
