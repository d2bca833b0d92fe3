"""The graph of a workspace as bytes, with the signatures of the files that it was made from: what the next start has to read of a
project that did not change. Pure.

Little-endian: the CRC-32 of what follows, in 64 bits; a signed 64-bit number for each file, which stands for its signature
(0: none); for each file where its row of used files ends, in 32 bits, and so for its row of users; then the rows of the ones
and of the others, a place in the list of paths in 32 bits each. The list of paths itself is not in it. Beside it, for the
files that are followed by names, a line each with the names that it defines, compressed.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain, repeat

from ralphd.context.file_graph import NOTHING, Content
from ralphd.context.listing import Listing
from ralphd.context.names import BY_NAMES, Names


def marks(paths: Iterable[str], signatures: Mapping[str, Sequence[int]]) -> array[int]:
    """A number for the signature of each path: equal ones for equal signatures, 0 for none. Python hashes numbers alike in each
    process; another Python that does not only has the graph made anew."""
    return array("q", map(hash, map(signatures.get, paths, repeat(0))))  # the hash of 0 is 0


def packed(
    paths: Sequence[str], marked: array[int], uses: Mapping[str, frozenset[str]], contents: Mapping[str, Content]
) -> tuple[bytes, bytes]:
    """The graph; the names that are defined."""
    place = {path: number for number, path in enumerate(paths)}
    rows = [sorted(place[one] for one in uses[path] if one in place) for path in paths]
    users: list[list[int]] = [[] for _ in paths]
    for number, row in enumerate(rows):
        for one in row:
            users[one].append(number)
    parts = [marked, *(array("I", accumulate(map(len, each))) for each in (rows, users)),
             *(array("I", chain.from_iterable(each)) for each in (rows, users))]  # fmt: skip
    lines = [said.text.partition("\n")[0] for path in paths if isinstance(said := contents[path], Names)]
    defined = zlib.compress("\n".join(lines).encode(), 1) if lines else b""
    data = b"".join(_swapped(part).tobytes() for part in parts)
    return zlib.crc32(data).to_bytes(8, "little") + data, defined


_STEP = 1000
"""So many marks are compared at once."""


class KeptGraph:
    """Raises `ValueError` where the bytes are damaged, or not of as many files as there are `files`."""

    def __init__(self, files: Listing, data: bytes, defined: bytes) -> None:
        self._files, self._defined = files, defined
        self.paths = paths = files.paths
        checked = memoryview(data)[8:]
        if zlib.crc32(checked) != int.from_bytes(data[:8], "little") or len(checked) < 16 * len(paths):
            raise ValueError("not a graph of these files")
        signed, counted = len(paths) * 8, len(paths) * 4
        self._marks = _array("q", checked[:signed])
        ends = [_array("I", checked[signed + n * counted : signed + (n + 1) * counted]) for n in (0, 1)]
        used = ends[0][-1] if paths else 0
        rows = _array("I", checked[signed + 2 * counted :])
        self._uses, self._users = _Rows(ends[0], rows[:used]), _Rows(ends[1], rows[used:])

    def changed(self, marked: array[int]) -> list[str]:
        """The files whose signature is another one now, or is none."""
        found = []
        for start in range(0, len(marked), _STEP):
            then, now = self._marks[start : start + _STEP], marked[start : start + _STEP]
            if then != now or 0 in now:
                paths = self.paths[start : start + _STEP]
                found += [path for path, one, two in zip(paths, then, now, strict=True) if one != two or not two]
        return found

    def defined(self) -> dict[str, list[str]]:
        """By file that is followed by names, what it defined. Raises `ValueError` where the bytes say nothing of that."""
        paths = [path for path in self.paths if path.endswith(BY_NAMES)]
        try:
            lines = zlib.decompress(self._defined).decode().split("\n") if self._defined else []
        except zlib.error as error:
            raise ValueError(str(error)) from None
        return {path: line.split() for path, line in zip(paths, lines, strict=True)}

    def uses(self, path: str) -> frozenset[str]:
        row = self._uses.row(self._files.place[path])
        return frozenset([self.paths[one] for one in row]) if row else NOTHING

    def users(self, path: str) -> list[str]:
        number = self._files.place.get(path)
        return [self.paths[one] for one in self._users.row(number)] if number is not None else []


class _Rows:
    """Rows of numbers that lie one behind the other."""

    def __init__(self, ends: Sequence[int], numbers: array[int]) -> None:
        self._ends, self._numbers = ends, numbers

    def row(self, number: int) -> array[int]:
        return self._numbers[self._ends[number - 1] if number else 0 : self._ends[number]]


def _array(kind: str, data: memoryview) -> array[int]:
    numbers = array(kind)
    numbers.frombytes(data)
    return _swapped(numbers)


def _swapped(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers
