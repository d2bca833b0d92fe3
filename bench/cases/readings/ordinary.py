from readings import sorted_out


def test_numbers():
    assert sorted_out(["1", " 2 ", "-3"]) == ([1, 2, -3], [])


def test_others():
    assert sorted_out(["1", "two", "?"]) == ([1], ["two", "?"])
    assert sorted_out([]) == ([], [])
