import pytest
from turnstile import passed


def test_one_after_the_other():
    assert passed(["coin", "push", "coin", "push"]) == 2


def test_closed():
    assert passed(["push", "coin", "push", "push"]) == 1


def test_nonsense():
    with pytest.raises(ValueError):
        passed(["kick"])
