"""Days on which people work."""

from datetime import date, timedelta


def workdays(first: date, last: date) -> int:
    """How many days from `first` to `last`, both of them included, are Mondays to Fridays. None where `last` is before
    `first`: 0."""
    count = 0
    day = first
    while day <= last:
        if day.weekday() < 5:
            count += 1
        day += timedelta(days=1)
    return count
