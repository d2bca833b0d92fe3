"""The graph of a workspace as bytes, with the signatures of the files that it was made from: what the next start has to read of a
project that did not change. Pure.

Little-endian: a signed 64-bit number for each file, which stands for its signature (0: none); a count of 32 bits for each file, of those
that it uses; another, of those that use it; then the places of the ones and of the others in the list of paths, 32 bits each. The list of paths itself is not in it. Beside it,
for the files that are followed by names, a line each with the names that it defines, compressed.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, chain

from ralphd.context.file_graph import NOTHING, Content
from ralphd.context.names import BY_NAMES, Names


def marks(paths: Iterable[str], signatures: Mapping[str, Sequence[int]]) -> array[int]:
    """A number for the signature of each path: equal ones for equal signatures, 0 for none. Python hashes numbers alike in each
    process; another Python that does not only has the graph made anew."""
    return array("q", [hash(signature) if (signature := signatures.get(path)) else 0 for path in paths])


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
    parts = [marked, *(array("I", map(len, each)) for each in (rows, users)),
             *(array("I", chain.from_iterable(each)) for each in (rows, users))]  # fmt: skip
    lines = [said.text.partition("\n")[0] for path in paths if isinstance(said := contents[path], Names)]
    defined = zlib.compress("\n".join(lines).encode(), 1) if lines else b""
    return b"".join(_swapped(part).tobytes() for part in parts), defined


class KeptGraph:
    """Raises `ValueError` where the bytes are not of as many files as `paths`."""

    def __init__(self, paths: Sequence[str], data: bytes, defined: bytes) -> None:
        self.paths, self._defined = paths, defined
        signed, counted = len(paths) * 8, len(paths) * 4
        self._marks = _array("q", data[:signed])
        counts = (
            _array("I", data[signed : signed + counted]),
            _array("I", data[signed + counted : signed + 2 * counted]),
        )
        rows = _array("I", data[signed + 2 * counted :])
        self._uses, rest = _Rows.first(counts[0], rows)
        self._users, rest = _Rows.first(counts[1], rest)
        if len(self._marks) != len(paths) or rest or (rows and max(rows) >= len(paths)):
            raise ValueError("not a graph of these files")

    def changed(self, marked: array[int]) -> list[str]:
        """The files whose signature is another one now, or is none."""
        if self._marks == marked and 0 not in marked:
            return []
        return [path for path, then, now in zip(self.paths, self._marks, marked, strict=True) if then != now or not now]

    def defined(self) -> dict[str, list[str]]:
        """By file that is followed by names, what it defined. Raises `ValueError` where the bytes say nothing of that."""
        paths = [path for path in self.paths if path.endswith(BY_NAMES)]
        try:
            lines = zlib.decompress(self._defined).decode().split("\n") if self._defined else []
        except zlib.error as error:
            raise ValueError(str(error)) from None
        return {path: line.split() for path, line in zip(paths, lines, strict=True)}

    def uses(self, path: str) -> frozenset[str]:
        row = self._uses.row(self._place[path])
        return frozenset([self.paths[one] for one in row]) if row else NOTHING

    def users(self, path: str) -> list[str]:
        number = self._place.get(path)
        return [self.paths[one] for one in self._users.row(number)] if number is not None else []

    @cached_property
    def _place(self) -> Mapping[str, int]:
        return dict(zip(self.paths, range(len(self.paths)), strict=True))


class _Rows:
    """Rows of numbers that lie one behind the other."""

    def __init__(self, ends: Sequence[int], numbers: array[int]) -> None:
        self._ends, self._numbers = ends, numbers

    @classmethod
    def first(cls, counts: array[int], numbers: array[int]) -> tuple[_Rows, array[int]]:
        """As many of the numbers as there are in these rows, and the rest. Raises `ValueError` where there are fewer."""
        ends = array("L", accumulate(counts, initial=0))
        if ends[-1] > len(numbers):
            raise ValueError("fewer numbers than were counted")
        return cls(ends, numbers[: ends[-1]]), numbers[ends[-1] :]

    def row(self, number: int) -> array[int]:
        return self._numbers[self._ends[number] : self._ends[number + 1]]


def _array(kind: str, data: bytes) -> array[int]:
    """Raises `ValueError` where the bytes are no whole numbers."""
    numbers = array(kind)
    numbers.frombytes(data)
    return _swapped(numbers)


def _swapped(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers
