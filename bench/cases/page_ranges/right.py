"""Page numbers as people write them for a printer."""


def pages(text: str) -> list[int]:
    """The pages of a text such as `1-3,5`: each page once, the lowest first; spaces do not matter. An empty text has none."""
    found: set[int] = set()
    for part in text.replace(" ", "").split(","):
        if part:
            first, _, last = part.partition("-")
            found.update(range(int(first), int(last or first) + 1))
    return sorted(found)
