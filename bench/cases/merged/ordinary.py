from merged import merged


def test_both():
    assert list(merged([1, 4, 6], [2, 5])) == [1, 2, 4, 5, 6]
    assert list(merged([1, 2], [3])) == [1, 2, 3]


def test_one_is_empty():
    assert list(merged([1, 2], [])) == [1, 2]
    assert list(merged([], [])) == []
