import pytest
from based import in_base


@pytest.mark.parametrize(("number", "base", "text"), [(0, 2, "0"), (5, 2, "101"), (255, 16, "ff"), (35, 36, "z")])
def test_digits(number, base, text):
    assert in_base(number, base) == text


def test_no_base():
    with pytest.raises(ValueError):
        in_base(1, 1)
