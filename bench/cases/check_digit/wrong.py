"""Numbers with a check digit at their end."""


def is_valid(number: str) -> bool:
    """Whether a number passes Luhn's check: counted from its right end, every second digit is doubled (and 9 taken away from
    what is above 9 then), and the sum of all digits can be divided by 10. Spaces are left out; other characters, or no digit
    at all, make it invalid."""
    digits = number.replace(" ", "")
    if not digits.isascii() or not digits.isdigit():
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 10 else value
    return total % 10 == 0
