from prefix import prefix


def test_common():
    assert prefix(["flower", "flow", "flight"]) == "fl"
    assert prefix(["same", "same"]) == "same"


def test_none():
    assert prefix([]) == ""
    assert prefix(["dog", "car"]) == ""
