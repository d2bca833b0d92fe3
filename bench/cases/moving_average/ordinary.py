import pytest
from moving_average import moving_average


def test_pairs():
    assert moving_average([1, 3, 5], 2) == [2.0, 4.0]


def test_whole():
    assert moving_average([1, 2, 3], 3) == [2.0]


def test_empty():
    assert moving_average([], 2) == []


def test_window():
    with pytest.raises(ValueError):
        moving_average([1], 0)
