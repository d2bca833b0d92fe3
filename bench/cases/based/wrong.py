"""Numbers in other bases."""

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def in_base(number: int, base: int) -> str:
    """The number in base 2 to 36, with small letters for the digits above 9 and a `-` before a negative one; ValueError for
    another base."""
    if not 2 <= base <= len(DIGITS):
        raise ValueError(f"no base: {base}")
    digits = ""
    rest = abs(number)
    while rest or not digits:
        rest, digit = divmod(rest, base)
        digits = DIGITS[digit] + digits
    return digits
