from __future__ import annotations

import pytest

from pages import expand


def test_one_page():
    assert expand("4") == [4]


def test_a_range():
    assert expand("7-9") == [7, 8, 9]


def test_pages_and_ranges():
    assert expand("1-3, 5, 8-9") == [1, 2, 3, 5, 8, 9]


def test_sorted():
    assert expand("12, 3, 7") == [3, 7, 12]


def test_no_number_twice():
    assert expand("5, 1-3, 2-4, 5") == [1, 2, 3, 4, 5]


def test_backwards():
    with pytest.raises(ValueError):
        expand("3-1")
