"""Two sorted series in one."""

from collections.abc import Iterator


def merged(first: list[int], second: list[int]) -> Iterator[int]:
    """Gives all numbers of two lists, each sorted with the smallest first, one after the other with the smallest first."""
    at, place = 0, 0
    while at < len(first) and place < len(second):
        if first[at] <= second[place]:
            yield first[at]
            at += 1
        else:
            yield second[place]
            place += 1
    yield from first[at:] or second[place : place + 1]
