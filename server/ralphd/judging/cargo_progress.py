"""What a `cargo test` that is under way has said of its tests: that some end, and which one is still running.

libtest prints a line for each test as it ends, below `running 3 tests` for each test program. It starts the tests of a
program in the order of their names, so the first by name that has not ended is running for certain. The names are those
of an earlier run: libtest does not print them before.
"""

from __future__ import annotations

import re
from collections import Counter

_BEGINS = re.compile(rb"^running \d{1,9} tests?\r?$")
_TEST = re.compile(rb"^test (.{1,1000}?)(?: \(line \d{1,9}\))?(?: - should panic| - compile fail| - compile)? \.\.\. ")
"""Without the line of an example in a comment: it moves as the file is edited."""
_LONGEST_LINE = 1 << 16
"""Bytes. Of a longer line the beginning is dropped; it is none of libtest's."""
_MOST_LINES = 200_000
"""What is said beyond is no report of tests."""


class CargoProgress:
    """Of one run. `feed` is handed its output, in pieces of any length."""

    def __init__(self, before: CargoProgress | None = None) -> None:
        """`before`: of a run of the same tests that came to its end."""
        self._before = before
        self._programs: list[Counter[str]] = []
        """For each test program how often a test of this name has ended."""
        self._said = 0
        self._line = b""
        """The line that has not ended: of one that runs its tests one after the other the name of the running one."""

    def feed(self, data: bytes) -> None:
        *lines, self._line = (self._line + data).split(b"\n")
        self._line = self._line[-_LONGEST_LINE:]
        for line in lines:
            if self._said >= _MOST_LINES:
                return
            if _BEGINS.match(line):
                self._programs.append(Counter())
                self._said += 1
            elif self._programs and (found := _TEST.match(line)):
                self._programs[-1][_name(found)] += 1
                self._said += 1

    def progress(self) -> int:
        """Grows with every test that ends and every program that starts; 0 before the first."""
        return self._said

    def running(self) -> str:
        """A test that began and has not ended; "" where none is known."""
        if found := _TEST.match(self._line):
            return _name(found)
        known = self._before._programs if self._before is not None else []
        number = len(self._programs) - 1
        left = known[number] - self._programs[number] if 0 <= number < len(known) else Counter[str]()
        return min(left, default="")


def _name(found: re.Match[bytes]) -> str:
    return found[1].decode("utf-8", "replace")
