from query import parse_query


def test_values_in_order():
    assert parse_query("a=1&b=2&a=3") == {"a": ["1", "3"], "b": ["2"]}


def test_without_a_value():
    assert parse_query("a&b=") == {"a": [""], "b": [""]}


def test_empty_parts():
    assert parse_query("&a=1&&") == {"a": ["1"]}
