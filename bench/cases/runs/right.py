"""Equal neighbours in a series."""

from collections.abc import Iterator


def runs(values: list[int]) -> Iterator[tuple[int, int]]:
    """Gives each value of a series once for all its equal neighbours, with their number: (5, 2) for two fives in a row."""
    start = 0
    for place in range(1, len(values) + 1):
        if place == len(values) or values[place] != values[start]:
            yield values[start], place - start
            start = place
