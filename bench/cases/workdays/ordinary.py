from datetime import date

from workdays import workdays


def test_a_week():
    assert workdays(date(2024, 1, 1), date(2024, 1, 7)) == 5


def test_a_weekend():
    assert workdays(date(2024, 1, 6), date(2024, 1, 7)) == 0


def test_the_other_way_round():
    assert workdays(date(2024, 1, 7), date(2024, 1, 1)) == 0
