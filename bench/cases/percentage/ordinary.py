from percentage import percentage


def test_half():
    assert percentage(1, 2) == 50.0


def test_more():
    assert percentage(3, 2) == 150.0


def test_nothing_of_something():
    assert percentage(0, 8) == 0.0
