from reachable import reachable


def test_over_several_roads():
    assert reachable({"a": ["b"], "b": ["c", "d"]}, "a") == ["b", "c", "d"]


def test_no_road():
    assert reachable({"a": ["b"]}, "b") == []
    assert reachable({}, "a") == []


def test_a_circle_further_on():
    assert reachable({"a": ["b"], "b": ["c"], "c": ["b"]}, "a") == ["b", "c"]
