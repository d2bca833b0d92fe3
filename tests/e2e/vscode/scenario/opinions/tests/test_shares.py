from shares import share


def test_half():
    assert share(1, 2) == 50.0
