from page_ranges import pages


def test_ranges_and_single_pages():
    assert pages("1-3,5") == [1, 2, 3, 5]
    assert pages("7, 2 - 3") == [2, 3, 7]


def test_nothing():
    assert pages("") == []
