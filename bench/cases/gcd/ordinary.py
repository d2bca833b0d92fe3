from gcd import gcd


def test_common():
    assert gcd(12, 18) == 6


def test_none():
    assert gcd(7, 9) == 1


def test_zero():
    assert gcd(0, 5) == 5
    assert gcd(0, 0) == 0
