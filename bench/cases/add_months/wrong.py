"""Dates some months later."""

import calendar
from datetime import date


def add_months(day: date, months: int) -> date:
    """The same day of the month so many months later (earlier, where `months` is negative); the last day of that month where
    it has no such day."""
    index = day.month + months
    year, month = day.year + index // 12, index % 12 or 12
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
