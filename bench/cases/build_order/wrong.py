"""In which order things are built that need each other."""


def build_order(needs: dict[str, list[str]]) -> list[str]:
    """All names, each after those that it needs; of those that could come next the first in the alphabet does. A name that
    is only needed, and has no line of its own, needs nothing and is built too. ValueError where they need each other."""
    left = {name: {other for other in needed if other in needs} for name, needed in needs.items()}
    order: list[str] = []
    while left:
        ready = sorted(name for name, needed in left.items() if not needed)
        if not ready:
            raise ValueError("they need each other")
        order.append(ready[0])
        del left[ready[0]]
        for needed in left.values():
            needed.discard(ready[0])
    return order
