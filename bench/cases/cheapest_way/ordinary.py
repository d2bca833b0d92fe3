from cheapest_way import cheapest


def test_the_cheaper_of_two():
    assert cheapest({"a": {"b": 1, "c": 2}, "b": {"d": 1}, "c": {"d": 5}}, "a", "d") == 2


def test_the_same_place():
    assert cheapest({}, "a", "a") == 0


def test_no_way():
    assert cheapest({"a": {"b": 1}}, "b", "a") is None
