import pytest
from roman import int_to_roman, roman_to_int


@pytest.mark.parametrize(
    ("number", "numeral"), [(1, "I"), (4, "IV"), (9, "IX"), (14, "XIV"), (40, "XL"), (90, "XC"), (2026, "MMXXVI")]
)
def test_both_ways(number, numeral):
    assert int_to_roman(number) == numeral
    assert roman_to_int(numeral) == number


def test_zero():
    with pytest.raises(ValueError):
        int_to_roman(0)
