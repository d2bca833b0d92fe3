from datetime import date

from add_months import add_months


def test_within_a_year():
    assert add_months(date(2023, 1, 15), 2) == date(2023, 3, 15)
    assert add_months(date(2023, 1, 31), 1) == date(2023, 2, 28)


def test_into_the_next_year():
    assert add_months(date(2023, 11, 30), 3) == date(2024, 2, 29)


def test_back():
    assert add_months(date(2023, 3, 31), -1) == date(2023, 2, 28)
