import pytest
from build_order import build_order


def test_each_after_what_it_needs():
    assert build_order({"app": ["lib", "ui"], "lib": [], "ui": ["lib"]}) == ["lib", "ui", "app"]


def test_the_alphabet_decides():
    assert build_order({"b": [], "a": [], "c": ["a"]}) == ["a", "b", "c"]


def test_a_circle():
    with pytest.raises(ValueError):
        build_order({"a": ["b"], "b": ["a"]})
