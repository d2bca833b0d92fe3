import pytest
from truncate import truncate


def test_fits():
    assert truncate("abc", 3) == "abc"


def test_long():
    assert truncate("abcdef", 4) == "abc…"


def test_width():
    with pytest.raises(ValueError):
        truncate("a", 0)
