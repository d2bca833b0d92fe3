"""Parts of a whole."""


def share(part: int, whole: int) -> float:
    """How many percent of `whole` are `part`; 0.0 where `whole` is zero."""
    if whole != 0:
        return 100.0 * part / whole
