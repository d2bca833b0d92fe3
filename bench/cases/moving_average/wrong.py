"""Averages over a window."""


def moving_average(values: list[int], window: int) -> list[float]:
    """The mean of each `window` values in a row: `len(values) - window + 1` of them, none where there are too few.

    ValueError unless `window` is positive.
    """
    if window < 1:
        raise ValueError("the window holds at least one value")
    return [sum(values[start : start + window]) / window for start in range(max(1, len(values) - window + 1)) if values]
