"""Dates some months later."""

import calendar
from datetime import date


def add_months(day: date, months: int) -> date:
    """The same day of the month so many months later (earlier, where `months` is negative); the last day of that month where
    it has no such day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
