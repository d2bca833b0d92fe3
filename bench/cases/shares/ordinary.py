import pytest
from shares import shares


def test_even():
    assert shares(6, 3) == [2, 2, 2]


def test_one_is_left():
    assert shares(7, 3) == [3, 2, 2]
    assert shares(1, 1) == [1]


def test_nobody():
    with pytest.raises(ValueError):
        shares(3, 0)
