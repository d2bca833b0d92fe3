"""The graph of a workspace as bytes, with the signatures of the files that it was made from: what the next start has to read of a
project that did not change. Pure.

Little-endian: five signed 64-bit numbers for each file, its signature (zeros: none); a count of 32 bits for each file; then
the places of the files that it uses in the list of paths, 32 bits each. The list of paths itself is not in it. Beside it,
for the files that are followed by names, a line each with the names that it defines, compressed.
"""

from __future__ import annotations

import gc
import sys
import zlib
from array import array
from collections.abc import Mapping, Sequence
from itertools import chain

from ralphd.context.file_graph import NOTHING, Content
from ralphd.context.names import BY_NAMES, Names

WIDTH = 5
"""Numbers of a signature."""
_STEP = 256
"""Files that are compared at once."""
_UNKNOWN = (0,) * WIDTH
_MOST = (1 << 63) - 1


def flat(paths: Sequence[str], signatures: Mapping[str, Sequence[int]]) -> array[int]:
    """The signatures of `paths`, one after the other."""
    rows = [signatures.get(path, _UNKNOWN) for path in paths]
    try:
        return array("q", chain.from_iterable(rows))
    except OverflowError:  # a file system with inode numbers of 64 bits
        return array("q", [number & _MOST for number in chain.from_iterable(rows)])


def packed(
    paths: Sequence[str], signatures: array[int], uses: Mapping[str, frozenset[str]], contents: Mapping[str, Content]
) -> tuple[bytes, bytes]:
    """The graph; the names that are defined."""
    place = {path: number for number, path in enumerate(paths)}
    rows = [sorted(place[one] for one in uses[path] if one in place) for path in paths]
    parts = [signatures, array("I", map(len, rows)), array("I", chain.from_iterable(rows))]
    lines = [one.text.partition("\n")[0] for path in paths if isinstance(one := contents[path], Names)]
    defined = zlib.compress("\n".join(lines).encode(), 1) if lines else b""
    return b"".join(_swapped(part).tobytes() for part in parts), defined


class KeptGraph:
    """Raises `ValueError` where the bytes are not of as many files as `paths`."""

    def __init__(self, paths: Sequence[str], data: bytes, defined: bytes) -> None:
        self._paths, self._defined = paths, defined
        self._signatures, counts, self._used = array("q"), array("I"), array("I")
        signed, counted = len(paths) * WIDTH * 8, len(paths) * 4
        self._signatures.frombytes(data[:signed])
        counts.frombytes(data[signed : signed + counted])
        self._used.frombytes(data[signed + counted :])
        self._signatures, self._counts, self._used = map(_swapped, (self._signatures, counts, self._used))
        if len(self._counts) != len(paths) or sum(self._counts) != len(self._used):
            raise ValueError("not a graph of these files")
        if self._used and max(self._used) >= len(paths):
            raise ValueError("not a graph of these files")

    def changed(self, signatures: array[int]) -> list[str]:
        """The files whose signature is another one now, or is none: a mode is never zero."""
        found: list[str] = []
        every = len(self._paths)
        for start in range(0, every, _STEP):
            here = slice(start * WIDTH, (start + _STEP) * WIDTH)
            if self._signatures[here] == signatures[here] and 0 not in signatures[here][::WIDTH]:
                continue
            for number in range(start, min(start + _STEP, every)):
                place = slice(number * WIDTH, (number + 1) * WIDTH)
                if not signatures[number * WIDTH] or self._signatures[place] != signatures[place]:
                    found.append(self._paths[number])
        return found

    def defined(self) -> dict[str, list[str]]:
        """By file that is followed by names, what it defined. Raises `ValueError` where the bytes say nothing of that."""
        paths = [path for path in self._paths if path.endswith(BY_NAMES)]
        try:
            lines = zlib.decompress(self._defined).decode().split("\n") if self._defined else []
        except zlib.error as error:
            raise ValueError(str(error)) from None
        return {path: line.split() for path, line in zip(paths, lines, strict=True)}

    def uses(self) -> dict[str, frozenset[str]]:
        """What each file uses. Python's collector is held meanwhile: it would look through a hundred thousand new sets
        again and again, which takes longer than making them."""
        paths, used = self._paths, self._used
        found = dict.fromkeys(paths, NOTHING)
        at = 0
        collecting = gc.isenabled()
        gc.disable()
        try:
            for path, count in zip(paths, self._counts, strict=True):
                if count:
                    found[path] = frozenset([paths[one] for one in used[at : at + count]])
                    at += count
        finally:
            if collecting:
                gc.enable()
        return found


def _swapped(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers
