"""Greatest common divisors."""


def gcd(a: int, b: int) -> int:
    """The greatest number that divides both, never negative; 0 for two zeros."""
    while b:
        a, b = b, a % b
    return abs(a)


def gcd_naive(a: int, b: int) -> int:
    """The same by trying; ValueError for numbers that would take too long."""
    a, b = abs(a), abs(b)
    if max(a, b) > 5000:
        raise ValueError("too large to try")
    if not a or not b:
        return a or b
    return next(n for n in range(min(a, b), 0, -1) if a % n == 0 and b % n == 0)
