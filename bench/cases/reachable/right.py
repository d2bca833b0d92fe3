"""Where one gets to in a network of one-way roads."""


def reachable(roads: dict[str, list[str]], start: str) -> list[str]:
    """The places that can be reached from `start` over one road or more, in the order of the alphabet; `start` itself is one
    of them only where a way leads back to it. A place without a line in `roads` has no road that leaves it."""
    found: set[str] = set()
    waiting = list(roads.get(start, []))
    while waiting:
        place = waiting.pop()
        if place not in found:
            found.add(place)
            waiting.extend(roads.get(place, []))
    return sorted(found)
