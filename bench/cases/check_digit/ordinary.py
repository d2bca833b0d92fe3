from check_digit import is_valid


def test_valid():
    assert is_valid("4539 3195 0343 6467")
    assert is_valid("0")


def test_not_valid():
    assert not is_valid("8273 1232 7352 0569")
    assert not is_valid("12a")
    assert not is_valid("")
