"""Lists without repetitions."""


def dedupe(items: list[int]) -> list[int]:
    """Each item once, in the order in which they first came."""
    seen: set[int] = set()
    out = []
    for item in items:
        if item not in seen:
            seen.add(item)
            out.append(item)
    return out
