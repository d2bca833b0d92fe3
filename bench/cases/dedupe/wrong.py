"""Lists without repetitions."""


def dedupe(items: list[int]) -> list[int]:
    """Each item once, in the order in which they first came."""
    out: list[int] = []
    for item in items:
        if not out or item != out[-1]:
            out.append(item)
    return out
