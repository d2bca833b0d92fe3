"""Version numbers such as 1.10.2."""


def compare_versions(one: str, other: str) -> int:
    """-1, 0 or 1: `one` is older than, equal to or newer than `other`. Missing parts count as zero.

    Swapping the two changes the sign. ValueError for what is no version.
    """
    first = [int(part) for part in one.split(".")]
    second = [int(part) for part in other.split(".")]
    length = max(len(first), len(second))
    first += [0] * (length - len(first))
    second += [0] * (length - len(second))
    return (first > second) - (first < second)
