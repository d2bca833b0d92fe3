from runs import runs


def test_runs():
    assert list(runs([5, 5, 1, 2, 2, 2])) == [(5, 2), (1, 1), (2, 3)]
    assert list(runs([7, 7])) == [(7, 2)]


def test_nothing():
    assert list(runs([])) == []
