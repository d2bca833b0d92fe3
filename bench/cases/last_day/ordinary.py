import pytest
from last_day import last_day


@pytest.mark.parametrize(
    ("year", "month", "day"), [(2023, 1, 31), (2023, 2, 28), (2024, 2, 29), (2000, 2, 29), (2023, 4, 30)]
)
def test_days(year, month, day):
    assert last_day(year, month) == day


def test_no_month():
    with pytest.raises(ValueError):
        last_day(2023, 13)
