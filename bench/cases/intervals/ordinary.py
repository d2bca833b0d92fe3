import pytest
from intervals import merge_intervals


def test_apart():
    assert merge_intervals([(5, 6), (1, 2)]) == [(1, 2), (5, 6)]


def test_overlap():
    assert merge_intervals([(1, 3), (2, 5)]) == [(1, 5)]


def test_touching():
    assert merge_intervals([(1, 2), (3, 4)]) == [(1, 4)]


def test_backwards():
    with pytest.raises(ValueError):
        merge_intervals([(2, 1)])
