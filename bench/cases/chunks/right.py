"""Lists in pieces."""


def chunk(items: list[int], size: int) -> list[list[int]]:
    """The items in pieces of `size`, the last one may be shorter; joined they are the items again. `size` is positive."""
    if size < 1:
        raise ValueError("a piece holds at least one item")
    return [items[start : start + size] for start in range(0, len(items), size)]
