from search import find


def test_there():
    assert find([1, 3, 5, 7], 1) == 0
    assert find([1, 3, 5, 7], 5) == 2
    assert find([1, 3, 5, 7], 7) == 3


def test_not_there():
    assert find([1, 3, 5], 4) == -1
    assert find([1, 3, 5], 9) == -1
    assert find([1, 3, 5], 0) == -1
