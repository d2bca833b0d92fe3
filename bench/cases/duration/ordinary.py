import pytest
from duration import format_duration, parse_duration


@pytest.mark.parametrize(("seconds", "text"), [(5, "5s"), (60, "1m"), (3600, "1h"), (3723, "1h2m3s"), (3605, "1h5s")])
def test_both_ways(seconds, text):
    assert format_duration(seconds) == text
    assert parse_duration(text) == seconds


def test_nonsense():
    with pytest.raises(ValueError):
        parse_duration("soon")
