from nested import value_at


def test_there():
    assert value_at({"server": {"port": 80}}, "server.port", "none") == 80
    assert value_at({"a": 1}, "a", "none") == 1


def test_missing():
    assert value_at({"server": {}}, "server.port", "none") == "none"
    assert value_at({}, "a.b", "none") == "none"
