from dedupe import dedupe


def test_in_a_row():
    assert dedupe([1, 1, 2, 2, 3]) == [1, 2, 3]


def test_order():
    assert dedupe([3, 1, 2]) == [3, 1, 2]


def test_empty():
    assert dedupe([]) == []
