"""The middle of some numbers."""


def median(values: list[float]) -> float:
    """The middle value, or the mean of the two middle ones; ValueError for none. `values` is left as it was."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
