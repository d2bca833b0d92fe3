"""How long a month is."""


def last_day(year: int, month: int) -> int:
    """The number of the month's last day in the Gregorian calendar: in a leap year February has 29 days. Years that can be
    divided by 100 are none, unless 400 divides them too. A month that is not from 1 to 12 is a ValueError."""
    if not 1 <= month <= 12:
        raise ValueError(f"no month: {month}")
    if month == 2:
        leap = year % 4 == 0
        return 29 if leap else 28
    return 30 if month in (4, 6, 9, 11) else 31
