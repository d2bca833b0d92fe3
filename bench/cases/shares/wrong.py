"""Whole things that are shared."""


def shares(total: int, people: int) -> list[int]:
    """What each of the people gets of `total` things: no two shares differ by more than one, the larger ones come first, and
    together they are `total`. ValueError without people; `total` is not negative."""
    if people < 1:
        raise ValueError("nobody is there")
    each, rest = divmod(total, people)
    return [each + rest] + [each] * (people - 1)
